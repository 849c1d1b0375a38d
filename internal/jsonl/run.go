package jsonl

import (
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// A Run is one execution of a sync, as it is remembered: in the words of its report.
type Run struct {
	Sync       string       `json:"sync"`
	Run        string       `json:"run"`
	Status     string       `json:"status"` // ok, review, blocked, failed, cut short; "running" while it goes on
	Started    time.Time    `json:"started"`
	Ended      *time.Time   `json:"ended,omitempty"`
	Left       store.Counts `json:"left"`
	Right      store.Counts `json:"right"`
	Linked     int          `json:"linked"`
	Unchanged  int          `json:"unchanged"`
	Conflicts  int          `json:"conflicts"`
	Review     int          `json:"review"`
	Failed     int          `json:"failed"`
	Reconciled bool         `json:"reconciled"`
	Complete   bool         `json:"complete"` // it read both sides to the end and planned everything
	Hinted     bool         `json:"hinted,omitempty"`
	DurationMS int64        `json:"duration_ms"`
	Error      string       `json:"error,omitempty"`
}

// OfRun tells a run.
func OfRun(r store.Run) Run {
	line := Run{
		Sync: r.Sync, Run: engine.RunName(r.ID), Status: r.Status, Started: r.Started, Ended: moment(r.Ended), Left: r.Sides[0], Right: r.Sides[1],
		Linked: r.Linked, Unchanged: r.Unchanged, Conflicts: r.Conflicts, Review: r.Review, Failed: r.Failed, Reconciled: r.Reconciled,
		Complete: r.Complete, Hinted: r.Hinted, Error: r.Error,
	}
	if line.Status == "" {
		line.Status = "running"
	}
	if !r.Ended.IsZero() {
		line.DurationMS = r.Ended.Sub(r.Started).Milliseconds()
	}
	return line
}
