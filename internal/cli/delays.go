package cli

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/console"
)

// delaysKept is how long delays are remembered: longer than the report looks back.
const delaysKept = 32 * 24 * time.Hour

// delays are how long what vendors reported took until it was in step, hour by hour since this process
// began.
type delays struct {
	mu  sync.Mutex // held for no longer than it takes to count
	all map[delayHour]*console.Delay
}

type delayHour struct {
	connection string
	hour       time.Time
}

// note counts one report.
func (d *delays) note(connection string, took time.Duration, now time.Time) {
	key := delayHour{connection, now.UTC().Truncate(time.Hour)}
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.all[key]
	if x == nil {
		for old := range d.all {
			if now.Sub(old.hour) > delaysKept {
				delete(d.all, old)
			}
		}
		x = &console.Delay{Connection: connection, Hour: key.hour}
		if d.all == nil {
			d.all = map[delayHour]*console.Delay{}
		}
		d.all[key] = x
	}
	x.Count(took)
}

// list returns them by connection, the oldest first.
func (d *delays) list() []console.Delay {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]console.Delay, 0, len(d.all))
	for _, x := range d.all {
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b console.Delay) int {
		if n := strings.Compare(a.Connection, b.Connection); n != 0 {
			return n
		}
		return a.Hour.Compare(b.Hour)
	})
	return all
}

// Delays tells how long what vendors reported took.
func (h *hub) Delays() []console.Delay { return h.server.meters.delays.list() }
