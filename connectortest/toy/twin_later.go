package toy

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// What the vendor does later, or with several rows at once: jobs, folding rows into one,
// and moving a row to another table.

// A twinJob is a write that was taken and is carried out when its time has come.
type twinJob struct {
	id   string
	due  time.Time
	do   func() any
	said any // nil = not carried out yet
}

// Slow makes writes of programs jobs that take so long; 0 ends it.
func (a *Twin) Slow(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow = d
}

// ForgetJobs lets the vendor lose what it knows of its jobs; those under way are done.
func (a *Twin) ForgetJobs() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, j := range a.jobs {
		if j.said == nil {
			j.do()
		}
	}
	a.jobs = nil
}

func (a *Twin) take(t *twinTable, table, verb, id string, rev int64, cells map[string]string) any {
	a.lastID++
	j := &twinJob{id: "job-" + strconv.FormatInt(a.lastID, 10), due: a.Now().Add(a.slow)}
	j.do = func() any { return a.carryOut(t, table, verb, id, rev, cells) }
	a.jobs = append(a.jobs, j)
	return map[string]any{"job": j.id}
}

// work carries out the jobs whose time has come.
func (a *Twin) work() {
	for _, j := range a.jobs {
		if j.said == nil && !j.due.After(a.Now()) {
			j.said = j.do()
		}
	}
}

func (a *Twin) serveJobs(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Table string
		IDs   []string
	}
	if t := a.body(w, r, &in, func() string { return in.Table }); t == nil || !twinFits(w, len(in.IDs), twinReads) {
		return
	}
	done := make([]any, 0, len(in.IDs))
	for _, id := range in.IDs {
		i := slices.IndexFunc(a.jobs, func(j *twinJob) bool { return j.id == id })
		switch {
		case i < 0:
			done = append(done, &twinRefusal{Code: "unknown", Text: "no such job"})
		case a.jobs[i].said == nil:
			done = append(done, map[string]any{"job": id})
		default:
			done = append(done, a.jobs[i].said)
		}
	}
	twinAnswer(w, map[string]any{"done": done})
}

// Merge lets a person fold one row into another.
func (a *Twin) Merge(object, lose, keep string) error {
	_, err := a.MergeInto(object, keep, lose)
	return err
}

// MergeInto lets a person fold rows into one, and returns the id of what remains.
func (a *Twin) MergeInto(object, keep string, lose ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work()
	t, ok := a.tables[object]
	if !ok {
		return "", fmt.Errorf("no table %q", object)
	}
	r, refusal := a.fold(t, "person", keep, lose)
	if refusal != nil {
		return "", errors.New(refusal.Text)
	}
	for _, id := range lose {
		a.Ledger().Record(twin.Act{By: "person", Verb: "merge", Object: object, ID: id})
	}
	return r.id, nil
}

// fold folds rows into one. What the kept row lacks it takes from the others.
func (a *Twin) fold(t *twinTable, by, keep string, lose []string) (*twinRow, *twinRefusal) {
	kept, ok := t.rows[keep]
	if !ok || kept.state != "" || slices.Contains(lose, keep) {
		return nil, &twinRefusal{Code: "unknown", Text: "no such row: " + keep}
	}
	for _, id := range lose {
		if r, ok := t.rows[id]; !ok || r.state != "" {
			return nil, &twinRefusal{Code: "unknown", Text: "no such row: " + id}
		}
	}
	if a.folding == FoldIntoNew {
		lose = append([]string{keep}, lose...)
		a.lastID++
		kept = &twinRow{id: strconv.FormatInt(a.lastID, 10), cells: maps.Clone(kept.cells), made: a.Now().Truncate(time.Millisecond)}
		t.rows[kept.id] = kept
	}
	for _, id := range lose {
		r := t.rows[id]
		for key, text := range r.cells {
			if _, filled := kept.cells[key]; !filled {
				kept.cells[key] = text
			}
		}
		switch r.state, r.into = "merged", kept.id; a.folding {
		case FoldNowhere:
			r.into = ""
		case FoldUnseen:
			r.state, r.into = "purged", ""
		}
		a.touch(r, by)
		a.repoint(t.name, r.id, kept.id, by)
	}
	a.touch(kept, by)
	return kept, nil
}

// repoint has the cards of a label that was folded into another one carry that.
func (a *Twin) repoint(table, from, to, by string) {
	if table != "labels" {
		return
	}
	for _, card := range a.live("cards") {
		if card.cells["label"] == from {
			card.cells = maps.Clone(card.cells)
			card.cells["label"] = to
			a.touch(card, by)
		}
	}
}

func (a *Twin) serveFold(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Table, Keep string
		Lose        []string
	}
	t := a.body(w, r, &in, func() string { return in.Table })
	if t == nil || !twinFits(w, len(in.Lose), twinWrites) {
		return
	}
	row, refusal := a.fold(t, "api", in.Keep, in.Lose)
	if refusal != nil {
		twinAnswer(w, refusal)
		return
	}
	for _, id := range in.Lose {
		a.Ledger().Record(twin.Act{By: "api", Verb: "merge", Object: in.Table, ID: id})
	}
	twinAnswer(w, map[string]any{"id": row.id, "rev": row.rev})
}

// Convert lets a person turn a row into rows of other tables, as table and id.
func (a *Twin) Convert(object, id string, into ...[2]string) error {
	return a.mark(object, id, "convert", func(_ *twinTable, r *twinRow) {
		r.state = "moved"
		for _, s := range into {
			r.on = append(r.on, map[string]string{"table": s[0], "id": s[1]})
		}
	})
}

// ended reports whether a row is gone for good.
func (r *twinRow) ended() bool {
	return r.state == "purged" || r.state == "merged" || r.state == "moved"
}

// purge deletes a row for good. A label takes the cards that carry it with it.
func (a *Twin) purge(table string, r *twinRow, by string) {
	r.state = "purged"
	if table != "labels" {
		return
	}
	for _, card := range a.live("cards") {
		if card.cells["label"] == r.id {
			card.state = "purged"
			a.touch(card, by)
			a.Ledger().Record(twin.Act{By: by, Verb: "delete", Object: "cards", ID: card.id})
		}
	}
}

// Rewind takes a table back to what it was when its highest id was last, as a restored backup
// does: newer rows never were, and their ids are given again.
func (a *Twin) Rewind(object string, last int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tables[object]
	t.rewound = maps.Clone(t.rows)
	maps.DeleteFunc(t.rows, func(id string, _ *twinRow) bool { return twinNumber(id) > last })
	a.lastID = 0
	for _, t := range a.tables {
		for id := range t.rows {
			a.lastID = max(a.lastID, int64(twinNumber(id)))
		}
	}
}

// Unwind puts the rows back that were there before the table was taken back, as they were: no
// feed shows them.
func (a *Twin) Unwind(object string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tables[object]
	for id, row := range t.rewound {
		t.rows[id] = row
		a.lastID = max(a.lastID, int64(twinNumber(id)))
	}
	t.rewound = nil
}
