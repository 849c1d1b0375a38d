package jsonl

import (
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Revert is one thing that goes back, or does not.
type Revert struct {
	Sync   string             `json:"sync"`
	Change int64              `json:"change"`
	Kind   engine.RevertKind  `json:"kind"`
	State  engine.RevertState `json:"state"`
	Side   string             `json:"side"`
	Object string             `json:"object,omitempty"`
	Record string             `json:"record,omitempty"`
	Title  string             `json:"title,omitempty"`
	Field  string             `json:"field,omitempty"`
	Old    *record.Value      `json:"old,omitempty"`
	New    *record.Value      `json:"new,omitempty"`
	Why    string             `json:"why,omitempty"`
}

// A Reverted is what a revert comes to, or came to, in one sync.
type Reverted struct {
	Sync   string                     `json:"sync"`
	Run    string                     `json:"run,omitempty"`
	Status string                     `json:"status"` // preview, or that of the run
	Counts map[engine.RevertState]int `json:"counts"`
	Beyond []string                   `json:"beyond_guard,omitempty"`
	Error  string                     `json:"error,omitempty"`
}

// OfRevert tells one thing that goes back, or does not.
func OfRevert(it engine.RevertItem) Revert {
	line := Revert{Sync: it.Sync, Change: it.Change, Kind: it.Kind, State: it.State, Side: it.Side.String(), Record: it.ID,
		Title: it.Title, Field: it.Field, Why: it.Why}
	if it.Of != (store.Object{}) {
		line.Object = it.Of.String()
	}
	if it.Kind == engine.RevertField {
		line.Old, line.New = &it.Now, &it.To
	}
	return line
}

// OfReverted tells what a revert came to in one sync; of a preview what it would.
func OfReverted(r engine.Reverted, done bool) Reverted {
	line := Reverted{Sync: r.Sync, Run: r.Run, Status: "preview", Counts: r.Counts, Beyond: r.Beyond}
	if done {
		line.Status = r.Report.Status
	}
	if r.Err != nil {
		line.Error = r.Err.Error()
	}
	return line
}
