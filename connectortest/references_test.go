package connectortest

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// tagged makes references of the toy's tags, which it writes as one value.
func tagged() defect {
	return defect{
		name: "a list of references is written as a whole", scenario: "a list of references keeps what others add meanwhile", says: "which others had added",
		schema: func(o *record.Object) {
			for i := range o.Fields {
				if o.Fields[i].Name == "tags" {
					o.Fields[i].Kind, o.Fields[i].To, o.Fields[i].Choices = record.KindReferences, "labels", nil
				}
			}
		},
		suite: func(s *Suite) {
			s.Objects[0].Create["tags"], s.Objects[0].Update["tags"] = record.Texts("vip"), record.Texts("vip", "trade")
			s.Objects[0].Fixed = map[string]string{"label": "is of no interest here"}
		},
	}
}

func referenceDefects() []defect { return []defect{tagged()} }

// A connector that takes away only what was read passes.
func TestReferencesThatAreWrittenByTheirDifferencesPass(t *testing.T) {
	t.Parallel()
	d := tagged()
	d.write = func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		sent := slices.Clone(ops)
		for i, op := range ops {
			want, given := op.Set["tags"]
			if op.Verb != connector.Update || !given {
				continue
			}
			now, err := m.good.Reader.Read(ctx, op.Ref.Object, []string{op.Ref.ID})
			if err != nil {
				return nil, err
			}
			all := want.Items()
			for _, v := range now[0].Fields["tags"].Items() {
				if !slices.ContainsFunc(slices.Concat(op.Was["tags"].Items(), all), v.Equal) {
					all = append(all, v)
				}
			}
			sent[i].Set = record.Fields{"tags": record.List(all...)}
		}
		return m.good.Writer.Write(ctx, sent)
	}
	s := toySuite()
	s.Spec = d.spec(s.Spec)
	d.suite(&s)
	p, sc, _ := scenarioOf(s, "cards", d.scenario)
	synctest.Test(t, func(t *testing.T) {
		if r := s.record(t, p, sc); r.failed {
			t.Error(r.text())
		}
	})
}
