package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Guards count (R30); detectors look for the shapes that disasters have. Both see what a run has
// pulled and planned before any of it is sent. What they saw are alarms, which make one review
// item per sync.

// The detectors, beside the three counts of a guard.
const (
	alarmDelete    = "delete"    // more deletes than the guard allows
	alarmCreate    = "create"    // more creates than the guard allows
	alarmUpdate    = "update"    // more changes of one field than the guard allows
	alarmGone      = "gone"      // a side is suddenly empty
	alarmDrip      = "drip"      // records vanish a few at a time, run after run
	alarmEmptied   = "emptied"   // a field is emptied everywhere
	alarmSame      = "same"      // different values all become one
	alarmShape     = "shape"     // the same thing happened to a value everywhere
	alarmShuffled  = "shuffled"  // records have each other's values
	alarmSwapped   = "swapped"   // one field got what another one held
	alarmCopies    = "copies"    // new records that differ in their keys only
	alarmFlood     = "flood"     // more new records than there were pairs
	alarmStrangers = "strangers" // a first run finds two full sides that have nothing in common
	alarmCanary    = "canary"    // the record that nobody may touch was touched
)

// An Alarm is what one guard or detector saw, in numbers and plain words.
type Alarm struct {
	Detector string `json:"detector"`
	Side     string `json:"side"`            // which would be written
	Field    string `json:"field,omitempty"` // wire name there
	Records  int    `json:"records"`
	Of       int    `json:"of,omitempty"` // linked pairs
	Text     string `json:"text"`

	side record.Side
	ids  []string // of the records on the other side that it comes from
}

func (r *run) alarm(detector string, side record.Side, field string, ids []string, n int, text string) Alarm {
	return Alarm{Detector: detector, Side: side.String(), Field: field, Records: n, Of: max(0, r.linked), Text: text, side: side, ids: ids}
}

// strayed is how many records may look strange in the same way before it is a disaster: what
// a person does in a day's work is less.
func strayed(linked int) int { return max(leastStrayed, linked/200) }

const leastStrayed = 10

// alarms is what guards and detectors see in what is planned.
func (r *run) alarms(held []store.Op, d *day) []Alarm {
	out := slices.Clone(r.seen)
	for _, side := range record.Sides() {
		mine := slices.DeleteFunc(slices.Clone(held), func(op store.Op) bool { return op.Side != side || r.undo.covers(op) })
		if r.touchesCanary(mine) {
			c := r.p.canary(side)
			out = append(out, r.alarm(alarmCanary, side, "", nil, 1, fmt.Sprintf("%s/%s, which nobody may touch, would be written", r.p.ends[side].of, c)))
		}
		if r.first {
			out = append(out, r.strangers(side)...)
		}
		if len(mine) == 0 {
			continue
		}
		if !r.first {
			out = append(out, r.shapes(side, mine, d)...)
			out = append(out, r.newcomers(side, mine, d)...)
			out = append(out, r.dripping(side, mine, d)...)
		}
		out = append(out, r.overdrawn(side, r.countOps(mine, side, d.spent[side]), sources(mine), r.linked)...)
	}
	slices.SortStableFunc(out, func(a, b Alarm) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// rank has the detectors, which know more, speak before the counts.
func rank(a Alarm) int {
	if slices.Contains([]string{alarmDelete, alarmCreate, alarmUpdate}, a.Detector) {
		return 1
	}
	return 0
}

// sources finds, by verb and field of planned operations, the records that they come from.
func sources(ops []store.Op) map[string][]string {
	from := map[string][]string{}
	for _, op := range ops {
		switch op.Verb {
		case connector.Create:
			from[alarmCreate] = append(from[alarmCreate], op.SourceID)
		case connector.Delete, connector.Archive, verbMerge:
			from[alarmDelete] = append(from[alarmDelete], op.SourceID)
		case connector.Update, connector.Restore:
			for _, f := range op.Fields {
				from[alarmUpdate+f.Wire] = append(from[alarmUpdate+f.Wire], op.SourceID)
			}
		}
	}
	return from
}

// maxTold is how many alarms the text of an item tells.
const maxTold = 4

// tell puts alarms into one text.
func tell(alarms []Alarm) string {
	var parts []string
	for i, a := range alarms {
		if i == maxTold {
			parts = append(parts, fmt.Sprintf("and %d more of the kind", len(alarms)-maxTold))
			break
		}
		parts = append(parts, a.Text)
	}
	return strings.Join(parts, "; ")
}

// maxAffected bounds how many records a review item names.
const maxAffected = 10_000

// affected names the records that alarms are about, as tandem history takes them.
func (r *run) affected(alarms []Alarm) []string {
	var names []string
	for _, a := range alarms {
		for _, id := range a.ids {
			if len(names) < maxAffected {
				names = append(names, r.p.ends[a.side.Other()].of.String()+"/"+id)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// encodeAlarms keeps alarms beside the item that tells them: a decision is about these.
func encodeAlarms(alarms []Alarm) record.Value {
	b, err := json.Marshal(alarms)
	if err != nil {
		return record.Value{} // it has no value that could fail
	}
	return record.Text(string(b))
}

// Alarms returns what the guards and detectors saw that opened a review item.
func Alarms(item store.Review) []Alarm {
	var alarms []Alarm
	if item.Kind != store.ReviewGuard || json.Unmarshal([]byte(item.Values[0].Text()), &alarms) != nil {
		return nil
	}
	return alarms
}

// meant reports whether a person has said of each alarm, or of the greater thing behind it,
// that it was meant, and it has not grown much since.
func meant(alarms []Alarm, item store.Review) bool {
	approved := Alarms(item)
	if approved == nil {
		return true // an item from before alarms were kept
	}
	for _, a := range alarms {
		if !slices.ContainsFunc(approved, func(was Alarm) bool {
			same := was.Detector == a.Detector || was.Detector == alarmGone && slices.Contains([]string{alarmDelete, alarmDrip}, a.Detector)
			return same && was.Side == a.Side && was.Field == a.Field && a.Records <= was.Records+max(leastStrayed, was.Records/10)
		}) {
			return false
		}
	}
	return true
}
