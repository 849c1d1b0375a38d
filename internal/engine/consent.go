package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// keepsNo is why a record is neither deleted nor archived by a sync: with it would go the
// memory that its person does not want mail, and the next import would write to them again.
const keepsNo = "consent: the person said no to mail, and the record remembers it"

// consentOf says what both sides of a consent mean (R32); nil if the field is none. A side
// whose own field is of another kind means what the other side would hold for it.
func (p *pair) consentOf(f mappingField, in merge.Field) *merge.Consent {
	if !f.Consent {
		return nil
	}
	c := &merge.Consent{}
	for _, side := range record.Sides() {
		cell, of := in.Cells[side], fieldOn(f, side)
		c.Told[side] = [2]bool{f.ToLeft, f.ToRight}[side] && p.ends[side].object.Update // C2: none is told where nothing can be written
		c.Firsthand[side] = of.Firsthand
		switch {
		case of.Kind == record.KindConsent:
			c.Says[side] = cell.Value.Text()
		case cell.Translated:
			c.Says[side] = cell.Sent.Text()
		}
	}
	return c
}

// waitsForOrder is why a consent diverges of which nobody knows whether the no or the yes came last.
const waitsForOrder = waitsForDecision + ", whether the no or the yes came last"

// consentOf is the same for a pair: a record that was changed after the person's yes elsewhere may hold
// a no that was said once more, which nothing shows where its yes in between was never read (R32).
func (b *batch) consentOf(d *draft, f mappingField, in merge.Field) *merge.Consent {
	c := b.r.p.consentOf(f, in)
	if c == nil {
		return nil
	}
	for _, side := range record.Sides() {
		c.Later[side] = d.link.Diverged[f.Key] == waitsForOrder || b.changedLater(d, side)
	}
	return c
}

// changedLater reports whether a record may have been changed by somebody else after the last edit of
// the other one. Its stamp counts also where all that the mirror has of it is as it was: a yes that
// became a no again leaves nothing else; where it comes of our own write, others changed the record
// before what was read for that, if at all (R4). After a restore that holds for whatever was changed since the
// backup: what came in between, and in which order, is lost (R34).
func (b *batch) changedLater(d *draft, side record.Side) bool {
	row, at := d.rows[side], d.times.At[side]
	stamp := row.Modified.Add(-b.r.p.ends[side].conn.known.Identity.Clock)
	switch from := d.times.Since[side]; {
	case row.Ours && !from.IsZero():
		at = from
	case !row.Ours && !row.Modified.IsZero() && stamp.After(at):
		at = stamp
	}
	if lost := b.r.restored; lost != nil && (row.Modified.IsZero() || at.After(lost.Taken)) {
		return true
	}
	other := side.Other()
	since := d.times.Since[other]
	if since.IsZero() {
		since = d.times.At[other]
	}
	return d.times.Known[side] && d.times.Known[other] && !at.Before(since)
}

// spent reports whether a decision by which a yes holds has been carried out: a no that came after it is
// another one, though both sides say the same as then (R32).
func (b *batch) spent(ctx context.Context, d *draft, key string, in merge.Field, was store.Review) (bool, error) {
	i := slices.IndexFunc(b.r.p.Mapping.Fields(), func(f mappingField) bool { return f.Key == key })
	side := record.Left
	if was.Decision == record.Right.String() {
		side = record.Right
	}
	if in.Consent == nil || i < 0 || in.Consent.Says[side] == record.Denied {
		return false, nil
	}
	last, err := b.lastWritten(ctx, d, b.r.p.Mapping.Fields()[i])
	return !last.At.Before(was.Decided), err
}

// tellsNo reports whether a new record of the other side has to be told a no that the direction
// would keep from it (R32).
func (b *batch) tellsNo(i int, own record.Value) bool {
	f := b.r.p.Mapping.Fields()[i]
	return f.Consent && [2]bool{f.ToLeft, f.ToRight}[b.side.Other()] && b.r.p.says(i, b.side, own) == record.Denied
}

// optedOut reports whether a record's person has said no where the record would be the only
// one to know: a system that hears it from them.
func (b *batch) optedOut(row store.Row, side record.Side) bool {
	return saysNo(b.r.p.ends[side].object, row)
}

func saysNo(o record.Object, row store.Row) bool {
	for _, name := range noFields(o) {
		if row.Fields[name].Text() == record.Denied {
			return true
		}
	}
	return false
}

// denies reports whether a record says no by whatever tells of consent there.
func (p *pair) denies(side record.Side, row store.Row) bool {
	if saysNo(p.ends[side].object, row) {
		return true
	}
	for i, f := range p.Mapping.Fields() {
		if !f.Consent {
			continue
		}
		if own, known, err := p.Mapping.Own(i, side, row.Fields, nil); err == nil && known && p.says(i, side, own) == record.Denied {
			return true
		}
	}
	return false
}

// says is what a side's value of a consent means; where the side's own field is of another kind,
// that is what the other side would hold for it.
func (p *pair) says(i int, side record.Side, v record.Value) string {
	if fieldOn(p.Mapping.Fields()[i], side).Kind == record.KindConsent {
		return v.Text()
	}
	sent, told, err := p.Mapping.Convert(i, side, v, nil)
	if err != nil || !told {
		return ""
	}
	return sent.Text()
}

// forgetsNo reports whether merging one record into another one would lose the first one's no:
// that is for a person to say, whatever merge is set to (R32).
func (b *batch) forgetsNo(ctx context.Context, side record.Side, lose, keep string) (bool, error) {
	both, err := b.r.e.store.Rows(ctx, b.r.p.ends[side].of, []string{lose, keep})
	if err != nil {
		return false, fmt.Errorf("load the records to merge: %w", err)
	}
	return b.r.p.denies(side, both[lose]) && !b.r.p.denies(side, both[keep]), nil
}

// noFields are the fields in which people themselves say no; they are read whatever is mapped.
func noFields(o record.Object) []string {
	var names []string
	for _, f := range o.Fields {
		if f.Kind == record.KindConsent && f.Firsthand {
			names = append(names, f.Name)
		}
	}
	return names
}

// newAddress reports whether an outcome would give another e-mail address to a record whose
// person said no: systems keep a no by address, so that the new one would get mail again.
func (b *batch) newAddress(d *draft, f mappingField, out merge.Outcome) bool {
	for _, w := range out.Writes {
		if fieldOn(f, w.To).Kind == record.KindEmail && !d.rows[w.To].Fields[fieldOn(f, w.To).Name].IsEmpty() &&
			d.rows[w.To].Fate == connector.Present && b.optedOut(d.rows[w.To], w.To) {
			return true
		}
	}
	return false
}

// askConsent words the question about a no that would be weakened.
func (b *batch) askConsent(d *draft, key string, in merge.Field, mails bool) (text, fix string) {
	name := called(d.rows[0].Fields)
	left, right := in.Cells[0].Value, in.Cells[1].Value
	if mails {
		return fmt.Sprintf("%s of %s/%s%s is %q on the left and %q on the right, and the person has said no to mail: with another address they might get it again",
				key, b.r.p.ends[0].of, d.link.IDs[0], name, left, right),
			"say which address holds, left or right; see that the no is kept for the new one too"
	}
	if in.Consent != nil && in.Consent.Disputed() {
		return fmt.Sprintf("%s of %s/%s%s was a no on both sides; now it is %q on the left and %q on the right, and the record with the no was changed since the person said yes: they may have said no again",
				key, b.r.p.ends[0].of, d.link.IDs[0], name, left, right),
			"which of them did the person say last? Choose that side; if nobody knows, the one that says no"
	}
	return fmt.Sprintf("%s of %s/%s%s was a no on both sides; now it is %q on the left and %q on the right, and that did not come from the person", key,
			b.r.p.ends[0].of, d.link.IDs[0], name, left, right),
		"has the person agreed again, and can you prove it? Then choose the side that says so, else the one that says no"
}

// lifts reports whether a write would take a person's no away, in whatever form the side has it.
func (p *pair) lifts(i int, side record.Side, now, to record.Value) bool {
	return p.Mapping.Fields()[i].Consent && p.says(i, side, now) == record.Denied && p.says(i, side, to) != record.Denied
}

// Marks are what a person is known by who was erased: their e-mail addresses, and only
// without one their telephone numbers, which colleagues share.
func Marks(o record.Object, fields record.Fields, country string) []string {
	var mails, phones []string
	add := func(f record.Field, v record.Value) {
		form := record.Normal(f, v, country)
		switch {
		case form == "":
		case f.Kind == record.KindEmail:
			mails = append(mails, "email "+form)
		case f.Kind == record.KindPhone:
			phones = append(phones, "phone "+form)
		}
	}
	for _, f := range o.Fields {
		v := fields[f.Name]
		add(f, v)
		for _, item := range v.Items() {
			for _, part := range f.Elem {
				add(part, item.Fields()[part.Name])
			}
		}
	}
	if len(mails) > 0 {
		return mails
	}
	return phones
}

// loadErased finds out which of the unlinked records are of people who were erased.
func (b *batch) loadErased(ctx context.Context, ids []string) error {
	alone := map[string]store.Row{}
	for _, id := range ids {
		if l, linked := b.links[b.side][id]; !linked || l.Closed != "" {
			alone[id] = b.rows[b.side][id]
		}
	}
	return b.findErased(ctx, b.side, alone)
}

// findErased notes which of some records of a side are of people who were erased, and when.
func (b *batch) findErased(ctx context.Context, side record.Side, rows map[string]store.Row) error {
	if b.r.graves == 0 {
		return nil
	}
	of := map[string][]string{}
	var all []string
	for id, row := range rows {
		of[id] = Marks(b.r.p.ends[side].object, row.Fields, b.r.e.plan.Country)
		all = append(all, of[id]...)
	}
	buried, err := b.r.e.store.Buried(ctx, all)
	if err != nil {
		return err //nolint:wrapcheck // it says what it was about
	}
	if b.erased == nil {
		b.erased = map[store.Spot]time.Time{}
	}
	for id, marks := range of {
		b.erased[store.Spot{Side: side, ID: id}] = time.Time{}
		for _, m := range marks {
			if at, ok := buried[m]; ok {
				b.erased[store.Spot{Side: side, ID: id}] = at
			}
		}
	}
	return nil
}

// barred keeps a record whose person was erased from being matched or created (R32), until
// somebody says that the person has come back by their own will.
func (b *batch) barred(ctx context.Context, row store.Row) (bool, error) {
	at := b.erased[store.Spot{Side: b.side, ID: row.ID}]
	if at.IsZero() {
		if b.r.graves > 0 && b.r.asking.Load() {
			b.facts.Close = append(b.facts.Close, erasedSubject(b.side, row.ID))
		}
		return false, nil
	}
	decided, err := b.decided(ctx, erasedSubject(b.side, row.ID))
	if err != nil || decided == "admit" {
		return false, err
	}
	b.stand(row.ID, standsErased, "its person was erased on "+at.UTC().Format(time.DateOnly))
	if decided == "dismiss" {
		return true, nil
	}
	b.review(store.Review{Kind: store.ReviewErased, Subject: erasedSubject(b.side, row.ID), Side: b.side, Record: row.ID,
		Text: fmt.Sprintf("%s/%s is of a person who was erased on %s: it is not synced", b.r.p.ends[b.side].of, row.ID, at.UTC().Format(time.DateOnly)),
		Fix:  "erase it there too; if the person has come back by their own will, say admit", Choices: []string{"admit", "dismiss"}})
	return true, nil
}

func erasedSubject(side record.Side, id string) string {
	return fmt.Sprintf("erased %s %s", side, id)
}

// mateBarred keeps a record from being joined with one whose person was erased (R32); about that
// one is asked when it is planned itself.
func (b *batch) mateBarred(ctx context.Context, row, mate store.Row) (bool, error) {
	spot := store.Spot{Side: b.side.Other(), ID: mate.ID}
	if _, known := b.erased[spot]; !known { // it was no candidate by key
		if err := b.findErased(ctx, spot.Side, map[string]store.Row{mate.ID: mate}); err != nil {
			return false, err
		}
	}
	if b.erased[spot].IsZero() {
		return false, nil
	}
	decided, err := b.decided(ctx, erasedSubject(spot.Side, mate.ID))
	if err != nil || decided == "admit" {
		return false, err
	}
	b.stand(row.ID, standsErased, fmt.Sprintf("%s/%s, which it matches, is of a person who was erased", b.r.p.ends[spot.Side].of, mate.ID))
	return true, nil
}

// anewBarred keeps the record of a person who was erased from being created anew, until
// somebody says that they have come back by their own will (R32).
func (b *batch) anewBarred(ctx context.Context, link store.Link, last record.Fields) (bool, error) {
	buried, err := b.r.e.store.Buried(ctx, Marks(b.r.p.ends[b.side].object, last, b.r.e.plan.Country))
	if err != nil || len(buried) == 0 {
		return false, err //nolint:wrapcheck // it says what it was about
	}
	about := anewSubject(link.ID) + " erased"
	decided, err := b.decided(ctx, about)
	if err != nil || decided != "" {
		return decided != "admit", err
	}
	b.review(store.Review{Kind: store.ReviewErased, Subject: about, Link: link.ID, Side: b.side, Record: link.IDs[b.side],
		Text: fmt.Sprintf("%s/%s was of a person who was erased since: it is not created anew", b.r.p.ends[b.side].of, link.IDs[b.side]),
		Fix:  "if the person has come back by their own will, say admit", Choices: []string{"admit", "dismiss"}})
	return true, nil
}
