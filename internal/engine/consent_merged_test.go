package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// R32, R24: what the survivor of a merge says is as old as that record, and no answer to the no
// that the lost one's pair had agreed on.
func TestR32AMergeIntoAnotherRecordLiftsNoNo(t *testing.T) {
	t.Parallel()
	for _, yes := range []string{"in", ""} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, mailYAML("both", "ignore"))
			w.a.NoForms()
			w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": "out"})
			w.settled("cards")
			w.says("out", "out")
			time.Sleep(time.Minute)
			old := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann2@x.gr", "mail": yes})
			w.merge(w.b, old, w.by(w.b, "cards", "email", "ann@x.gr").ID)
			w.sync("cards")
			w.says("out", "out")
		})
	}
}

// R32, R24: a merge that is followed does not fold a record that says no into one that does not.
func TestR32AMergeThatWouldForgetANoIsAsked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ann, annie string
		asked      bool
	}{{"out", "in", true}, {"out", "out", false}, {"in", "out", false}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, strings.Replace(mailYAML("both", "ignore"), "match: [email]", "match: [email]\n    merge: follow", 1))
			w.a.NoForms()
			w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": row.ann})
			w.put(w.a, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr", "mail": row.annie})
			w.settled("cards")
			time.Sleep(time.Minute)
			w.merge(w.a, w.by(w.a, "cards", "name", "Annie").ID, w.by(w.a, "cards", "name", "Ann").ID)
			w.sync("cards")
			if !row.asked {
				if n := len(w.b.Rows("cards")); n != 1 {
					t.Errorf("%v: right has %d cards, asked %v", row, n, w.reviews())
				}
				return
			}
			if n := len(w.b.Rows("cards")); n != 2 {
				t.Errorf("%v: right has %d cards", row, n)
			}
			if item := w.review(store.ReviewMerge); !strings.Contains(item.Text, "says no to mail") {
				t.Errorf("asked: %s", item.Text)
			}
		})
	}
}

// R24 before R32: a record that is gone and may have been merged is a question, also where its
// partner remembers a no; that partner cannot be chosen to be deleted.
func TestR32AMergeIsSuspectedOfAnOptedOutRecordToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "delete"), "out", "")
		other := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": "in"})
		w.remove(w.a, "cards", l)
		w.sync("cards")
		item := w.review(store.ReviewMerge)
		if strings.Join(item.Choices, " ") != other+" unlink" {
			t.Errorf("choices %v", item.Choices)
		}
		w.decide(item, other)
		w.settled("cards")
		w.says("out", "out")
		if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].ID != r {
			t.Errorf("right has %v", rows)
		}
	})
}

// R32, R23: a child that remembers a no is not taken along.
func TestR32AChildThatSaysNoHoldsTheDeleteOfItsParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(familyYAML, "notes, label]", "notes, label, mail]", 1))
		w.a.NoForms()
		label := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": label, "mail": "out"})
		w.settled("cards")
		time.Sleep(time.Hour)
		w.remove(w.a, "labels", label) // and its card
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].Fields["mail"] != "out" {
			t.Errorf("the record that remembers the no is gone: %v", rows)
		}
		w.review(store.ReviewDelete)
	})
}
