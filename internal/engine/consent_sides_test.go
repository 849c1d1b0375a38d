package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A reading is what a connection can do that writes nothing.
type reading struct {
	connector.Connection
	connector.Source
	connector.Reader
	connector.Partitioner
	connector.Finder
}

func readingOf(c connector.Connection) reading {
	a := connector.AbilitiesOf(c)
	return reading{a.Check, a.Source, a.Reader, a.Partitioner, a.Finder}
}

// A readingWriter is one whose key may not write, which the vendor says when it is tried.
type readingWriter struct {
	reading
	connector.Writer
}

type forbidden struct{ connector.Writer }

func (forbidden) Write(context.Context, []connector.Op) ([]connector.Result, error) {
	return nil, &connector.Error{Kind: connector.Forbidden, Scope: connector.ScopeObject, Err: errors.New("the key only reads")}
}

// firstOnly changes the connection that is opened first: the left one.
func firstOnly(change func(connector.Connection) connector.Connection) func(connector.Connection) connector.Connection {
	n := 0
	return func(c connector.Connection) connector.Connection {
		if n++; n == 1 {
			return change(c)
		}
		return c
	}
}

// R32, C2: a no travels whatever the direction, but not to where nothing can be written.
func TestR32ANoToASideThatCannotBeWrittenStopsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(connector.Connection) connector.Connection{
		"no writer":     func(c connector.Connection) connector.Connection { return readingOf(c) },
		"forbidden key": func(c connector.Connection) connector.Connection { return readingWriter{readingOf(c), forbidden{}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, mailYAML("left-to-right", "ignore"))
				w.wrap = firstOnly(change)
				w.configure(w.yaml)
				w.a.NoForms()
				l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": "in"})
				w.settled("cards")
				r := w.b.Rows("cards")[0].ID
				w.put(w.b, "cards", r, map[string]string{"mail": "out"})
				for _, notes := range []string{"one", "two"} {
					time.Sleep(time.Hour)
					w.put(w.a, "cards", l, map[string]string{"notes": notes})
					rep := w.sync("cards")
					if rep.Error != "" || rep.Status == engine.StatusFailed || len(rep.Gaps) > 0 || cell(w.b, r, "notes") != notes {
						t.Errorf("%+v; notes %q, want %q", rep, cell(w.b, r, "notes"), notes)
					}
				}
				w.says("in", "out")
				if name == "forbidden key" && w.review(store.ReviewParked).Link == 0 {
					t.Error("nobody is told that the no did not get through")
				}
			})
		})
	}
}

// C2: what was planned while the connection could write is refused, not sent, once it cannot.
func TestAnOperationForAConnectionThatWritesNoMoreIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, r := mailing(t, mailYAML("left-to-right", "ignore"), "in", "in")
		w.put(w.b, "cards", r, map[string]string{"mail": "out"})
		w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Method: "POST", Path: "/v1/do", Times: 1000})
		w.sync("cards")
		w.wrap = firstOnly(func(c connector.Connection) connector.Connection { return readingOf(c) })
		w.configure(w.yaml)
		time.Sleep(time.Hour)
		if rep := w.sync("cards"); rep.Error != "" || rep.Failed != 0 {
			t.Errorf("%+v", rep)
		}
		w.says("in", "out")
	})
}

// R32: whatever the direction, a new record is told the no of the one that it is made from.
func TestR32ACreateTellsANoAgainstTheDirection(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ left, right string }{{"out", "out"}, {"in", ""}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, strings.Replace(cardsYAML, "fields: [name", "fields: [{ left: mail, right: mail, direction: right-to-left }, name", 1))
			w.a.NoForms()
			w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": row.left})
			w.settled("cards")
			if got := w.b.Rows("cards")[0].Fields["mail"]; got != row.right {
				t.Errorf("left says %q, and right was made with %q", row.left, got)
			}
		})
	}
}

// R32: a person may say that the old address holds.
func TestR32TheOldAddressHoldsIfAPersonSaysSo(t *testing.T) {
	t.Parallel()
	for direction, left := range map[string]string{"both": "ann@x.gr", "left-to-right": "new@x.gr"} {
		synctest.Test(t, func(t *testing.T) {
			w, l, r := mailing(t, mailYAML(direction, "ignore"), "out", "")
			w.put(w.a, "cards", l, map[string]string{"email": "new@x.gr"})
			w.sync("cards")
			w.decide(w.review(store.ReviewConflict), "right")
			for range 2 {
				w.settled("cards")
				w.holds(w.a, l, "email", left)
				w.holds(w.b, r, "email", "ann@x.gr")
			}
			quiet(t, w)
		})
	}
}

// R32: a revert that gives another address to somebody who said no is for a person to insist on.
func TestR32ARevertOfTheAddressOfAnOptedOutPersonIsForcedOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "ignore"), "in", "")
		w.put(w.a, "cards", l, map[string]string{"email": "new@x.gr"})
		w.settled("cards")
		w.put(w.b, "cards", r, map[string]string{"mail": "out"})
		w.settled("cards")
		change := engine.RevertRequest{Change: w.line(store.Written, "email").ID}
		w.wants(w.revert(change), "field edited")
		w.holds(w.b, r, "email", "new@x.gr")
		change.Force = true
		w.wants(w.revert(change), "field done")
		w.holds(w.b, r, "email", "ann@x.gr")
	})
}

// R32: a no is one in whatever words a side keeps it.
func TestR32ARevertLiftsNoNoThatIsKeptAsAChoice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "fields: [name, box, email, phone, code, discount, stage, tags, notes]",
			"fields: [{ left: stage, right: mail, values: { won: granted, lost: denied } }, name, box, email, notes]", 1))
		l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "won"})
		w.settled("cards")
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"mail": "out"})
		w.settled("cards")
		w.holds(w.a, l, "stage", "lost")
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Written, "stage").ID, Force: true}), "field cannot")
		w.settled("cards")
		w.holds(w.a, l, "stage", "lost")
	})
}
