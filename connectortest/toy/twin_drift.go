package toy

import (
	"fmt"
	"maps"
)

// Drift changes cells of a row behind everybody's back, as an import into the vendor's
// database or a broken disk does: no stamp and no revision moves, no feed shows it, and the
// ledger does not have it.
func (a *Twin) Drift(object, id string, cells map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.tables[object]
	if !ok {
		return fmt.Errorf("no table %q", object)
	}
	r, ok := t.rows[id]
	if !ok {
		return fmt.Errorf("no row %s in %s", id, object)
	}
	next := maps.Clone(r.cells)
	for key, text := range cells {
		if _, ok := t.column(key); !ok {
			return fmt.Errorf("no column %q in %s", key, object)
		}
		if next[key] = text; text == "" {
			delete(next, key)
		}
	}
	r.cells = next
	return nil
}

// NoForms makes an account in which only its own people fill in opt columns.
func (a *Twin) NoForms() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.tables {
		for i := range t.columns {
			t.columns[i].form = false
		}
	}
}

// Become puts another account behind the address.
func (a *Twin) Become(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account = account
}

// Blank makes the feed of a table answer that there is nothing, although its rows can be read.
func (a *Twin) Blank(object string, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.tables[object]; ok {
		t.blank = on
	}
}
