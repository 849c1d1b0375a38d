package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// gradual writes a set element by element, as many systems do with associations: its answer tells
// what is there when it is done, whoever has put it there.
type gradual struct {
	picky
	meanwhile func(op connector.Op, id string)
}

func (g gradual) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	results, err := g.picky.Write(ctx, ops)
	for i, res := range results {
		if res.Err != nil || err != nil {
			continue
		}
		g.meanwhile(ops[i], res.Ref.ID)
		now, err := g.Read(ctx, "cards", []string{res.Ref.ID})
		if err != nil || len(now) != 1 {
			return results, err
		}
		results[i].Version, results[i].After = now[0].Version, &now[0].Record
	}
	return results, err
}

// What a person adds to a list while we write it is theirs, and not the vendor's doing (R2, R12,
// invariant 7).
func TestR12AnElementThatIsAddedDuringOurWriteIsCarriedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, write, add, want string // tags of the left side, then what the right has at the end
		create                   bool
	}{
		"to a change":      {"", "vip", "press;vip", "press;vip", false},
		"to a new record":  {"", "vip", "press;vip", "press;vip", true},
		"to an empty list": {"vip", "", "press", "press", false},
		"beside a removal": {"trade;vip", "vip", "press;vip", "press;vip", false},
		"and one anew":     {"trade;vip", "vip", "press;trade;vip", "press;trade;vip", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				add := c.create
				w.wrap = func(conn connector.Connection) connector.Connection {
					a := connector.AbilitiesOf(conn)
					p := picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(connector.Op) *connector.Error { return nil }}
					return gradual{p, func(op connector.Op, id string) {
						if _, set := op.Set["tags"]; set && add {
							add = false
							w.put(w.b, "cards", id, map[string]string{"tags": c.add})
						}
					}}
				}
				w.configure(w.yaml)
				fields := map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": c.before}
				if c.create {
					fields["tags"] = c.write
				}
				left := w.put(w.a, "cards", "", fields)
				w.settled("cards")
				if !c.create {
					add = true
					w.put(w.a, "cards", left, map[string]string{"tags": c.write})
					w.settled("cards")
				}
				if add {
					t.Fatal("nobody added anything")
				}
				time.Sleep(time.Minute)
				w.settled("cards")
				if a, b := w.a.Rows("cards")[0].Fields["tags"], w.b.Rows("cards")[0].Fields["tags"]; a != c.want || b != c.want {
					t.Errorf("tags are %q and %q, want %q on both sides", a, b, c.want)
				}
				for _, e := range w.history(record.Left, left) {
					if e.Kind == store.Rewritten {
						t.Errorf("what a person added is taken for the vendor's doing: %+v", e)
					}
				}
				quiet(t, w)
			})
		})
	}
}
