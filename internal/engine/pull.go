package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// pull reads one side into the mirror: to the end if it never was, or if a field is wanted
// that it was not read with; else what changed. Each page and the place after it are saved
// in one transaction (invariant 1), and only then is the next one asked for (C4).
func (r *run) pull(ctx context.Context, side record.Side) error {
	end := r.p.ends[side]
	if end.hosted() {
		return r.awaitVisit(ctx, side)
	}
	if end.conn.able.Source == nil {
		return fmt.Errorf("%s cannot be read: %s has no records", end.of, end.conn.spec.Title)
	}
	ctx = metered(ctx, r.calls[side])
	parts, err := partitions(ctx, end)
	if err != nil {
		return fmt.Errorf("read %s: %w", end.of, err)
	}
	due := proofs{parts: len(parts)}
	for _, part := range parts {
		if err := r.pullPart(ctx, side, part, &due); err != nil {
			return fmt.Errorf("read %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
		}
	}
	if err := r.prove(ctx, &due); err != nil {
		return fmt.Errorf("read %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
	}
	if err := r.proveLost(ctx, side); err != nil {
		return fmt.Errorf("read %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
	}
	r.listed[side].Store(true)
	r.wake()
	return nil
}

func partitions(ctx context.Context, end end) ([]string, error) {
	if end.conn.able.Partitioner == nil || end.hosted() {
		return []string{""}, nil
	}
	return end.conn.able.Partitioner.Partitions(ctx, end.of.Name)
}

// spoil lets an error that concerns the whole connection stop its further use in this
// process, and remembers it where a person has to act.
func (e *Engine) spoil(ctx context.Context, c *conn, err error) error {
	ve := connector.ErrorOf(err)
	if ve.Kind != connector.Unauthorized {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = fmt.Errorf("connection %s: %w", c.plan.Name, err)
	return errors.Join(err, e.pause(ctx, c, c.problem))
}

// A reading is one partition of one side on its way into the mirror.
type reading struct {
	end    end
	part   string
	feed   store.FeedKind
	fields []string
	print  string                          // fingerprint of fields
	keys   func(record.Fields) []store.Key // index entries of a row
	state  store.Feed
	pages  int // most pages to read; 0 = to the end

	where   []connector.Cond // conditions that the vendor is asked to select by; nil = everything is wanted
	partial bool             // of a sweep: the mirror was filled by a narrowed listing
	due     *proofs          // what is to be proven when all parts have been read
	some    bool             // not all parts of the object were listed
}

// proofs are what the listings of an object's parts have left to be proven: what one part does
// not show may be in another one.
type proofs struct {
	parts int
	rd    *reading
	since time.Time     // when the first of the listings began
	lasts []*store.Page // what ends them
}

// proveLater leaves what a part's listing suggests until all parts have been read.
func (r *run) proveLater(ctx context.Context, rd *reading, last *store.Page) error {
	if rd.due == nil {
		return r.prove(ctx, &proofs{parts: 1, rd: rd, since: last.Listing, lasts: []*store.Page{last}})
	}
	if len(rd.due.lasts) == 0 || last.Listing.Before(rd.due.since) {
		rd.due.since = last.Listing
	}
	rd.due.rd, rd.due.lasts = rd, append(rd.due.lasts, last)
	return nil
}

// prove looks at what none of the parts has shown, and ends their listings then: see [readPage].
func (r *run) prove(ctx context.Context, due *proofs) error {
	if len(due.lasts) == 0 {
		return nil
	}
	due.rd.some = len(due.lasts) < due.parts
	if err := r.proveGone(ctx, due.rd, due.since); err != nil {
		return err
	}
	for _, last := range due.lasts {
		if _, err := r.e.store.SavePage(ctx, *last); err != nil {
			return fmt.Errorf("end the listing: %w", err)
		}
	}
	return nil
}

func (r *run) pullPart(ctx context.Context, side record.Side, part string, due *proofs) error {
	state, err := r.e.store.Feed(ctx, r.p.ends[side].of, part, store.FeedChanges)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	rd := reading{end: r.p.ends[side], part: part, feed: store.FeedChanges, fields: r.p.wire[side],
		print: printOf(r.p.wire[side]), keys: r.keysOf(side), state: state, due: due}
	conds := r.e.narrowed[rd.end.of]
	rd.narrow(conds)
	if rd.mustList(condsPrint(conds)) {
		rd.state.Cursor, rd.state.Began = "", time.Now()
	}
	if !rd.state.Began.IsZero() { // R33: a listing takes in whatever a vendor was restored to
		if err := r.hasNewest(ctx, rd.end.conn); err != nil {
			return err
		}
	}
	return r.readOrRestart(ctx, side, &rd)
}

// mustList reports whether everything has to be read, and no such listing is under way. What
// was once narrowed by other conditions than today's is read anew, in full, and so is an object
// of which the place was forgotten.
func (rd *reading) mustList(conds string) bool {
	had := narrowedBy(rd.state.Fields)
	if covers(rd.state.Fields, rd.fields) && (had == "" || had == conds) {
		return rd.state.Began.IsZero() && (rd.state.ListedAt.IsZero() || rd.state.Cursor == "")
	}
	return true
}

// printOf is the fingerprint of the fields of a listing.
func printOf(fields []string) string { return strings.Join(fields, ",") }

// covers reports whether a listing with those fields brought all that are wanted now.
func covers(fingerprint string, wanted []string) bool {
	fields, _, _ := strings.Cut(fingerprint, whereMark)
	had := strings.Split(fields, ",")
	return !slices.ContainsFunc(wanted, func(f string) bool { return !slices.Contains(had, f) })
}

func (r *run) readPages(ctx context.Context, side record.Side, rd *reading) error {
	cursor := rd.state.Cursor
	if cursor == "" && !rd.state.Began.IsZero() { // R21: cut off at its first page it begins anew; what that showed may be gone by now
		rd.state.Began = time.Now()
	}
	listing := rd.state.Began
	for n := 1; ; n++ {
		page, saved, err := r.readPage(ctx, rd, cursor, listing)
		if err != nil {
			return err
		}
		r.read(side, rd, len(page.Changes), page.Total)
		r.wake()
		cursor = page.Next
		unknown, err := r.known(ctx, rd, saved.Unknown)
		if err != nil {
			return err
		}
		if err := r.readByID(ctx, rd, unknown); err != nil {
			return err
		}
		if page.More && n == rd.pages {
			return nil // R35: the next run goes on from here
		}
		if page.More {
			continue
		}
		switch {
		case page.last != nil:
			return r.proveLater(ctx, rd, page.last)
		case n == 1 && rd.showsNone(page.Page, listing):
			return r.showsNone(ctx, side, rd)
		}
		return nil
	}
}

// A readPage is a page that has been read and saved.
type readPage struct {
	connector.Page
	last *store.Page // what ends the listing once all that it did not show has been asked for; nil = it has ended, or goes on
}

// suspects reports whether what a listing has not shown, which ends with that page, may be gone. What
// a narrowed one did not show may be outside of it (R21). A refresh looks only where the sweep does
// not: that of a bin.
func (rd *reading) suspects(page connector.Page, listing time.Time) bool {
	return !page.More && !listing.IsZero() && !rd.state.ListedAt.IsZero() && rd.where == nil &&
		(rd.feed != store.FeedRefresh || rd.end.object.Deletes == record.EvidenceBin)
}

// showsNone reports whether a listing is over with its first page, which shows nothing and proves
// nothing. A part of an object may well be empty, and so may a bin.
func (rd *reading) showsNone(page connector.Page, listing time.Time) bool {
	return len(page.Changes) == 0 && rd.state.Cursor == "" && rd.part == "" && !page.Complete && rd.suspects(page, listing) &&
		(rd.feed != store.FeedSweep || rd.end.object.Deletes == record.EvidenceListing)
}

// readPage reads one page into the mirror. The last one of a listing that proves something is
// kept at its own beginning: cut off before all is proven, the listing ends anew, and nothing
// that was deleted before a cursor expired is forgotten (R21, invariant 11).
func (r *run) readPage(ctx context.Context, rd *reading, from connector.Cursor, listing time.Time) (page readPage, saved store.Saved, err error) {
	ctx, span := r.e.span(ctx, "read page", attribute.String("tandem.object", rd.end.of.String()), attribute.String("tandem.feed", string(rd.feed)))
	defer func() {
		ended(span, err, attribute.Int("tandem.records", len(page.Changes)), attribute.Int("tandem.records.changed", saved.Changed))
	}()
	began := time.Now()
	q := connector.Query{Object: rd.end.of.Name, Partition: rd.part, Cursor: from, Fields: rd.fields}
	if !listing.IsZero() {
		q.Where = rd.where
	}
	if page.Page, err = rd.end.conn.able.Source.Changes(ctx, q); err != nil {
		return page, saved, err
	}
	changes, err := r.current(ctx, rd, page.Changes, began)
	if err != nil {
		return page, saved, err
	}
	p := store.Page{Of: rd.end.of, Partition: rd.part, Feed: rd.feed, Changes: changes, Keys: rd.keys, Began: began, After: rd.shownUntil(),
		Mapped: rd.fields, Listing: listing, Next: page.Next, Done: !page.More, Fields: rd.print, Total: page.Total}
	if page.Complete && rd.suspects(page.Page, listing) { // what it has not shown is asked for by its id
		last := p
		last.Changes = nil
		page.last, p.Next, p.Done = &last, from, false
	}
	if saved, err = r.e.store.SavePage(ctx, p); err != nil {
		return page, saved, fmt.Errorf("save page: %w", err)
	}
	return page, saved, nil
}

// shownUntil is until when earlier reads have shown all changes: the vendor's index may lag.
func (rd *reading) shownUntil() time.Time {
	if rd.feed != store.FeedChanges || rd.state.Polled.IsZero() {
		return time.Time{}
	}
	return rd.state.Polled.Add(-rd.end.object.ReadLag)
}

// readByID brings records into the mirror, or up to date there, that are known by id only.
func (r *run) readByID(ctx context.Context, rd *reading, ids []string) error {
	if len(ids) == 0 || rd.end.conn.able.Reader == nil {
		return nil
	}
	for chunk := range slices.Chunk(ids, max(1, rd.end.object.ReadBatch)) {
		began := time.Now()
		changes, err := rd.end.conn.able.Reader.Read(ctx, rd.end.of.Name, chunk)
		if err != nil {
			return fmt.Errorf("read by id: %w", err)
		}
		if err := r.stillThere(ctx, rd.end, changes); err != nil {
			return err
		}
		if _, err := r.e.store.SavePage(ctx, store.Page{Of: rd.end.of, Changes: r.mapped(rd.end.of, changes), Keys: rd.keys, Began: began, Mapped: rd.fields}); err != nil {
			return fmt.Errorf("save records: %w", err)
		}
	}
	return nil
}

// mapped leaves in records that were read by id what a listing brings: a vendor shows them
// whole, and a field that nobody wants would make each look changed once.
func (r *run) mapped(of store.Object, changes []connector.Change) []connector.Change {
	for _, side := range record.Sides() {
		wanted := r.p.wire[side]
		if r.p.ends[side].of != of || len(wanted) == 0 {
			continue
		}
		for i, c := range changes {
			changes[i].Fields = make(record.Fields, len(wanted))
			for _, name := range wanted {
				if v, shown := c.Fields[name]; shown {
					changes[i].Fields[name] = v
				}
			}
		}
		break
	}
	return changes
}

// keysOf returns the index entries of one side's records: the match keys of all syncs that
// share the object, and the references by which children are found (R23).
func (r *run) keysOf(side record.Side) func(record.Fields) []store.Key {
	return r.e.keysOf(r.p.ends[side])
}

func (e *Engine) keysOf(end end) func(record.Fields) []store.Key {
	type maker struct {
		m    *mapping.Mapping
		side record.Side
	}
	var makers []maker
	for _, p := range e.syncs {
		for s, other := range p.ends {
			if other.of == end.of && p.Mapping != nil {
				makers = append(makers, maker{p.Mapping, record.Side(s)})
			}
		}
	}
	refs, words := e.indexedRefs(end), wordFields(end.object)
	return func(f record.Fields) []store.Key {
		var keys []store.Key
		for _, mk := range makers {
			for _, k := range mk.m.Keys(mk.side, f) {
				if key := (store.Key{Name: k.Name, Value: k.Value}); k.Value != "" && !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
		if k, ok := copyKey(end.object, f); ok {
			keys = append(keys, k)
		}
		for _, ref := range refs {
			for _, id := range idsOf(f[ref]) {
				keys = append(keys, childKey(ref, id))
			}
		}
		return addWords(keys, words, f, e.plan.Country)
	}
}

// childKey is the index entry by which the children of a record are found.
func childKey(field, parent string) store.Key {
	return store.RefKey(field, parent)
}

// indexPrint tells whether the index was made by the same rules.
func (e *Engine) indexPrint(end end) string {
	var parts []string
	for _, p := range e.syncs {
		for s, other := range p.ends {
			if other.of == end.of && p.Mapping != nil {
				parts = append(parts, fmt.Sprintf("%d:%s", s, p.Mapping.Fingerprint()))
			}
		}
	}
	if c := end.object.Copies; c != nil {
		parts = append(parts, "copies:"+c.Key)
	}
	if words := wordsPrint(wordFields(end.object), e.plan.Country); words != "" {
		parts = append(parts, words)
	}
	return strings.Join(append(parts, e.indexedRefs(end)...), "|")
}
