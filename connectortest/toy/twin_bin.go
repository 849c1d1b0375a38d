package toy

import (
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/twin"
)

// Archive lets a person put a row into the bin.
func (a *Twin) Archive(object, id string) error {
	if a.tables[object] != nil && !a.tables[object].bin {
		return fmt.Errorf("%s have no bin", object)
	}
	return a.mark(object, id, "archive", func(_ *twinTable, r *twinRow) { r.state = "bin" })
}

// Restore lets a person bring back a row with its id, from the bin or after it was deleted.
func (a *Twin) Restore(object, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commit()
	a.work()
	t, ok := a.tables[object]
	if !ok || !t.bin {
		return fmt.Errorf("%s have no bin", object)
	}
	r, ok := t.rows[id]
	if !ok || r.state != "bin" && r.state != "purged" {
		return fmt.Errorf("no row %s can be brought back", id)
	}
	for _, c := range t.columns {
		if text := r.cells[c.key]; c.sole && text != "" {
			if holder := t.holder(c.key, text); holder != "" && holder != id {
				return errors.New("another row has its " + c.key)
			}
		}
		if c.table != "" && !a.tables[c.table].shows(r.cells[c.key]) {
			delete(r.cells, c.key)
		}
	}
	r.state = ""
	a.touch(r, "person")
	a.tell(object, id)
	a.Ledger().Record(twin.Act{By: "person", Verb: "restore", Object: object, ID: id})
	return nil
}

func (t *twinTable) shows(id string) bool {
	r, ok := t.rows[id]
	return ok && r.state == ""
}

// A Folding is what the vendor tells of a row that was folded into another one.
type Folding int

// FoldTold names the row that it went into; FoldIntoNew does too, and makes that one anew of
// all of them; FoldNowhere says only that it was folded, and FoldUnseen that it is gone.
const (
	FoldTold Folding = iota
	FoldIntoNew
	FoldNowhere
	FoldUnseen
)

// Folds says how merges go from now on.
func (a *Twin) Folds(how Folding) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folding = how
}
