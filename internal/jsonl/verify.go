package jsonl

import (
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Finding is one thing that verifying has found.
type Finding struct {
	Sync   string             `json:"sync"`
	Kind   engine.FindingKind `json:"kind"`
	Side   string             `json:"side"`
	Object string             `json:"object"`
	Record string             `json:"record"`
	Field  string             `json:"field,omitempty"`
	Base   record.Value       `json:"base"`
	Found  record.Value       `json:"found"`
	Detail string             `json:"detail,omitempty"`
}

// A VerifyReport is what verifying a sync came to.
type VerifyReport struct {
	Sync   string `json:"sync"`
	Status string `json:"status"` // equal, different, failed
	store.VerifyCounts
	Linked     int            `json:"linked"`
	Unlinked   map[string]int `json:"unlinked"`
	Repaired   int            `json:"repaired"`
	Calls      map[string]int `json:"calls"`
	DurationMS int64          `json:"duration_ms"`
	Error      string         `json:"error,omitempty"`
}

// OfFinding tells a finding.
func OfFinding(f engine.Finding) Finding {
	return Finding{Sync: f.Sync, Kind: f.Kind, Side: f.Side.String(), Object: f.Of.String(), Record: f.ID, Field: f.Field,
		Base: f.Base, Found: f.Found, Detail: f.Detail}
}

// OfVerify tells what verifying a sync came to.
func OfVerify(r engine.VerifyReport) VerifyReport {
	line := VerifyReport{Sync: r.Sync, Status: "equal", VerifyCounts: r.Counts, Linked: r.Linked, Repaired: r.Repaired,
		Unlinked: map[string]int{}, Calls: map[string]int{}, DurationMS: r.Took.Milliseconds()}
	for _, side := range record.Sides() {
		line.Unlinked[side.String()], line.Calls[side.String()] = r.Unlinked[side], r.Calls[side]
	}
	switch {
	case r.Err != nil:
		line.Status, line.Error = "failed", r.Err.Error()
	case r.Counts.Differences() > 0:
		line.Status = "different"
	}
	return line
}
