package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// results settles a batch operation by operation. What the answers do not show of the
// fields that were written is read back by id first (R2).
func (s *settling) results(ctx context.Context, results []connector.Result) {
	read := s.readBack(ctx, results)
	for i, op := range s.ops {
		res := results[i]
		if res.Err != nil {
			s.failed(ctx, op, res.Err)
			continue
		}
		if res.Pending != "" {
			s.pend(op, res.Pending)
			continue
		}
		if res.Ref.ID == "" {
			res.Ref = record.Ref{Object: op.Target.Name, ID: op.TargetID}
		}
		back := read[res.Ref.ID]
		if back == nil && op.Verb == connector.Update && s.end.conn.able.Reader != nil && s.needsRead(op, res) && !s.goneSince(ctx, op) {
			// The mirror still has the replaced value, which must not pass for a person's edit:
			// the operation stays in the outbox until its record can be read.
			s.later(op, store.OpUnknown, s.at.Add(s.end.object.Settle), errNotReadBack)
			continue
		}
		if _, ended := s.ended[res.Ref.ID]; back == nil && res.After == nil && !ended && s.waited && op.Verb == connector.Create && s.end.conn.able.Reader != nil {
			s.pend(op, op.Pending) // R3: people may have taken away what it made long ago
			continue
		}
		s.done(op, res, back)
	}
}

// goneSince reports whether the record of an update that was carried out is proven gone now: what was
// written is agreed on, should the record come back with it (R2).
func (s *settling) goneSince(ctx context.Context, op store.Op) bool {
	c, ended := s.ended[op.TargetID]
	_, linked := s.links[op.Link]
	return ended && linked && (c.Fate == connector.Deleted || c.Fate == connector.Archived) && s.r.stillThere(ctx, s.end, []connector.Change{c}) == nil
}

var errNotReadBack = errors.New("written, and not read back yet")

// readBack reads the records of which the answers do not show all that was written.
func (s *settling) readBack(ctx context.Context, results []connector.Result) map[string]*record.Record {
	var ids []string
	for i, res := range results {
		if id := res.Ref.ID; res.Err == nil && res.Pending == "" && id != "" && s.needsRead(s.ops[i], res) {
			ids = append(ids, id)
		}
	}
	found := map[string]*record.Record{}
	if len(ids) == 0 || s.end.conn.able.Reader == nil {
		return found
	}
	for chunk := range slices.Chunk(ids, max(1, s.end.object.ReadBatch)) {
		changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, chunk)
		if err != nil {
			continue // what is missing stays expected, or unknown, until a later read (R2)
		}
		for i := range changes {
			if changes[i].Fate == connector.Present {
				found[changes[i].ID] = &changes[i].Record
				continue
			}
			s.over(chunk[i], changes[i])
		}
	}
	return found
}

// over notes that a record that was written is not in sight any more.
func (s *settling) over(id string, c connector.Change) {
	if s.ended == nil {
		s.ended = map[string]connector.Change{}
	}
	s.ended[id] = c
}

func (s *settling) needsRead(op store.Op, res connector.Result) bool {
	switch op.Verb {
	case connector.Archive, connector.Delete:
		return false
	case connector.Restore, verbMerge:
		return true
	case connector.Create, connector.Update:
	}
	if res.After == nil {
		return true
	}
	for name := range op.Set {
		if _, shown := res.After.Fields[name]; !shown && !refused(res, name) {
			return true
		}
	}
	return false
}

func refused(res connector.Result, field string) bool {
	return slices.ContainsFunc(res.Refused, func(r connector.Refusal) bool { return r.Field == field && !r.Again })
}

// done settles one operation that took effect.
func (s *settling) done(op store.Op, res connector.Result, read *record.Record) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	switch op.Verb {
	case connector.Create:
		s.created(op, res, read)
	case connector.Update:
		s.updated(op, res, read)
	case connector.Archive, connector.Delete:
		s.removed(op)
	case connector.Restore:
		s.restored(op, read)
	case verbMerge:
		s.folded(op, res, read)
	}
}

// An answer is what is known of a record after a write.
type answer struct {
	rec     record.Record
	ours    bool // nobody but the vendor can have changed it between our write and this state
	refused []connector.Refusal
}

// answerOf joins the write's own answer with what was read back.
func (s *settling) answerOf(op store.Op, res connector.Result, read *record.Record) answer {
	a := answer{ours: !s.late && !s.waited, refused: res.Refused}
	a.rec.Ref, a.rec.Version = res.Ref, res.Version
	if res.After != nil {
		a.rec.Version, a.rec.Created, a.rec.Modified = res.After.Version, res.After.Created, res.After.Modified
		a.rec.Fields = res.After.Fields // made for us, and nobody else's from here on
	}
	if a.rec.Fields == nil {
		a.rec.Fields = make(record.Fields, len(s.r.p.wire[s.side]))
	}
	if read == nil {
		a.ours = a.ours || s.waited && res.Fresh && res.Version != "" && res.After != nil && res.Version == res.After.Version
		return a
	}
	for name, v := range read.Fields {
		if _, shown := a.rec.Fields[name]; !shown {
			a.rec.Fields[name] = v
		}
	}
	known := res.Version != ""
	a.ours = !s.late && (known && res.Version == read.Version || !known && !s.waited && op.Verb == connector.Create)
	a.rec.Version, a.rec.Created, a.rec.Modified = read.Version, read.Created, read.Modified
	return a
}

// created makes the link of a record that was created, with the base of every mapped field.
func (s *settling) created(op store.Op, res connector.Result, read *record.Record) {
	a := s.answerOf(op, res, read)
	if anew(op) {
		s.createdAnew(op, a)
		return
	}
	other := s.side.Other()
	link := s.newLink(op, a)
	clean := s.fields(&link, op, a)
	clean = s.untouched(&link, op, a) && clean
	s.leftOut(&link, op)
	s.carried(op)
	for _, name := range s.r.p.wire[s.side] {
		if _, shown := a.rec.Fields[name]; !shown && !s.waited { // R36: else people may have filled it meanwhile
			if _, sent := op.Set[name]; !sent {
				a.rec.Fields[name] = record.Value{} // a new record is empty where nothing was written
			}
		}
	}
	if s.firstValues(op) || s.byOtherRules(op) {
		s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: other, ID: op.SourceID})
	}
	s.keep(link, a, clean)
	why := s.r.p.ends[other].of.String() + "/" + op.SourceID + " has no partner"
	if len(op.Fields) > 0 {
		why += op.Fields[0].Rule
	}
	s.journal(link, store.Entry{Kind: store.Created, Set: op.Set, Why: why})
	s.inOrder(op, link)
	s.count(func(c *store.Counts) { c.Created++ })
}

// newLink is the link of a record that a create has made, without what was agreed on.
func (s *settling) newLink(op store.Op, a answer) store.Link {
	other := s.side.Other()
	link := store.Link{ID: s.r.e.store.NewID(), Sync: s.r.p.Name}
	link.IDs[s.side], link.IDs[other] = a.rec.ID, op.SourceID
	link.Created[s.side], link.Created[other] = a.rec.Created, s.rows[other][op.SourceID].Created
	link.Base = [2]record.Fields{make(record.Fields, len(s.r.p.index)), make(record.Fields, len(s.r.p.index))}
	return link
}

// inOrder ends what was noted and asked about a record that had no partner until now.
func (s *settling) inOrder(op store.Op, link store.Link) {
	other := s.side.Other()
	if s.r.standing.Load() {
		s.facts.InScope = append(s.facts.InScope, store.Spot{Side: other, ID: op.SourceID}, store.Spot{Side: s.side, ID: link.IDs[s.side]})
	}
	if s.r.asking.Load() {
		s.facts.Close = append(s.facts.Close, lostSubjects(link.IDs)...)
		s.facts.Close = append(s.facts.Close, fmt.Sprintf("parked %s %s", other, op.SourceID), fmt.Sprintf("match %s %s", other, op.SourceID))
	}
}

// byOtherRules reports whether an operation may have been decided by rules that nobody approved of
// and that are others by now (R19).
func (s *settling) byOtherRules(op store.Op) bool { return s.r.former != nil && op.Run != s.r.id }

// firstValues reports whether a create set a field of which the other side has nothing.
func (s *settling) firstValues(op store.Op) bool {
	return slices.ContainsFunc(s.r.p.Mapping.Fields(), func(f mappingField) bool {
		_, set := op.Set[fieldOn(f, s.side).Name]
		_, told := op.Source[f.Key]
		return set && !told
	})
}

// untouched gives the fields their base that a create did not write. It reports whether
// the new record holds nothing there that nobody gave it.
func (s *settling) untouched(link *store.Link, op store.Op, a answer) bool {
	clean := true
	for _, f := range s.r.p.Mapping.Fields() {
		if _, ok := link.Base[s.side][f.Key]; ok {
			continue
		}
		source, told := op.Source[f.Key]
		wire := fieldOn(f, s.side).Name
		if _, expected := link.Expected[s.side][f.Key]; !told || expected || wire == "" {
			continue // a reference that cannot be told yet is filled in a second step (R28)
		}
		link.Base[s.side.Other()][f.Key] = source
		link.Base[s.side][f.Key] = record.Value{}
		if v := a.rec.Fields[wire]; !v.IsEmpty() {
			clean = false // the vendor's default: its own change, merged as such (R1)
		}
	}
	return clean
}

// updated moves the base of exactly the fields that were written (R1).
func (s *settling) updated(op store.Op, res connector.Result, read *record.Record) {
	a := s.answerOf(op, res, read)
	link, ok := s.links[op.Link]
	if !ok {
		s.correctedAlone(op, a)
		return
	}
	for _, side := range record.Sides() {
		if link.Base[side] = link.Base[side].Clone(); link.Base[side] == nil {
			link.Base[side] = record.Fields{}
		}
	}
	part, shown := s.partOf(link, op, a)
	s.fields(&link, part, shown)
	if carried := s.carried(op); carried || s.byOtherRules(op) {
		s.again(op)
	}
	s.keep(link, a, false)
	s.links[op.Link] = link
	s.updatedMembers(op, a)
	if s.r.asking.Load() {
		s.facts.Close = append(s.facts.Close, parkedLink(link.ID, s.side))
	}
	s.count(func(c *store.Counts) { c.Updated++ })
}

// keep stores a link and the row that its record has now.
func (s *settling) keep(link store.Link, a answer, clean bool) {
	s.facts.Links = append(s.facts.Links, link)
	_, updated := s.links[link.ID]
	if gone, ended := s.ended[a.rec.ID]; ended && (s.waited || updated) {
		if updated { // what it held when it went is agreed on with nobody (R22)
			gone.Record = record.Record{Ref: gone.Ref}
		}
		s.pages = append(s.pages, gone) // R3: it took effect, and has gone since
		s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side, ID: a.rec.ID})
		return
	}
	s.pages = append(s.pages, connector.Change{Record: a.rec})
	if clean {
		s.own = append(s.own, a.rec.ID)
	}
}

// removed settles a delete or an archive: the link is closed with it.
func (s *settling) removed(op store.Op) {
	fate, kind := connector.Deleted, store.Deleted
	if op.Verb == connector.Archive {
		fate, kind = connector.Archived, store.Archived
	}
	ref := record.Ref{Object: op.Target.Name, ID: op.TargetID}
	s.pages = append(s.pages, connector.Change{Record: record.Record{Ref: ref}, Fate: fate})
	why := ""
	if len(op.Fields) > 0 {
		why = op.Fields[0].Rule
	}
	if link, ok := s.links[op.Link]; ok {
		link.Closed = closedGone
		if len(op.Fields) > 0 && op.Fields[0].Key == leftFilter {
			link.Closed = closedFilter // R18: it may come back
		}
		s.facts.Links = append(s.facts.Links, link)
		s.r.withdrawLink(&s.facts, link)
		s.journal(link, store.Entry{Kind: kind, Set: op.Was, Why: why})
		s.tookAlong(op, link)
		s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side.Other(), ID: op.SourceID})
	}
	s.count(func(c *store.Counts) { c.Deleted++ })
}

// restored settles a record that was brought back.
func (s *settling) restored(op store.Op, read *record.Record) {
	if read != nil {
		s.pages = append(s.pages, connector.Change{Record: *read})
	}
	if link, ok := s.links[op.Link]; ok {
		s.journal(link, store.Entry{Kind: store.Restored, Why: op.Fields[0].Rule})
		s.facts.Back = append(s.facts.Back, link)
	}
	s.again(op)
	s.count(func(c *store.Counts) { c.Updated++ })
}

func (s *settling) journal(l store.Link, e store.Entry) {
	e.At, e.Run, e.Sync, e.Link, e.Side, e.Of, e.Record = s.at, s.r.id, s.r.p.Name, l.ID, s.side, s.end.of, l.IDs[s.side]
	s.facts.Journal = append(s.facts.Journal, e)
}

func (s *settling) count(add func(*store.Counts)) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	add(&s.r.rec.Sides[s.side])
}

// longestBackoff is the longest that an operation waits because of a failure alone.
const longestBackoff = 10 * time.Minute

// backoff is how long an operation waits before it is tried again.
func backoff(attempts int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	return min(time.Second<<min(attempts, 10), longestBackoff)
}
