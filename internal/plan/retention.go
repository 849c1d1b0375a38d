package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention says for how long what has happened is kept; 0 = for ever.
type Retention struct {
	Journal time.Duration // every change that was made
	Runs    time.Duration // the log of runs; a sync's first and last ones stay
	Reviews time.Duration // decided items of the review queue, as far as nothing rests on them
}

const (
	day = 24 * time.Hour
	// leastKept is more than anything looks back: guards count a day, retries wait for hours.
	leastKept = 7 * day
	mostKept  = 36500
)

func defaultRetention() Retention { return Retention{Runs: 90 * day, Reviews: 90 * day} }

func retentionKeys() []key[Retention] {
	age := func(name, help string, to func(*Retention) *time.Duration) key[Retention] {
		return key[Retention]{name: name, help: help, schema: schema{"type": "string", "pattern": "^([0-9]+d|forever)$"}, read: func(r *reader, n node, into *Retention) {
			if d, ok := r.age(n); ok {
				*to(into) = d
			}
		}}
	}
	return []key[Retention]{
		age("journal", "How long changes stay in the journal, such as 400d; default forever.", func(k *Retention) *time.Duration { return &k.Journal }),
		age("runs", "How long the log of runs goes back; default 90d.", func(k *Retention) *time.Duration { return &k.Runs }),
		age("reviews", "How long decided review items are kept; default 90d.", func(k *Retention) *time.Duration { return &k.Reviews }),
	}
}

// age reads a number of days, or forever.
func (r *reader) age(n node) (time.Duration, bool) {
	s, ok := r.text(n)
	if !ok || s == "forever" {
		return 0, ok
	}
	number, days := strings.CutSuffix(s, "d")
	d, err := strconv.Atoi(number)
	if !days || err != nil || d > mostKept || time.Duration(d)*day < leastKept {
		r.fail(n.place, fmt.Sprintf("%s: %q is no age such as 90d, at least %dd; or forever", n.label(), shown(n.text), leastKept/day))
		return 0, false
	}
	return time.Duration(d) * day, true
}
