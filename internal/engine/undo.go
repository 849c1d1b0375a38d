package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a guard stopped has happened at one side and was carried no further. If a person says
// that it was not meant, the run after that writes it back there: fields get the value that
// was last agreed on, records that are gone are brought back. Only what the alarms were about
// goes back, and what was edited on the other side since is carried over instead.

// An undo is what a person wants taken back.
type undo struct {
	rule    string
	records map[store.Spot]bool    // where it happened
	fields  [2]map[string]bool     // by the side that it would have been written to: wire names there
	whole   [2]bool                // by that side: records are gone
	made    map[string]record.Side // records that are created anew in place of lost ones, by what they come from
	more    bool                   // another round is needed to create records anew
}

// undoable says of which detectors something can be put back.
func undoable(a Alarm) bool {
	switch a.Detector {
	case alarmUpdate, alarmShape, alarmSame, alarmEmptied, alarmShuffled, alarmSwapped, alarmGone, alarmDelete, alarmDrip:
		return true
	default:
		return false
	}
}

// ofConsent reports whether some of the alarms are about whether people may be written to.
func (r *run) ofConsent(alarms []Alarm) bool {
	return slices.ContainsFunc(alarms, func(a Alarm) bool {
		i := slices.IndexFunc(r.p.Mapping.Fields(), func(f mappingField) bool { return fieldOn(f, a.side).Name == a.Field })
		return a.changes() && i >= 0 && r.p.Mapping.Fields()[i].Consent
	})
}

// backTo names the objects in which something could be put back.
func (r *run) backTo(alarms []Alarm) []string {
	var names []string
	for _, a := range alarms {
		end := r.p.ends[a.side.Other()]
		able := end.object.Update
		if !a.changes() {
			able = end.object.Restore || end.object.Create
		}
		if undoable(a) && able && len(a.ids) > 0 && end.conn.able.Writer != nil && !slices.Contains(names, end.of.String()) {
			names = append(names, end.of.String())
		}
	}
	return names
}

// changes reports whether an alarm is about values, not about whole records.
func (a Alarm) changes() bool { return a.Field != "" }

// takeUpUndo learns whether a person wants what the guard stopped taken back.
func (r *run) takeUpUndo(ctx context.Context) error {
	item, err := r.decision(ctx, guardSubject)
	if err != nil || item.Decision != sayTakeBack || !r.inForce(item) {
		return err
	}
	u := &undo{rule: store.RevertOf + "what the guard stopped, by " + item.By, records: map[store.Spot]bool{}, made: map[string]record.Side{},
		fields: [2]map[string]bool{{}, {}}}
	for _, a := range Alarms(item) {
		side := record.Left
		if a.Side == record.Right.String() {
			side = record.Right
		}
		switch {
		case !undoable(a):
		case a.changes():
			u.fields[side][a.Field] = true
		default:
			u.whole[side] = true
		}
	}
	var dirty []store.Spot
	for _, name := range item.Candidates {
		for _, side := range record.Sides() {
			if id, ok := strings.CutPrefix(name, r.p.ends[side].of.String()+"/"); ok {
				spot := store.Spot{Side: side, ID: id}
				u.records[spot] = true
				if r.dry == nil {
					dirty = append(dirty, spot)
				}
			}
		}
	}
	r.undo = u
	return r.markDirty(ctx, dirty)
}

// covers reports whether an operation takes back what a person wants taken back: that is
// its approval.
func (u *undo) covers(op store.Op) bool {
	if u == nil {
		return false
	}
	side, made := u.made[op.SourceID]
	return reverts(op) || op.Verb == connector.Create && made && side == op.Side
}

// takenBack plans that a field gets the value back that was agreed on. Where the other side
// was edited since, the merge goes on, and that side wins.
func (b *batch) takenBack(d *draft, i int, in *merge.Field) bool {
	u := b.r.undo
	if u == nil {
		return false
	}
	f := b.r.p.Mapping.Fields()[i]
	for _, side := range record.Sides() {
		other := side.Other()
		own, theirs := in.Cells[side], in.Cells[other]
		if !u.fields[other][fieldOn(f, other).Name] || !u.records[store.Spot{Side: side, ID: d.link.IDs[side]}] ||
			!own.HasBase || !own.Known || own.Value.Equal(own.Base) {
			continue
		}
		if b.r.p.lifts(i, side, own.Value, own.Base) {
			b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: side, ID: d.link.IDs[side]})
			return true // R32: a no stands, whoever takes back what came with it; the next run carries it on
		}
		if theirs.HasBase && theirs.Known && !theirs.Value.Equal(theirs.Base) {
			in.Direction, in.Enforce = allowed(towards(side), f), true
			continue
		}
		out := merge.Outcome{State: merge.StateWrite, Rule: u.rule, Lost: &merge.Lost{Side: side, Value: own.Value}}
		b.write(d, i, *in, out, merge.Write{To: side, Value: own.Base})
		return true
	}
	return false
}

func towards(side record.Side) merge.Direction {
	if side == record.Left {
		return merge.RightToLeft
	}
	return merge.LeftToRight
}

// broughtBack plans that a record which is gone is there again: with its id where the vendor
// can, else anew from its partner, as a person has asked for (R22).
func (b *batch) broughtBack(link store.Link, rows [2]store.Row, lost record.Side) bool {
	u := b.r.undo
	if u == nil || !u.whole[lost.Other()] || !u.records[store.Spot{Side: lost, ID: link.IDs[lost]}] {
		return false
	}
	end, survivor := b.r.p.ends[lost], lost.Other()
	if rows[lost].Fate == connector.Archived && end.object.Restore {
		op := b.newOp(lost, connector.Restore)
		op.Link, op.TargetID, op.SourceID = link.ID, link.IDs[lost], link.IDs[survivor]
		op.Seen = [2]int64{rows[0].Seq, rows[1].Seq}
		op.Fields = []store.OpField{{Rule: u.rule}}
		b.facts.Ops = append(b.facts.Ops, op)
		return true
	}
	if b.r.dry != nil {
		if spot := (store.Spot{Side: lost, ID: link.IDs[lost]}); !b.r.dry.seen[spot] {
			b.r.dry.seen[spot] = true
			b.r.dry.put(PreviewItem{Kind: WouldCreate, Side: lost, Of: end.of, Partner: link.IDs[survivor], Title: title(rows[survivor].Fields), Note: u.rule})
		}
		return true
	}
	b.closeLink(link, closedGone, fmt.Sprintf("%s: %s/%s cannot be brought back with its id, and is created anew", u.rule, end.of, link.IDs[lost]))
	b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: survivor, ID: link.IDs[survivor]})
	u.more = true
	return true
}

// again reports whether the lost partner of a record is created anew.
func (u *undo) again(side record.Side, l store.Link) bool {
	if u == nil || !u.whole[side] || !u.records[store.Spot{Side: side.Other(), ID: l.IDs[side.Other()]}] {
		return false
	}
	u.made[l.IDs[side]] = side.Other()
	return true
}

// goesOn reports, once, whether something was left for another round of the run.
func (u *undo) goesOn() bool {
	if u == nil || !u.more {
		return false
	}
	u.more = false
	return true
}
