package connectortest

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// A need is what a scenario cannot do without. Its name stands in Lacks for all scenarios
// that have it; lacks returns what is missing, "" if nothing is.
type need struct {
	name  string
	lacks func(b *Bench) string
}

func needAll(needs ...need) []need { return needs }

// unless makes a need of a condition.
func unless(name, why string, met func(b *Bench) bool) need {
	return need{name, func(b *Bench) string {
		if met(b) {
			return ""
		}
		return why
	}}
}

func needSource() need {
	return unless("list", "the connection has no records to list", func(b *Bench) bool { return b.Source != nil })
}

func needReader() need {
	return unless("read", "records cannot be read by id", func(b *Bench) bool { return b.Reader != nil })
}

// needVerb is met if the object's records can be written so.
func needVerb(verb connector.Verb) need {
	return unless(string(verb), "the object declares no "+string(verb), func(b *Bench) bool {
		can := map[connector.Verb]bool{
			connector.Create: b.shape.Create, connector.Update: b.shape.Update, connector.Delete: b.shape.Delete,
			connector.Archive: b.shape.Archive, connector.Restore: b.shape.Restore,
		}
		return b.Writer != nil && can[verb]
	})
}

// needField is met if some field is so.
func needField(name string, is func(record.Field) bool) need {
	return unless(name, "the object has no "+name, func(b *Bench) bool {
		return slices.ContainsFunc(b.shape.Fields, is)
	})
}

func needFinder() need {
	return unless("find", "records cannot be found by a field", func(b *Bench) bool {
		return b.Finder != nil && len(b.findable()) > 0
	})
}

// needEdit is met if a person can change a text that moves the record's stamp.
func needEdit() need {
	return unless("edit", "the object has no plain text that people edit", func(b *Bench) bool {
		_, ok := b.editField()
		return ok
	})
}

func needBatch() need {
	return unless("batch", "the object is written one by one", func(b *Bench) bool { return b.shape.Batch > 1 })
}

func needInvalid() need {
	return unless("invalid", "the sample has no invalid value", func(b *Bench) bool { return len(b.sample.Invalid) == 1 })
}

func needUnique() need {
	return unless("unique", "the object has no unique field that can be written", func(b *Bench) bool {
		_, ok := b.unique()
		return ok
	})
}

// needVersion asks for records that have a version. A connector that does not heed it in
// writes declares a lack all the same.
func needVersion() need {
	return unless("version", "records have no versions", func(b *Bench) bool {
		if b.Source == nil {
			return false
		}
		id := b.put()
		b.later()
		return b.list().known[id].Version != ""
	})
}

func needParts() need {
	return unless("parts", "the object is not kept in parts", func(b *Bench) bool {
		return b.Partitioner != nil && len(b.parts()) > 1
	})
}

func needDeletes() need {
	return unless("deletes", "the object declares no evidence of deletes", func(b *Bench) bool {
		return b.shape.Deletes != record.EvidenceNone
	})
}

func needLimits() need {
	return unless("limits", "the system declares no limits", func(b *Bench) bool {
		return b.suite.Spec.Limits != nil && len(b.suite.Spec.Limits(b.suite.Settings, b.Identity)) > 0
	})
}

func needAddField() need {
	return unless("add field", "fields cannot be added", func(b *Bench) bool { return b.AddField != nil })
}

// The needs of what only some twins can do.

func needDeny() need {
	return unless("deny", "the twin cannot take a right away", func(b *Bench) bool { return b.suite.Deny != nil })
}

func needHide() need {
	return unless("hide", "the twin cannot hide a record", func(b *Bench) bool { return b.suite.Hide != nil })
}

func needExpire() need {
	return unless("expire", "the twin's cursors do not expire", func(b *Bench) bool { return b.suite.Expire != nil })
}

func needMerge() need {
	return unless("merge", "the twin cannot merge records", func(b *Bench) bool { return b.suite.Merge != nil })
}

func needFiles() need {
	return unless("files", "the object's records have no files", func(b *Bench) bool {
		return b.Files != nil && b.shape.Files
	})
}

func needFileCap() need {
	return unless("file cap", "the system declares no largest file", func(b *Bench) bool { return b.suite.Spec.MaxFile > 0 })
}
