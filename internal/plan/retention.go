package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Retention says for how long what has happened is kept; 0 = for ever.
type Retention struct {
	Journal time.Duration // every change that was made, as far as nothing rests on it
	Runs    time.Duration // the log of runs; a sync's first and last ones stay
	Reviews time.Duration // decided items of the review queue, as far as nothing rests on them
	Size    int64         // bytes beyond which the oldest of these go before their time; 0 = however many
	Reserve int64         // bytes that are held back on the disk, for when it is full; 0 = none
}

const (
	day = 24 * time.Hour
	// LeastKept is more than anything looks back: guards count a day, retries wait for hours.
	// Younger things are not removed for the sake of size either.
	LeastKept = 7 * day
	mostKept  = 36500

	mebibyte       = 1 << 20
	leastSize      = 16 * mebibyte // a small installation takes less
	leastReserve   = mebibyte      // enough to end what is under way
	mostReserve    = 1 << 30
	defaultReserve = 16 * mebibyte
)

func defaultRetention() Retention {
	return Retention{Runs: 90 * day, Reviews: 90 * day, Reserve: defaultReserve}
}

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
		{
			name: "size", help: "How large the SQLite database may become before the oldest of these go earlier, such as 2GiB; what is needed, and a week, stays. Default: as large as it takes.", schema: sizeSchema(),
			read: func(r *reader, n node, k *Retention) { r.size(n, leastSize, math.MaxInt64, &k.Size) },
		},
		{
			name: "reserve", help: "Size of a file beside the SQLite database that is given up when the disk is full, to clean up and end in good order; default 16MiB, off for none.", schema: sizeSchema(),
			read: func(r *reader, n node, k *Retention) { r.size(n, leastReserve, mostReserve, &k.Reserve) },
		},
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
	if !days || err != nil || d > mostKept || time.Duration(d)*day < LeastKept {
		r.fail(n.place, fmt.Sprintf("%s: %q is no age such as 90d, at least %dd; or forever", n.label(), shown(n.text), LeastKept/day))
		return 0, false
	}
	return time.Duration(d) * day, true
}

func sizeSchema() schema {
	return schema{"type": "string", "pattern": "^([0-9]+ ?(KiB|MiB|GiB|TiB|kB|MB|GB|TB)|off)$"}
}

// units are the units of sizes, as people write them.
func units() map[string]int64 {
	return map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
}

// size reads a number of bytes, or off, which is 0.
func (r *reader) size(n node, least, most int64, into *int64) {
	s, ok := r.text(n)
	if !ok {
		return
	}
	if s == "off" {
		*into = 0
		return
	}
	unit := strings.TrimLeft(s, "0123456789")
	number, err := strconv.ParseInt(strings.TrimSuffix(s, unit), 10, 64)
	factor := units()[strings.TrimPrefix(unit, " ")]
	if err != nil || factor == 0 || number > most/factor || number*factor < least {
		r.fail(n.place, fmt.Sprintf("%s: %q is no size such as 512MiB or 2GiB, at least %dMiB; or off", n.label(), shown(n.text), least/mebibyte))
		return
	}
	*into = number * factor
}
