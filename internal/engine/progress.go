package engine

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// Progress says how far a run has come. The first of a run has no stage: it has begun.
type Progress struct {
	Run   int64 // 0 = it is no run, but a verification
	Sync  string
	Stage string // "reading erp.contacts", "writing crm.contacts"; "" = the run has begun
	Act   Act    // the same, taken apart
	Of    string // what Act is done to: an object or a connection; "" = neither
	Done  int
	Total int       // 0 = not known
	Until time.Time // of a wait
}

// An Act is what takes time in a run.
type Act string

// The acts.
const (
	ActBegin   Act = "begin"
	ActRead    Act = "read"
	ActSweep   Act = "sweep"
	ActRefresh Act = "refresh"
	ActWrite   Act = "write"
	ActWait    Act = "wait"
	ActTell    Act = "tell"
	ActVerify  Act = "verify"
)

// Acts returns all of them.
func Acts() []Act {
	return []Act{ActBegin, ActRead, ActSweep, ActRefresh, ActWrite, ActWait, ActTell, ActVerify}
}

func (p Progress) stage() string {
	switch p.Act {
	case ActRead:
		return "reading " + p.Of
	case ActSweep:
		return "looking for what was deleted in " + p.Of
	case ActRefresh:
		return "reading silent fields of " + p.Of
	case ActWrite:
		return "writing " + p.Of
	case ActWait:
		return fmt.Sprintf("waiting %s", record.Roughly(time.Until(p.Until)))
	case ActTell:
		return "telling " + p.Of + " of events"
	case ActVerify:
		return "verifying"
	case ActBegin:
	}
	return ""
}

// progress tells whoever looks how far the run has come.
func (r *run) progress(p Progress) {
	p.Run, p.Sync, p.Stage = r.id, r.p.Name, p.stage()
	r.e.progress(p)
}
