package toy

import (
	"fmt"
	"maps"
	"slices"
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

// NoQuotes makes an account that keeps the notes of cards without quotation marks, whoever
// writes them.
func (a *Twin) NoQuotes() {
	a.mu.Lock()
	defer a.mu.Unlock()
	columns := a.tables["cards"].columns
	for i := range columns {
		columns[i].plain = columns[i].key == "notes"
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

// Touch moves a row's stamp and revision although nothing of it changes, as re-indexing or a
// save without an edit does at many vendors.
func (a *Twin) Touch(object, id string) error {
	return a.mark(object, id, "", func(*twinTable, *twinRow) {})
}

// Relabel gives an option of a column another label. What rows hold stays as it is.
func (a *Twin) Relabel(object, column, option, label string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.tables[object]
	if !ok {
		return fmt.Errorf("no table %q", object)
	}
	c, ok := t.column(column)
	if !ok || !slices.Contains(c.options, option) {
		return fmt.Errorf("no option %q of %s in %s", option, column, object)
	}
	if t.labels == nil {
		t.labels = map[string]string{}
	}
	t.labels[column+"="+option] = label
	return nil
}

// Remember returns a function that takes the whole account back to how it is now, as restoring
// a backup does: what was made or changed since never was, ids will be given again, and a token
// that was handed out since is of no use. The ledger forgets nothing.
func (a *Twin) Remember() func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	seq, lastID, lineID := a.seq, a.lastID, a.lineID
	rows := map[string]map[string]*twinRow{}
	for name, t := range a.tables {
		rows[name] = copied(t.rows)
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seq, a.lastID, a.lineID = seq, lastID, lineID
		for name, t := range a.tables {
			t.rows = copied(rows[name])
		}
	}
}

func copied(rows map[string]*twinRow) map[string]*twinRow {
	out := make(map[string]*twinRow, len(rows))
	for id, r := range rows {
		c := *r
		c.cells = maps.Clone(r.cells)
		out[id] = &c
	}
	return out
}
