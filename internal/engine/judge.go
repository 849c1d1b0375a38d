package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// stampSlack is how close to the last read a record's change stamp may be for that read to
// have shown an earlier state: stamps of many vendors count in seconds, and clocks differ.
const stampSlack = 5 * time.Second

// seen is a record as the vendor showed it.
type seen struct {
	connector.Change
	at time.Time // when the read began
}

// A sight is what is known of some pairs: first the mirror was loaded, then the vendors
// were read.
type sight struct {
	rows   [2]map[string]store.Row
	fresh  [2]map[string]seen
	refs   *refs
	busy   map[store.Spot]int64
	moving map[int64]bool           // links whose base changed while they were read
	feeds  [2]map[string]store.Feed // by partition: how far changes had been read before
	told   [2]map[string]bool       // records of which the feed tells since then; nil = it cannot be asked
}

// read loads what is known of some pairs and reads their records from the vendors.
func (v *verifier) read(ctx context.Context, links []store.Link) (*sight, error) {
	if err := v.lastPull(ctx); err != nil {
		return nil, err
	}
	s := &sight{moving: map[int64]bool{}}
	var spots []store.Spot
	var ids [2][]string
	for _, l := range links {
		for _, side := range record.Sides() {
			ids[side] = append(ids[side], l.IDs[side])
			spots = append(spots, store.Spot{Side: side, ID: l.IDs[side]})
		}
	}
	var err error
	for _, side := range record.Sides() {
		if s.feeds[side], err = v.places(ctx, side); err != nil {
			return nil, err
		}
	}
	if s.busy, err = v.r.e.store.Busy(ctx, v.r.p.Name, spots); err != nil {
		return nil, fmt.Errorf("load unfinished operations: %w", err)
	}
	for _, side := range record.Sides() {
		if s.rows[side], err = v.r.e.store.Rows(ctx, v.r.p.ends[side].of, ids[side]); err != nil {
			return nil, fmt.Errorf("load rows: %w", err)
		}
	}
	var fresh [2]map[string]store.Row // for references: as the vendors have them
	for _, side := range record.Sides() {
		if s.fresh[side], err = v.fetch(ctx, side, ids[side]); err != nil {
			return nil, fmt.Errorf("read %s: %w", v.r.p.ends[side].of, v.r.e.spoil(ctx, v.r.p.ends[side].conn, err))
		}
		fresh[side] = make(map[string]store.Row, len(s.fresh[side]))
		for id, c := range s.fresh[side] {
			fresh[side][id] = store.Row{Record: c.Record}
		}
	}
	s.refs, err = v.r.loadRefs(ctx, fresh)
	return s, err
}

// lastPull finds out when the last run began that read both sides to the end.
func (v *verifier) lastPull(ctx context.Context) error {
	const some = 20 // of the last runs
	runs, err := v.r.e.store.Runs(ctx, v.r.p.Name, some)
	if err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	if i := slices.IndexFunc(runs, func(r store.Run) bool { return r.Complete }); i >= 0 {
		v.pulled = runs[i].Started
	}
	return nil
}

// fetch asks a vendor for records by id, in the largest batches that it takes.
func (v *verifier) fetch(ctx context.Context, side record.Side, ids []string) (map[string]seen, error) {
	end := v.r.p.ends[side]
	ctx = rest.WithPriority(metered(ctx, v.r.calls[side]), rest.Verify) // C5
	if end.hosted() {
		return v.remembered(ctx, side, ids)
	}
	if end.conn.able.Reader == nil {
		return v.list(ctx, side)
	}
	all := make(map[string]seen, len(ids))
	for chunk := range slices.Chunk(ids, max(1, end.object.ReadBatch)) {
		began := time.Now()
		changes, err := end.conn.able.Reader.Read(ctx, end.of.Name, chunk)
		if err != nil {
			return nil, err
		}
		if len(changes) != len(chunk) {
			return nil, fmt.Errorf("asked for %d records, and %d were answered", len(chunk), len(changes))
		}
		for i, c := range changes {
			all[chunk[i]] = seen{c, began}
		}
	}
	return all, nil
}

// list reads a whole object whose records cannot be asked for by id. One listing serves all
// pairs until something is to be looked at again.
func (v *verifier) list(ctx context.Context, side record.Side) (map[string]seen, error) {
	if v.listings[side] != nil {
		return v.listings[side], nil
	}
	end := v.r.p.ends[side]
	if end.conn.able.Source == nil {
		return nil, fmt.Errorf("%s has no records", end.conn.spec.Title)
	}
	parts, err := partitions(ctx, end)
	if err != nil {
		return nil, err
	}
	all := map[string]seen{}
	for _, part := range parts {
		for cursor, more := connector.Cursor(""), true; more; {
			began := time.Now()
			page, err := end.conn.able.Source.Changes(ctx, connector.Query{Object: end.of.Name, Partition: part, Cursor: cursor, Fields: v.r.p.wire[side]})
			if err != nil {
				return nil, err
			}
			for _, c := range page.Changes {
				all[c.ID] = seen{c, began}
			}
			cursor, more = page.Next, page.More
		}
	}
	v.listings[side] = all
	return all, nil
}

// settle waits until no vendor's read can be behind what the mirror has of the doubtful
// pairs (R3), and has listings made anew.
func (v *verifier) settle(ctx context.Context) error {
	v.listings = [2]map[string]seen{}
	wait := time.Until(v.settled)
	if wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// doubt puts a pair aside to be looked at again.
func (v *verifier) doubt(s *sight, j comparison) {
	v.doubts = append(v.doubts, j.link)
	for _, f := range j.findings {
		if at := s.rows[f.Side][f.ID].ReadAt.Add(v.r.p.ends[f.Side].object.ReadLag); at.After(v.settled) {
			v.settled = at
		}
	}
}

// A comparison is what is to be said of one pair.
type comparison struct {
	link     store.Link
	findings []Finding
	counts   store.VerifyCounts
	err      error
}

func (v *verifier) judge(s *sight, l store.Link) comparison {
	j := comparison{link: l}
	s, common := v.seenBy(s, l)
	for _, side := range record.Sides() {
		fresh, shown := s.fresh[side][l.IDs[side]]
		if !shown || fresh.Fate != connector.Present {
			v.judgeGone(&j, s, side, fresh, shown)
			continue
		}
		if !common {
			continue
		}
		for _, i := range v.r.p.mappedFor(l) {
			if j.err = v.judgeField(&j, s, side, i, fresh); j.err != nil {
				return j
			}
		}
	}
	return j
}

// judgeGone says what is to be said of a record that is not there.
func (v *verifier) judgeGone(j *comparison, s *sight, side record.Side, fresh seen, shown bool) {
	row, known := s.rows[side][j.link.IDs[side]]
	detail := string(fresh.Fate)
	switch {
	case !shown:
		detail = "a listing does not show it, and it cannot be asked for by id"
	case fresh.Fate == connector.Left:
		detail = "out of sight: it cannot be told from deleted"
	}
	kind := Gone
	switch why := j.link.Diverged[wholeRecord]; {
	case why != "" && known && row.Fate != connector.Present:
		kind, detail = Diverged, why
	case known && row.Fate != connector.Present, s.inFlight(j.link, side):
		kind = Changed // the next run acts on it
	}
	v.find(j, kind, side, "", record.Value{}, record.Value{}, detail)
}

// judgeField compares one field of one side with its base.
func (v *verifier) judgeField(j *comparison, s *sight, side record.Side, i int, fresh seen) error {
	m, l := v.r.p.Mapping, j.link
	f := m.Fields()[i]
	own, known, err := m.Own(i, side, fresh.Fields, s.refs)
	if err != nil {
		return fmt.Errorf("field %s of %s/%s: %w", f.Key, v.r.p.ends[side].of, l.IDs[side], err)
	}
	own = fieldOn(f, side).Plain(own) // R12: ids of elements are not compared
	base, agreed := baseOf(l, side, f.Key)
	sent, expected := l.Expected[side][f.Key]
	if !known {
		if agreed {
			j.counts.Unread++
		}
		return nil
	}
	name := fieldOn(f, side).Name
	if name == "" {
		name = f.Key // computed: it has no name at the vendor
	}
	switch {
	case expected:
		v.find(j, Unconfirmed, side, name, sent, own, "written, and not read back by a run yet")
		return nil
	case !agreed:
		j.counts.Open++
		return nil
	}
	if merge.Equal(f.Set, own, base) {
		why := l.Diverged[f.Key]
		if side == record.Right && strings.HasPrefix(why, refusedBecause) { // both sides hold their base: told once
			v.find(j, RefusedKind, side, name, base, own, why)
		} else if side == record.Right && why != "" && v.equalSide(s, l, i, record.Left) {
			v.find(j, Diverged, side, name, base, own, why)
		}
		return nil
	}
	row := s.rows[side][l.IDs[side]]
	was, had, err := m.Own(i, side, row.Fields, s.refs)
	if err != nil {
		return fmt.Errorf("field %s of %s/%s: %w", f.Key, v.r.p.ends[side].of, l.IDs[side], err)
	}
	kind, detail := v.explain(s, l, side, i, fresh, had && merge.Equal(f.Set, own, fieldOn(f, side).Plain(was)))
	v.find(j, kind, side, name, base, own, detail)
	return nil
}

// equalSide reports whether the other side of a field is as its base says.
func (v *verifier) equalSide(s *sight, l store.Link, i int, side record.Side) bool {
	f := v.r.p.Mapping.Fields()[i]
	own, known, err := v.r.p.Mapping.Own(i, side, s.fresh[side][l.IDs[side]].Fields, s.refs)
	base, agreed := baseOf(l, side, f.Key)
	return err == nil && known && agreed && merge.Equal(f.Set, fieldOn(f, side).Plain(own), base)
}

// refusedBecause begins what a link says of a field that the vendor did not take.
const refusedBecause = "refused: "

// explain says why a field is not as its base says; mirrored tells that the mirror knows.
func (v *verifier) explain(s *sight, l store.Link, side record.Side, i int, fresh seen, mirrored bool) (FindingKind, string) {
	f := v.r.p.Mapping.Fields()[i]
	why := l.Diverged[f.Key]
	if why == "" {
		why = l.Diverged[wholeRecord]
	}
	switch {
	case mirrored && strings.HasPrefix(why, refusedBecause):
		return RefusedKind, why
	case mirrored && why != "":
		return Diverged, why
	case mirrored:
		return Changed, "read by a run, and merged by the next one"
	case s.inFlight(l, side):
		return Changed, "a write or a merge is under way"
	case fieldOn(f, side).Silent:
		return Changed, "the system does not tell when this field changes: refresh reads it (R35)"
	case v.told(s, l, side, fresh):
		return Changed, "edited since it was last read"
	default:
		return Drifted, "nothing tells of a change"
	}
}

// inFlight reports whether we ourselves may be what changed a record.
func (s *sight) inFlight(l store.Link, side record.Side) bool {
	_, busy := s.busy[store.Spot{Side: side, ID: l.IDs[side]}]
	return busy || s.moving[l.ID]
}

// told reports whether the vendor tells that a record has changed since the mirror's read:
// its feed of changes does, or, where that is behind (R3), the record's own stamps.
func (v *verifier) told(s *sight, l store.Link, side record.Side, fresh seen) bool {
	row, id := s.rows[side][l.IDs[side]], l.IDs[side]
	if row.ID == "" || row.ReadAt.After(fresh.at) { // a run was quicker than we
		return true
	}
	if s.told[side] != nil && s.told[side][id] {
		return true
	}
	return v.r.p.ends[side].object.ReadLag > 0 && v.stamped(row, fresh, side)
}

// stamped reports whether a record's stamps say that it has changed since the mirror's read,
// or may have about the time of it.
func (v *verifier) stamped(row store.Row, fresh seen, side record.Side) bool {
	end := v.r.p.ends[side]
	switch {
	case row.Version != fresh.Version && fresh.Version != "":
		return true
	case fresh.Modified.IsZero():
		return false
	case row.Modified.IsZero() || fresh.Modified.After(row.Modified):
		return true
	}
	// A run that began after a change has read all that was told of it, be it not in the row.
	known := row.ReadAt
	if v.pulled.After(known) {
		known = v.pulled
	}
	ours := fresh.Modified.Add(-end.conn.known.Identity.Clock)
	return ours.Add(stampSlack + end.object.ReadLag).After(known)
}

func (v *verifier) find(j *comparison, kind FindingKind, side record.Side, field string, base, found record.Value, detail string) {
	j.findings = append(j.findings, Finding{Sync: v.r.p.Name, Kind: kind, Link: j.link.ID, Side: side, Of: v.r.p.ends[side].of,
		ID: j.link.IDs[side], Field: field, Base: base, Found: found, Detail: detail})
	switch kind {
	case Drifted:
		j.counts.Drifted++
	case Gone:
		j.counts.Gone++
	case Changed:
		j.counts.Changed++
	case Diverged:
		j.counts.Diverged++
	case RefusedKind:
		j.counts.Refused++
	case Unconfirmed:
		j.counts.Unconfirmed++
	}
}

// sameAccounts makes sure, before records are called gone, that it is still the account that
// was pinned which does not have them (R33).
func (v *verifier) sameAccounts(ctx context.Context, j comparison) error {
	for _, f := range j.findings {
		if f.Kind != Gone {
			continue
		}
		if err := v.r.e.sameAccount(metered(ctx, v.r.calls[f.Side]), v.r.p.ends[f.Side].conn, v.began); err != nil {
			return err
		}
	}
	return nil
}

// repair takes what was found into the mirror as an ordinary read by id. What is merely out
// of sight stays as it is known (R21).
func (v *verifier) repair(ctx context.Context, s *sight, j comparison) error {
	done := [2]bool{}
	for _, f := range j.findings {
		fresh, shown := s.fresh[f.Side][f.ID]
		if done[f.Side] || !shown || fresh.Fate == connector.Left || f.Kind != Drifted && f.Kind != Gone && f.Kind != Changed {
			continue
		}
		done[f.Side] = true
		if err := v.r.stillThere(ctx, v.r.p.ends[f.Side], []connector.Change{fresh.Change}); err != nil {
			return err
		}
		_, err := v.r.e.store.SavePage(ctx, store.Page{Of: f.Of, Changes: []connector.Change{fresh.Change}, Keys: v.r.keysOf(f.Side), Began: fresh.at})
		if err != nil {
			return fmt.Errorf("take over %s/%s: %w", f.Of, f.ID, err)
		}
		v.repaired++
	}
	return nil
}
