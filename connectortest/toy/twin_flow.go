package toy

import (
	"maps"

	"github.com/tandemhub/tandem/twin"
)

// workflow is who changes what a [Flow] changes, as the ledger says it.
const workflow = "workflow"

// A Flow is an automation of the vendor: when a column of a table gets another value, whoever
// wrote that, another column is set too.
type Flow struct {
	Object string
	On     string            // the column that is watched
	Sets   string            // the column that is set
	To     map[string]string // by the new value of the watched one; without an entry nothing is set
	Late   bool              // it runs when a write has been answered: the answer's revision is of before
}

// Automate has the vendor run a workflow from now on.
func (a *Twin) Automate(f Flow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flow = f
}

// follow runs the workflow after a write, and reports whether it has changed the row.
func (a *Twin) follow(t *twinTable, r *twinRow, before map[string]string) bool {
	f := a.flow
	value, is := f.To[r.cells[f.On]]
	if f.Object != t.name || !is || r.cells[f.On] == before[f.On] || r.cells[f.Sets] == value || r.state != "" {
		return false
	}
	r.cells = maps.Clone(r.cells)
	r.cells[f.Sets] = value
	a.touch(r, workflow)
	a.Ledger().Record(twin.Act{By: workflow, Verb: "update", Object: t.name, ID: r.id, Fields: map[string]string{f.Sets: value}})
	return true
}

// cellsOf are a row's cells; nil = there is none.
func (t *twinTable) cellsOf(id string) map[string]string {
	if r, ok := t.rows[id]; ok {
		return r.cells
	}
	return nil
}
