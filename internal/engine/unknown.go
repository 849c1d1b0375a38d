package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// lookUp finds out what became of operations of unknown outcome, once the vendor has had
// the time to settle (R16, invariants 4 and 8). It returns how many it brought forward.
func (r *run) lookUp(ctx context.Context) (int, error) {
	ops, err := r.e.store.Ops(ctx, r.p.Name, store.OpUnknown)
	if err != nil {
		return 0, fmt.Errorf("load operations of unknown outcome: %w", err)
	}
	n := 0
	for _, side := range record.Sides() {
		var due []store.Op
		for _, op := range ops {
			if op.Side == side && !r.due(op).After(time.Now()) {
				due = append(due, op)
			}
		}
		if due, err = r.unseen(ctx, side, due); err != nil {
			return n, err
		}
		for chunk := range slices.Chunk(due, max(1, r.p.ends[side].object.ReadBatch)) {
			if err := r.lookUpBatch(metered(ctx, r.calls[side]), side, chunk); err != nil {
				return n, err
			}
			n += len(chunk)
		}
	}
	return n, nil
}

func (r *run) lookUpBatch(ctx context.Context, side record.Side, ops []store.Op) error {
	s, err := r.newSettling(ctx, side, ops)
	if err != nil {
		return err
	}
	s.at, s.late = time.Now().Truncate(time.Microsecond), true
	var creates, others []store.Op
	for _, op := range ops {
		if op.Verb == connector.Create {
			creates = append(creates, op)
		} else {
			others = append(others, op)
		}
	}
	if err := s.lookUpCreates(ctx, creates); err != nil {
		s.postpone(ctx, creates, err)
	}
	if err := s.lookUpOthers(ctx, others); err != nil {
		s.postpone(ctx, others, err)
	}
	if err := s.finish(ctx); err != nil {
		return err
	}
	return s.stop
}

// postpone leaves operations unknown that could not be looked up now.
func (s *settling) postpone(ctx context.Context, ops []store.Op, err error) {
	e := connector.ErrorOf(err)
	for _, op := range ops {
		// As long again as it has waited already: a look that keeps failing must not keep the
		// run from ending.
		wait := max(backoff(op.Attempts+1, e.Wait), min(time.Since(op.SentAt), longestBackoff))
		s.later(op, store.OpUnknown, time.Now().Add(wait), err)
	}
	if e.Kind == connector.Unauthorized {
		s.stop = fmt.Errorf("look up %s: %w", s.end.of, s.r.e.spoil(ctx, s.end.conn, err))
	}
}

// lookUpCreates looks for the records that creates of unknown outcome may have made: by our
// key, else by a match key, else among the records created since they were sent.
func (s *settling) lookUpCreates(ctx context.Context, ops []store.Op) error {
	if len(ops) == 0 {
		return nil
	}
	hits, sure, err := s.byOurKey(ctx, ops)
	if err != nil {
		return err
	}
	if !sure {
		if hits, err = s.byMatch(ctx, ops); err != nil {
			return err
		}
	}
	s.dropMembers(hits)
	linked, err := s.dropLinked(ctx, ops, hits)
	if err != nil {
		return err
	}
	if err := s.readDoubtful(ctx, ops, hits); err != nil {
		return err
	}
	for _, op := range ops {
		found, looked := hits[op.ID]
		switch {
		case linked[op.ID]:
			s.superseded(op) // what it made, or was to be made for, has a partner by now: never repeat it
		case len(found) == 1 && !sure && !s.isOurs(op, found[0]):
			s.adopt(op, found[0])
		case len(found) == 1:
			rec := found[0]
			s.done(op, connector.Result{Ref: rec.Ref, Version: rec.Version, After: &rec}, nil)
		case len(found) > 1:
			if err := s.several(ctx, op, nearest(op, found), fmt.Sprintf("and %d records could be the outcome", len(found))); err != nil {
				return err
			}
		case looked && s.r.restored != nil:
			s.superseded(op) // R34: it is decided anew, and nothing bypasses the guard
		case looked:
			s.later(op, store.OpReady, time.Now(), fmt.Errorf("it did not take effect"))
		default:
			if err := s.alike(ctx, op); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxDoubtful is how many records are read anew when the outcome of a create was not found.
const maxDoubtful = 1000

// readDoubtful reads the records anew that wait because they may be what a create has made, if
// one of the creates has no outcome by now: a person may have deleted it just before we looked,
// and what the mirror still has of it would pass for a record that somebody made (invariant 8).
func (s *settling) readDoubtful(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) error {
	none := slices.ContainsFunc(ops, func(op store.Op) bool { found, looked := hits[op.ID]; return looked && len(found) == 0 })
	if !none || s.end.conn.able.Reader == nil || !s.r.standing.Load() {
		return nil
	}
	waiting, err := s.r.e.store.Standings(ctx, s.r.p.Name, maxDoubtful, standsWaiting)
	if err != nil {
		return fmt.Errorf("load records that wait: %w", err)
	}
	var ids []string
	for _, w := range waiting {
		if w.Side == s.side {
			ids = append(ids, w.ID)
		}
	}
	rd := &reading{end: s.end, keys: s.r.keysOf(s.side)}
	changes, began, err := s.r.ask(ctx, rd, ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	changes = slices.DeleteFunc(s.r.mapped(s.end.of, changes), isHidden) // R21: that they are hidden proves nothing
	if err := s.r.stillThere(ctx, s.end, changes); err != nil {
		return err
	}
	if _, err := s.r.e.store.SavePage(ctx, store.Page{Of: s.end.of, Changes: changes, Keys: rd.keys, Began: began}); err != nil {
		return fmt.Errorf("save records that wait: %w", err)
	}
	return nil
}

// byOurKey finds records by the key that travelled with the create. sure says that the
// object has such a key, so that finding nothing means there is nothing.
func (s *settling) byOurKey(ctx context.Context, ops []store.Op) (map[int64][]record.Record, bool, error) {
	f, ok := s.end.object.Key()
	if !ok || !f.Findable || s.end.conn.able.Finder == nil {
		return nil, false, nil
	}
	keys := make([]string, len(ops))
	for i, op := range ops {
		keys[i] = op.Key
	}
	found, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, f.Name, keys)
	if err != nil {
		return nil, false, fmt.Errorf("find by %s: %w", f.Name, err)
	}
	hits := make(map[int64][]record.Record, len(ops))
	for _, op := range ops {
		hits[op.ID] = nil
		for _, rec := range found {
			if rec.Fields[f.Name].Text() == op.Key {
				hits[op.ID] = append(hits[op.ID], rec)
			}
		}
	}
	return hits, true, nil
}

// byMatch finds records by a findable match key, or, where there is none, by equality with
// what was sent among the records that the mirror has got since. Those of which a key was
// looked for have an entry, be it empty.
func (s *settling) byMatch(ctx context.Context, ops []store.Op) (map[int64][]record.Record, error) {
	hits := make(map[int64][]record.Record, len(ops))
	byField := map[string][]store.Op{}
	var keyless []store.Op
	for _, op := range ops {
		if f, _ := s.findable(op); f.Name != "" && s.end.conn.able.Finder != nil {
			byField[f.Name] = append(byField[f.Name], op)
			continue
		}
		keyless = append(keyless, op)
	}
	for _, field := range slices.Sorted(maps.Keys(byField)) { // in order (invariant 12)
		if err := s.findAll(ctx, field, byField[field], hits); err != nil {
			return nil, err
		}
	}
	return hits, s.createdSince(ctx, keyless, hits)
}

// findAll looks several operations up by one field in one call.
func (s *settling) findAll(ctx context.Context, field string, ops []store.Op, hits map[int64][]record.Record) error {
	f, _ := s.end.object.Field(field)
	values := make([]string, len(ops))
	for i, op := range ops {
		_, values[i] = s.findable(op)
	}
	found, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, field, values)
	if err != nil {
		return fmt.Errorf("find by %s: %w", field, err)
	}
	country := s.r.e.plan.Country
	for i, op := range ops {
		hits[op.ID] = nil
		for _, rec := range found {
			// What was there long before it was sent cannot be its outcome.
			old := !rec.Created.IsZero() && rec.Created.Before(op.SentAt.Add(-time.Hour))
			if !old && record.Normal(f, rec.Fields[field], country) == record.Normal(f, record.Text(values[i]), country) {
				hits[op.ID] = append(hits[op.ID], rec)
			}
		}
	}
	return nil
}

// findable returns a field of the operation that is part of a match key and by which the
// vendor can look records up.
func (s *settling) findable(op store.Op) (record.Field, string) {
	for _, of := range s.r.p.fieldsOf(op) {
		f, ok := s.end.object.Field(of.Wire)
		if v := op.Set[of.Wire]; ok && f.Findable && s.r.p.matched[of.Key] && !v.IsEmpty() {
			return f, v.Text()
		}
	}
	return record.Field{}, ""
}

// createdSince looks operations up among the mirror's records that were created after they
// were sent: a record that holds everything that one of them set is its outcome.
func (s *settling) createdSince(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) error {
	if len(ops) == 0 {
		return nil
	}
	if err := s.r.pull(ctx, s.side); err != nil {
		return err
	}
	s.likely = map[int64]*alikeness{}
	old := func(row store.Row) bool {
		return !slices.ContainsFunc(ops, func(op store.Op) bool { return mayBeSince(op, row) })
	}
	var after int64
	for {
		rows, err := s.r.e.store.ChangedBut(ctx, s.end.of, after, planBatch, old)
		if err != nil {
			return fmt.Errorf("search the mirror: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, row := range rows {
			after = row.Seq
			for _, op := range ops {
				if mayBeSince(op, row) && s.end.holds(row.Fields, op.Set) {
					hits[op.ID] = append(hits[op.ID], row.Record)
				}
			}
		}
		if err := s.noteAlike(ctx, ops, rows); err != nil {
			return err
		}
	}
}

// mayBeSince reports whether a record that is there may have been created after an operation was sent. A
// vendor's clock may be wrong by minutes.
func mayBeSince(op store.Op, row store.Row) bool {
	return row.Fate == connector.Present && row.Created.After(op.SentAt.Add(-time.Hour))
}

// holds reports whether a record has all values that were sent.
func (e end) holds(have, set record.Fields) bool {
	for name, v := range set {
		f, _ := e.object.Field(name)
		if !f.Echoes(have[name], v) {
			return false
		}
	}
	return true
}

// dropLinked takes away hits that are somebody's partner: a live link is never moved. It
// returns the operations that lost a hit in this way or whose source has a partner.
func (s *settling) dropLinked(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) (map[int64]bool, error) {
	var ids [2][]string
	for _, op := range ops {
		ids[s.side.Other()] = append(ids[s.side.Other()], op.SourceID)
		for _, rec := range hits[op.ID] {
			ids[s.side] = append(ids[s.side], rec.ID)
		}
	}
	var links [2]map[string]store.Link
	for _, side := range record.Sides() {
		var err error
		if links[side], err = s.r.e.store.LinksOf(ctx, s.r.p.Name, side, ids[side]); err != nil {
			return nil, fmt.Errorf("load links of hits: %w", err)
		}
	}
	open := func(side record.Side, id string) bool {
		l, ok := links[side][id]
		return ok && l.Closed == ""
	}
	linked := map[int64]bool{}
	for _, op := range ops {
		before := len(hits[op.ID])
		if found, looked := hits[op.ID]; looked {
			hits[op.ID] = slices.DeleteFunc(found, func(rec record.Record) bool { return open(s.side, rec.ID) })
		}
		linked[op.ID] = open(s.side.Other(), op.SourceID) || before > 0 && len(hits[op.ID]) == 0
	}
	return linked, nil
}

// several asks which of some records a create of unknown outcome has made.
func (s *settling) several(ctx context.Context, op store.Op, found *alikeness, what string) error {
	other := s.side.Other()
	rows, err := s.r.e.store.Rows(ctx, s.r.p.ends[other].of, []string{op.SourceID})
	if err != nil {
		return fmt.Errorf("load source: %w", err)
	}
	theirs, candidates := map[string]store.Row{}, make([]store.Row, len(found.best))
	for i, rec := range found.best {
		candidates[i] = store.Row{Record: rec.Record}
		theirs[rec.ID] = candidates[i]
	}
	var both [2]map[string]store.Row
	both[s.side], both[other] = theirs, rows
	refs, err := s.r.loadRefs(ctx, both)
	if err != nil {
		return err
	}
	ranked, err := s.r.rank(ctx, other, rows[op.SourceID], candidates, refs)
	if err != nil {
		return err
	}
	ids := idsIn(ranked)
	s.r.doubts(op)
	item := store.Review{Kind: store.ReviewAmbiguous, Side: other, Record: op.SourceID, Candidates: ids, Opened: time.Now(), Choices: append(slices.Clone(ids), noPartner),
		Fix: "choose the right one by its id; the others are yours to delete"}
	if found.all > len(ids) {
		what = fmt.Sprintf("%s, and the %d likeliest are named", what, len(ids))
		item.Values = sentThen(op, s.side)
	}
	item.Text = fmt.Sprintf("creating %s from %s/%s was cut off, %s", s.end.of, s.r.p.ends[other].of, op.SourceID, what)
	s.r.mayBeMade(item)
	s.ask(op, item)
	return nil
}

// isUnsure reports whether nobody knows if a record was created.
func (r *run) isUnsure(about string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsure[about]
}

// doubts notes that nobody knows whether a record was created.
func (r *run) doubts(op store.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsure == nil {
		r.unsure = map[string]bool{}
	}
	r.unsure[fmt.Sprintf("match %s %s", op.Side.Other(), op.SourceID)] = true
}

func (s *settling) nobodyKnows(op store.Op) {
	s.r.doubts(op)
	s.ask(op, store.Review{Kind: store.ReviewUnknown, Choices: []string{retry, dismissed},
		Text: fmt.Sprintf("creating %s from %s/%s was cut off, and there is no key by which it could be looked up: it is not repeated", s.end.of, s.r.p.ends[s.side.Other()].of, op.SourceID),
		Fix:  "look at " + s.end.conn.spec.Title + ": if the record is not there, retry"})
}

// ask has a person say what became of a create.
func (s *settling) ask(op store.Op, item store.Review) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	s.stand(op, item.Text)
	item.Subject, item.Cause = fmt.Sprintf("match %s %s", s.side.Other(), op.SourceID), cutOff
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, item))
}

// lookUpOthers reads the targets of other operations: what took effect is settled, and what
// did not is planned anew.
func (s *settling) lookUpOthers(ctx context.Context, ops []store.Op) error {
	if len(ops) == 0 {
		return nil
	}
	if s.end.conn.able.Reader == nil {
		for _, op := range ops {
			s.superseded(op)
		}
		return nil
	}
	ids := make([]string, 0, len(ops))
	for _, op := range ops {
		if !slices.Contains(ids, op.TargetID) {
			ids = append(ids, op.TargetID)
		}
	}
	began := time.Now()
	changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, ids)
	if err != nil {
		return fmt.Errorf("read by id: %w", err)
	}
	if err := s.r.stillThere(ctx, s.end, changes); err != nil {
		return err
	}
	byID := make(map[string]connector.Change, len(changes))
	for i, c := range changes {
		byID[ids[i]] = c
	}
	s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: changes, Keys: s.r.keysOf(s.side), Began: began})
	for _, op := range ops {
		c := byID[op.TargetID]
		took := op.Verb == connector.Update && c.Fate == connector.Present && s.shows(c.Fields, op) ||
			op.Verb == connector.Restore && c.Fate == connector.Present ||
			(op.Verb == connector.Delete || op.Verb == connector.Archive) && (c.Fate == connector.Deleted || c.Fate == connector.Archived)
		if op.Verb == verbMerge && (c.Fate == connector.Merged || c.Fate == connector.Deleted || c.Fate == connector.Archived) {
			s.done(op, connector.Result{Ref: remains(op, c)}, nil)
			continue
		}
		if took {
			s.done(op, connector.Result{Ref: record.Ref{Object: op.Target.Name, ID: op.TargetID}, After: &c.Record}, &c.Record)
			continue
		}
		if op.Verb == connector.Update && isHidden(c) && time.Since(op.SentAt) < outOfSight {
			// Decided anew when it is in sight again, our own value would pass for a person's (invariant 6).
			s.postpone(ctx, []store.Op{op}, errOutOfSight)
			continue
		}
		if op.Verb == connector.Update {
			s.buried(op, c)
		}
		s.superseded(op)
	}
	return nil
}

// outOfSight is how long the outcome of an update is asked for whose record is hidden from us: for
// good, it may be, and nothing is to stay in the outbox for good.
const outOfSight = 24 * time.Hour

var errOutOfSight = errors.New("its record is out of sight, so that nobody can tell whether it was written")

// buried journals what an update overruled that may have been written into a record that is
// gone by now, or in which people have changed the same fields again: they saw what was written,
// and nothing tells of the value that it replaced (invariant 7). A field that holds what it did
// before was not written.
func (s *settling) buried(op store.Op, now connector.Change) {
	link, ok := s.links[op.Link]
	if !ok {
		return
	}
	gone := now.Fate == connector.Archived || now.Fate == connector.Deleted
	link.Expected[s.side] = link.Expected[s.side].Clone()
	for _, of := range op.Fields {
		f, _ := s.end.object.Field(of.Wire)
		if now.Fate == connector.Present && f.Same(now.Fields[of.Wire], op.Was[of.Wire]) {
			continue
		}
		s.overruled(&link, op, of, op.Set[of.Wire])
		if _, agreed := link.Base[s.side][of.Key]; gone && agreed {
			if link.Expected[s.side] == nil {
				link.Expected[s.side] = record.Fields{}
			}
			link.Expected[s.side][of.Key] = op.Set[of.Wire] // should it come back, that is no edit (R2)
		}
	}
	if gone {
		s.facts.Links = append(s.facts.Links, link)
	}
}

// shows reports whether a record shows that an update took effect, be it in part: one field
// that holds what was sent, and did not before, is enough. Of the others, those that hold
// what they did are written again, and the rest was changed by people since.
func (s *settling) shows(have record.Fields, op store.Op) bool {
	for name, v := range op.Set {
		f, _ := s.end.object.Field(name)
		if f.Echoes(have[name], v) && !f.Echoes(op.Was[name], v) {
			return true
		}
	}
	for _, of := range s.r.p.fieldsOf(op) {
		if s.halfWritten(op, of, have[of.Wire]) {
			return true
		}
	}
	return s.end.holds(have, op.Set)
}

// duplicated is R17: the vendor says that the record, or a value of it, exists already.
func (s *settling) duplicated(ctx context.Context, op store.Op, e *connector.Error) {
	if op.Verb != connector.Create {
		s.invalid(ctx, op, &connector.Error{Kind: connector.Invalid, Field: e.Field, Err: e,
			Fix: "another record holds the same value; if both are the same, merge them at the vendor"})
		return
	}
	other := s.side.Other()
	existing, ok, err := s.existing(ctx, op, e)
	fits := false
	if err == nil && ok {
		fits, err = s.couldBe(ctx, op, existing)
	}
	if err != nil {
		// Nothing was created, and nothing can be said yet: try again later.
		s.later(op, store.OpReady, time.Now().Add(backoff(op.Attempts, connector.ErrorOf(err).Wait)), err)
		return
	}
	if fits {
		// It is in the mirror now; planning finds it by its key and links it.
		s.superseded(op)
		return
	}
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	what := "another record"
	if ok {
		what = s.end.of.String() + "/" + existing.ID
	}
	why := fmt.Sprintf("%s holds a value that must be unique: %v", what, e.Err)
	s.stand(op, why)
	item := store.Review{Kind: store.ReviewDuplicate, Subject: fmt.Sprintf("match %s %s", other, op.SourceID), Field: e.Field, Cause: general(op, fmt.Sprint(e.Err)),
		Text: fmt.Sprintf("%s/%s%s cannot be created in %s: %s", s.r.p.ends[other].of, op.SourceID, called(s.source(ctx, op)), s.end.of, why),
		Fix:  fixOr(e, "merge the duplicates at the vendor, or change the value on one side"), Choices: []string{"retry", "dismiss"}}
	if ok {
		item.Candidates = []string{existing.ID}
	}
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, item))
}

// existing brings the record that a create collided with into the mirror.
func (s *settling) existing(ctx context.Context, op store.Op, e *connector.Error) (record.Record, bool, error) {
	began := time.Now()
	var found []connector.Change
	if e.Existing.ID != "" && s.end.conn.able.Reader != nil {
		changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, []string{e.Existing.ID})
		if err != nil {
			return record.Record{}, false, fmt.Errorf("read %s/%s: %w", s.end.of, e.Existing.ID, err)
		}
		if len(changes) == 1 && changes[0].Fate == connector.Present {
			found = changes
		}
	} else if f, v := s.findable(op); f.Name != "" && s.end.conn.able.Finder != nil {
		recs, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, f.Name, []string{v})
		if err != nil {
			return record.Record{}, false, fmt.Errorf("find by %s: %w", f.Name, err)
		}
		if len(recs) == 1 {
			found = []connector.Change{{Record: recs[0]}}
		}
	}
	if len(found) == 0 {
		return record.Record{}, false, nil
	}
	s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: found, Keys: s.r.keysOf(s.side), Began: began})
	return found[0].Record, true, nil
}

// couldBe reports whether a record is unlinked and equal to the source on a match key.
func (s *settling) couldBe(ctx context.Context, op store.Op, existing record.Record) (bool, error) {
	links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, s.side, []string{existing.ID})
	if err != nil {
		return false, fmt.Errorf("load the link of %s/%s: %w", s.end.of, existing.ID, err)
	}
	if l, ok := links[existing.ID]; ok && l.Closed == "" {
		return false, nil
	}
	other := s.side.Other()
	theirs := s.r.p.Mapping.Keys(s.side, existing.Fields)
	for i, k := range s.r.p.Mapping.Keys(other, s.source(ctx, op)) {
		if k.Value != "" && !k.Free && theirs[i].Value == k.Value {
			return true, nil
		}
	}
	return false, nil
}
