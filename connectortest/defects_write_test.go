package connectortest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func lookupDefects() []defect {
	return []defect{
		{
			name: "read answers in the vendor's order", scenario: "read keeps the order", says: "asked for",
			read: alterRead(func(changes []connector.Change) {
				slices.SortFunc(changes, func(a, b connector.Change) int { return strings.Compare(a.ID, b.ID) })
			}),
		},
		{
			name: "read leaves out what is missing", scenario: "read keeps the order", says: "changes for",
			read: func(m *mutant, ctx context.Context, object string, ids []string) ([]connector.Change, error) {
				changes, err := m.good.Reader.Read(ctx, object, ids)
				return slices.DeleteFunc(changes, func(c connector.Change) bool { return fateGone(c.Fate) }), err
			},
		},
		{
			name: "read knows no versions", scenario: "read shows what a listing shows", says: "version and stamps",
			read: alterRead(func(changes []connector.Change) {
				for i := range changes {
					changes[i].Version = ""
				}
			}),
		},
		{
			name: "read shows other fields", scenario: "read shows what a listing shows", says: "read false",
			read: alterRead(func(changes []connector.Change) {
				for _, c := range changes {
					delete(c.Fields, "club")
				}
			}),
		},
		{
			name: "find contains", scenario: "find finds all that hold a value and no other", says: "find by",
			find: func(m *mutant, ctx context.Context, object, field string, values []string) ([]record.Record, error) {
				return m.scan(ctx, object, func(f record.Fields) bool {
					return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(f[field].Text(), v) })
				})
			},
		},
		{
			name: "find finds the first only", scenario: "find finds all that hold a value and no other", says: "find by email",
			find: func(m *mutant, ctx context.Context, object, field string, values []string) ([]record.Record, error) {
				found, err := m.good.Finder.Find(ctx, object, field, values)
				return found[:min(1, len(found))], err
			},
		},
		{
			name: "find minds the case", scenario: "find by e-mail disregards case", says: "find by email",
			find: func(m *mutant, ctx context.Context, object, field string, values []string) ([]record.Record, error) {
				return m.scan(ctx, object, func(f record.Fields) bool { return slices.Contains(values, f[field].Text()) })
			},
		},
	}
}

// scan finds by listing everything.
func (m *mutant) scan(ctx context.Context, object string, is func(record.Fields) bool) ([]record.Record, error) {
	var out []record.Record
	q := connector.Query{Object: object}
	for {
		page, err := m.good.Source.Changes(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Changes {
			if c.Fate == connector.Present && is(c.Fields) {
				out = append(out, c.Record)
			}
		}
		if q.Cursor = page.Next; !page.More {
			return out, nil
		}
	}
}

func writeDefects() []defect {
	return []defect{
		{
			name: "a field is not sent", scenario: "create", says: "create: email",
			write: alterOps(func(op *connector.Op) { delete(op.Set, "email") }),
		},
		{
			name: "the answer has no id", scenario: "create", says: "names",
			write: alterResults(func(_ []connector.Op, results []connector.Result) { results[0].Ref.ID = "" }),
		},
		{
			name: "numbers become whole", scenario: "update of every field", says: "update: discount",
			write: alterSent(func(name string, v record.Value) record.Value {
				if name == "discount" {
					return record.Int(v.Decimal().IntPart())
				}
				return v
			}),
		},
		{
			name: "only the first of the choices", scenario: "update of every field", says: "update: tags",
			write: alterSent(func(_ string, v record.Value) record.Value {
				if v.IsList() {
					return record.List(v.Items()[0])
				}
				return v
			}),
		},
		{
			name: "a refused field is kept quiet", scenario: "update of every field", says: "was refused",
			write: alterResults(func(_ []connector.Op, results []connector.Result) {
				results[0].Refused = []connector.Refusal{{Field: "phone", Why: "not today"}}
			}),
		},
		{
			name: "empty is not sent", scenario: "clear of every field", says: "was cleared",
			write: alterOps(func(op *connector.Op) {
				for name, v := range op.Set {
					if v.IsEmpty() {
						delete(op.Set, name)
					}
				}
			}),
		},
		{
			name: "empty is left out of what is read", scenario: "clear of every field", says: "known false",
			read: alterRead(func(changes []connector.Change) {
				for _, c := range changes {
					for name, v := range c.Fields {
						if v.IsEmpty() {
							delete(c.Fields, name)
						}
					}
				}
			}),
		},
		{
			name: "the whole record is sent", scenario: "an update touches only what it names", says: "wrote",
			write: alterOps(func(op *connector.Op) {
				if op.Verb == connector.Update {
					op.Set["notes"] = record.Text("from the cache")
				}
			}),
		},
		{
			name: "nothing is sent all the same", scenario: "an empty update sends nothing", says: "an update of nothing wrote",
			write: alterOps(func(op *connector.Op) {
				if len(op.Set) == 0 {
					op.Set["notes"] = record.Text("touched")
				}
			}),
		},
		{
			name: "what was sent is taken for what is held", scenario: "what a write answers is what a read shows", says: "answered name",
			write: alterResults(func(ops []connector.Op, results []connector.Result) {
				results[0].After = &record.Record{Ref: results[0].Ref, Fields: ops[0].Set}
			}),
		},
		{
			name: "the version before", scenario: "what a write answers is what a read shows", says: "answered version",
			write: alterResults(func(_ []connector.Op, results []connector.Result) { results[0].Version = "0" }),
		},
		{
			name: "the key is not sent", scenario: "the key finds the record", says: "find by key",
			write: alterOps(func(op *connector.Op) { op.Key = "" }),
		},
		{
			name: "invalid is taken for unavailable", scenario: "an invalid value is refused and named", says: "should be [invalid]",
			write: alterErrors(kindTo(connector.Invalid, connector.Unavailable)),
		},
		{
			name: "the wrong field is named", scenario: "an invalid value is refused and named", says: "not the one at fault",
			write: alterErrors(func(e *connector.Error) error {
				other := *e
				other.Field = "phone"
				return &other
			}),
		},
		{
			name: "an invalid value stops the object", scenario: "an invalid value is refused and named", says: "concerns one record",
			write: alterErrors(func(e *connector.Error) error {
				other := *e
				other.Scope = connector.ScopeObject
				return &other
			}),
		},
		{
			name: "a refusal is swallowed", scenario: "an invalid value is refused and named", says: "should be [invalid]",
			write: alterResults(func(_ []connector.Op, results []connector.Result) {
				if results[0].Err != nil {
					results[0].Err, results[0].Ref.ID = nil, "1"
				}
			}),
		},
		{
			name: "the holder is not named", scenario: "a duplicate names the record that holds the value", says: "holds the value",
			write: alterErrors(func(e *connector.Error) error {
				other := *e
				other.Existing = record.Ref{}
				return &other
			}),
		},
		{
			name: "a duplicate is taken for invalid", scenario: "a duplicate names the record that holds the value", says: "should be [duplicate]",
			write: alterErrors(kindTo(connector.Duplicate, connector.Invalid)),
		},
		{
			name: "versions are not sent", scenario: "a stale version conflicts", says: "should be [conflict]",
			write: alterOps(func(op *connector.Op) { op.IfVersion = "" }),
		},
		{
			name: "not found is success", scenario: "a write to a missing record says so", says: "should be [not_found]",
			write: alterErrors(func(e *connector.Error) error {
				if e.Kind == connector.NotFound {
					return nil
				}
				return e
			}),
		},
	}
}

func textDefects() []defect {
	return []defect{
		{
			name: "emoji are dropped undeclared", scenario: "every script survives", says: "a script: name",
			write: alterSent(func(_ string, v record.Value) record.Value {
				return record.Rewritten(v, []record.Rewrite{record.RewriteDropAstral})
			}),
		},
		{
			name: "entities are read as they come", scenario: "what people type is read as they typed it", says: "a person's text",
			read: alterRead(alterValues(func(name string, v record.Value) record.Value {
				if name == "name" {
					return record.Rewritten(v, []record.Rewrite{record.RewriteEscapeHTML})
				}
				return v
			})),
		},
		{
			name: "rewrites are not declared", scenario: "rewrites are as declared", says: "a declared rewrite",
			schema: func(o *record.Object) {
				for i := range o.Fields {
					o.Fields[i].Rewrites = nil
				}
			},
		},
		{
			name: "rewrites are declared that are none", scenario: "rewrites are as declared", says: "a declared rewrite",
			schema: func(o *record.Object) {
				field(o, "name", func(f *record.Field) { f.Rewrites = append(f.Rewrites, record.RewriteStripTags) })
			},
			write: alterSent(func(_ string, v record.Value) record.Value {
				if !strings.Contains(v.Text(), "<b>") {
					return v
				}
				return record.Text(strings.ToUpper(v.Text()))
			}),
		},
		{
			name: "long texts are cut", scenario: "long text survives", says: "a long text",
			write: alterSent(func(_ string, v record.Value) record.Value {
				if runes := []rune(v.Text()); len(runes) > 50 {
					return record.Text(string(runes[:50]))
				}
				return v
			}),
		},
		{
			name: "zero is empty", scenario: "zero and false are values", says: "zero or false: discount",
			read: alterRead(alterValues(func(_ string, v record.Value) record.Value {
				if v.Text() == "0" {
					return record.Value{}
				}
				return v
			})),
		},
		{
			name: "false is not sent", scenario: "zero and false are values", says: "zero or false: active",
			write: alterSent(func(_ string, v record.Value) record.Value {
				if v.Text() == "false" {
					return record.Value{}
				}
				return v
			}),
		},
		{
			name: "numbers are floats", scenario: "numbers keep their digits", says: "digits",
			read: alterRead(alterValues(func(name string, v record.Value) record.Value {
				if f, err := strconv.ParseFloat(v.Text(), 32); err == nil && name == "discount" {
					return record.Text(strconv.FormatFloat(f, 'f', -1, 64))
				}
				return v
			})),
		},
	}
}

func batchDefects() []defect {
	oneByOne := func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		var all []connector.Result
		for _, op := range ops {
			results, err := m.good.Writer.Write(ctx, []connector.Op{op})
			if err != nil {
				return nil, err
			}
			all = append(all, results...)
		}
		return all, nil
	}
	firstFails := func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		results, err := m.good.Writer.Write(ctx, ops)
		for _, res := range results {
			if res.Err != nil {
				return nil, res.Err
			}
		}
		return results, err
	}
	return []defect{
		{name: "one by one", scenario: "the largest batch keeps its order", says: "took 10 requests", write: oneByOne},
		{
			name: "results in another order", scenario: "the largest batch keeps its order", says: "a batch of creates",
			write: alterResults(func(_ []connector.Op, results []connector.Result) { slices.Reverse(results) }),
		},
		{name: "one fails all", scenario: "in a batch only the one at fault fails", says: "failed because", write: firstFails},
		{
			name: "the wrong one fails", scenario: "in a batch only the one at fault fails", says: "should be [invalid]",
			write: alterResults(func(_ []connector.Op, results []connector.Result) { slices.Reverse(results) }),
		},
		{name: "one missing fails all", scenario: "in a batch of updates only the missing one fails", says: "failed because", write: firstFails},
	}
}

func outcomeDefects() []defect {
	again := func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		results, err := m.good.Writer.Write(ctx, ops)
		if connector.KindOf(err) != connector.Ambiguous {
			return results, err
		}
		for i := range ops {
			ops[i].Key = ""
		}
		if _, second := m.good.Writer.Write(ctx, ops); second != nil {
			return nil, second
		}
		return nil, err
	}
	return []defect{
		{name: "a 500 is tried again", scenario: "an error after the commit is ambiguous", says: "carried out 2 times", write: again},
		{
			name: "a 500 is taken for unavailable", scenario: "an error after the commit is ambiguous", part: "labels", says: "should be [ambiguous]",
			write: alterErrors(kindTo(connector.Ambiguous, connector.Unavailable)),
		},
		{
			name: "a lost reply is taken for unavailable", scenario: "a lost reply is ambiguous", says: "should be [ambiguous]",
			write: alterErrors(kindTo(connector.Ambiguous, connector.Unavailable)),
		},
		{
			name: "half an answer is taken for success", scenario: "a truncated answer is ambiguous", says: "should be [ambiguous]",
			write: alterErrors(func(e *connector.Error) error {
				if e.Kind == connector.Ambiguous {
					return nil
				}
				return e
			}),
		},
		{
			name: "an update is taken for refused", scenario: "an update of unknown outcome is ambiguous", says: "should be [ambiguous]",
			write: alterErrors(kindTo(connector.Ambiguous, connector.Invalid)),
		},
		{
			name: "nobody there is ambiguous", scenario: "a refused connection changes nothing", says: "should be [unavailable]",
			write: alterErrors(kindTo(connector.Unavailable, connector.Ambiguous)),
		},
		{
			name: "a web page is an empty page", scenario: "a web page is no success", says: "changes answered with a web page",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				page, err := m.good.Source.Changes(ctx, q)
				if err != nil {
					return connector.Page{Next: "l"}, nil //nolint:nilerr // the defect
				}
				return page, nil
			},
		},
		{
			name: "a web page is no hit", scenario: "a web page is no success", says: "find answered with a web page",
			find: func(m *mutant, ctx context.Context, object, field string, values []string) ([]record.Record, error) {
				found, err := m.good.Finder.Find(ctx, object, field, values)
				if err != nil {
					return nil, nil //nolint:nilerr // the defect
				}
				return found, nil
			},
		},
	}
}

func waitDefects() []defect {
	impatient := func(patience time.Duration) func(*mutant, context.Context, connector.Query) (connector.Page, error) {
		return func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return m.good.Source.Changes(ctx, q)
		}
	}
	return []defect{
		{name: "gives up at 429", scenario: "too many requests are waited out as told", says: "changes:", changes: impatient(10 * time.Second)},
		{name: "gives up at 429", scenario: "too many requests are waited out untold", says: "changes:", changes: impatient(time.Second / 2)},
		{name: "gives up at 503", scenario: "reads outlast an unavailable vendor", says: "changes:", changes: impatient(time.Second / 2)},
		{
			name: "limits above the vendor's", scenario: "the pace stays within the limits", says: "too fast",
			suite: func(s *Suite) {
				s.Spec.Limits = func(connector.Settings, connector.Identity) []connector.Limit {
					return []connector.Limit{{Units: 1000, Per: time.Second}}
				}
			},
		},
		{
			name: "a context of its own", scenario: "a cancelled call returns promptly", says: "it took",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				return m.good.Source.Changes(context.WithoutCancel(ctx), q)
			},
		},
		{
			name: "cancelled is taken for unavailable", scenario: "a cancelled call returns promptly", says: "fails with something else",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				page, err := m.good.Source.Changes(ctx, q)
				if errors.Is(err, context.Canceled) {
					err = &connector.Error{Kind: connector.Unavailable, Err: errors.New("no answer")}
				}
				return page, err
			},
		},
		{
			name: "one buffer for all", scenario: "calls at the same time do not mix", says: "a read at the same time",
			read: func(m *mutant, ctx context.Context, object string, ids []string) ([]connector.Change, error) {
				changes, err := m.good.Reader.Read(ctx, object, ids)
				m.mu.Lock()
				m.last = changes
				m.mu.Unlock()
				time.Sleep(time.Second)
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.last, err
			},
		},
	}
}
