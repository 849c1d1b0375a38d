package twin

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// An Act is one thing that was done to one record.
type Act struct {
	At     time.Time         // by the vendor's clock
	By     string            // "person", "api", or "workflow": the vendor's own automation
	Verb   string            // create, update, delete, archive or restore
	Object string            // wire name
	ID     string            // the vendor's
	Fields map[string]string // what was written, by wire name; nil if nothing was
}

// A Ledger is the account of all that people and programs did to a twin's records, in
// order. A twin writes it under the lock under which it changes the record.
type Ledger struct {
	now  func() time.Time
	mu   sync.Mutex
	acts []Act
}

// Record adds an act; a zero At becomes now.
func (l *Ledger) Record(a Act) {
	if a.At.IsZero() {
		a.At = l.now()
	}
	a.Fields = maps.Clone(a.Fields)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acts = append(l.acts, a)
}

// Acts returns all acts, oldest first. Their fields are not to be changed.
func (l *Ledger) Acts() []Act {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acts)
}

// Forget drops all acts, so that what a test or a demo began with is not kept.
func (l *Ledger) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acts = nil
}
