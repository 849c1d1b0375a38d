package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func (w *world) person(key string, except ...string) engine.Person {
	w.t.Helper()
	k, ok := w.engine.PersonKeyOf(key)
	if !ok {
		w.t.Fatalf("%q names nobody", key)
	}
	p, err := w.engine.Person(w.t.Context(), k, except)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// own names the records that are a person's, and mentions those that only mention them.
func own(p engine.Person) (mine, mentions []string) {
	for _, r := range p.Records {
		if r.Own {
			mine = append(mine, r.Of.String()+"/"+r.ID)
		} else {
			mentions = append(mentions, r.Of.String()+"/"+r.ID)
		}
	}
	return mine, mentions
}

func (w *world) erase(ctx context.Context, p engine.Person) ([]engine.ErasedRecord, error) {
	var all []engine.ErasedRecord
	err := w.engine.Erase(ctx, p, "ann", func(x engine.ErasedRecord) error {
		all = append(all, x)
		return nil
	})
	return all, err
}

// known is a world with one pair of Eva's, one of Bob's, and a journal about both.
func known(t *testing.T, del string) (w *world, l, r string) {
	t.Helper()
	w = newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: "+del, 1))
	w.a.NoForms()
	l = w.put(w.a, "cards", "", map[string]string{"name": "Eva", "email": "Eva@x.gr", "phone": "210 555 0001", "notes": "Evas secret"})
	w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "phone": "210 555 0001"})
	w.settled("cards")
	r = w.by(w.b, "cards", "email", "Eva@x.gr").ID
	w.put(w.b, "cards", r, map[string]string{"notes": "Evas other secret"})
	w.settled("cards")
	return w, l, r
}

// forgotten wants that nothing here holds a word of Eva any more.
func (w *world) forgotten() {
	w.t.Helper()
	ctx := w.t.Context()
	lines, err := w.store.History(ctx, store.HistoryQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	links, err := w.store.Links(ctx, "cards", 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	items, err := w.store.Reviews(ctx, store.ReviewQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	said := fmt.Sprintf("%+v %+v %+v", lines, links, items)
	for _, c := range []string{"a", "b"} {
		rows, err := w.store.Changed(ctx, store.Object{Connection: c, Name: "cards"}, 0, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		said += fmt.Sprintf(" %+v", rows)
	}
	if i := strings.Index(strings.ToLower(said), "eva"); i >= 0 {
		w.t.Errorf("this is still known: …%s…", said[max(0, i-100):min(len(said), i+100)])
	}
}

func TestR32APersonIsFoundByAnyNameAndWithAllThatBelongsToThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := known(t, "ignore")
		for _, key := range []string{"eva@X.gr", "a.cards/" + l, "b.cards/" + r} {
			p := w.person(key)
			mine, _ := own(p)
			if len(mine) != 2 || len(p.Links) != 1 || len(p.Journal) < 2 {
				t.Errorf("%s: %v, %d links, %d lines", key, mine, len(p.Links), len(p.Journal))
			}
		}
		if mine, _ := own(w.person("+30 210 5550001")); len(mine) != 4 {
			t.Errorf("by the number: %v, want Eva's and Bob's", mine)
		}
		bob := w.by(w.a, "cards", "name", "Bob").ID
		theirs := w.by(w.b, "cards", "name", "Bob").ID
		if mine, _ := own(w.person("2105550001", "a.cards/"+bob, "b.cards/"+theirs)); len(mine) != 2 {
			t.Errorf("without Bob: %v", mine)
		}
		w.put(w.b, "cards", r, map[string]string{"email": "other@x.gr"}) // a closed link is followed, too
		w.settled("cards")
		w.remove(w.b, "cards", r)
		w.settled("cards")
		if mine, _ := own(w.person("other@x.gr")); len(mine) != 2 {
			t.Errorf("through a closed link: %v", mine)
		}
		if _, ok := w.engine.PersonKeyOf("nobody"); ok {
			t.Error("a word names somebody")
		}
	})
}

func TestR32AnErasureLeavesNothingAndIsNoDeleteOfASync(t *testing.T) {
	t.Parallel()
	for _, del := range []string{"delete", "ignore"} {
		synctest.Test(t, func(t *testing.T) {
			w, _, _ := known(t, del)
			out, err := w.erase(t.Context(), w.person("eva@x.gr"))
			if err != nil || len(out) != 2 || out[0].Answer != "deleted" || out[1].By != "ann" {
				t.Fatalf("%+v, %v", out, err)
			}
			w.forgotten()
			rep := w.settled("cards")
			if rep.Left.Deleted+rep.Right.Deleted+rep.Left.Created+rep.Right.Created != 0 || rep.Linked != 1 {
				t.Errorf("the next run: %+v", rep)
			}
			quiet(t, w)
			w.put(w.a, "cards", "", map[string]string{"name": "Eva", "email": "eva@x.gr"})
			w.sync("cards")
			if n := len(w.b.Rows("cards")); n != 1 {
				t.Errorf("right has %d cards: the person is back", n)
			}
		})
	}
}

func TestInvariant10LinesOfAnErasedPersonSayWhyTheyCannotGoBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := known(t, "ignore")
		line := w.line(store.Written, "notes")
		if _, err := w.erase(t.Context(), w.person("eva@x.gr")); err != nil {
			t.Fatal(err)
		}
		items := w.revert(engine.RevertRequest{Change: line.ID, Force: true})
		if len(items) != 1 || items[0].State != engine.RevertCannot || !strings.Contains(items[0].Why, "erased") {
			t.Errorf("%+v", items)
		}
	})
}

func TestInvariant11AnErasureThatIsCutShortGoesOnAndNothingComesBackMeanwhile(t *testing.T) {
	t.Parallel()
	for after := range 6 {
		synctest.Test(t, func(t *testing.T) {
			w, _, _ := known(t, "delete")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.stop()
			commits := 0
			st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + w.path, Exclusive: true, Committing: func() error {
				if commits++; commits > after {
					cancel()
					return context.Canceled
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			w.store = st
			w.configure(w.yaml)
			_, _ = w.erase(ctx, w.person("eva@x.gr"))
			w.restart()
			rep := w.sync("cards") // served in between
			if rep.Left.Created+rep.Right.Created+rep.Left.Deleted+rep.Right.Deleted != 0 {
				t.Errorf("cut at %d: %+v", after, rep)
			}
			if again := w.person("eva@x.gr"); len(again.Records) > 0 {
				if _, err := w.erase(t.Context(), again); err != nil {
					t.Fatal(err)
				}
			}
			w.forgotten()
			if a, b := len(w.a.Rows("cards")), len(w.b.Rows("cards")); a != 1 || b != 1 {
				t.Errorf("cut at %d: %d and %d cards are left, want Bob's", after, a, b)
			}
			w.settled("cards")
		})
	}
}

func TestR32ABackupThatStillHoldsAPersonIsFreedOfThemWhenItIsRestored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, _ := known(t, "ignore")
		file := filepath.Join(t.TempDir(), "backup")
		if _, err := w.store.Backup(t.Context(), file, store.Backup{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.erase(t.Context(), w.person("eva@x.gr")); err != nil {
			t.Fatal(err)
		}
		w.stop()
		back, err := store.BeginRestore(t.Context(), file, w.path, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := back.Finish(); err != nil || back.Forgot != nil {
			t.Fatal(err, back.Forgot)
		}
		w.start()
		w.forgotten()
		w.sync("cards")
		links, err := w.store.LinksOf(t.Context(), "cards", record.Left, []string{l})
		if err != nil || links[l].Closed != store.ByErasure {
			t.Errorf("the link: %+v %v", links[l], err)
		}
		if n := len(w.b.Rows("cards")) + len(w.a.Rows("cards")); n != 2 {
			t.Errorf("%d cards, want Bob's two", n)
		}
	})
}
