package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A settling turns the answers to one batch into facts.
type settling struct {
	r     *run
	side  record.Side // the side that is written
	end   end
	ops   []store.Op
	rows  [2]map[string]store.Row // without their fields
	links map[int64]store.Link

	owners  map[string]store.Row // the copies of members (R26)
	keyless []store.Op           // creates that are looked up among what was made since; see fill
	likely  map[int64]*alikeness // what resembles the outcome of a create; see alike

	settled []store.Settlement
	facts   store.Facts
	pages   []connector.Change          // answers for the mirror
	at      time.Time                   // when the write was answered
	late    bool                        // the answers are looked up: people may have edited since the write (R2)
	own     []string                    // records whose row is as our write left it
	waited  bool                        // the vendor tells the outcome some time after the write (R36)
	ended   map[string]connector.Change // what was read back and is not there any more, by id
	stop    error                       // ends the run: the whole object or connection is affected
}

func (r *run) newSettling(ctx context.Context, side record.Side, ops []store.Op) (*settling, error) {
	s := &settling{r: r, side: side, end: r.p.ends[side], ops: ops, facts: store.Facts{Sync: r.p.Name}}
	var links []int64
	for _, op := range ops {
		if op.Link != 0 {
			links = append(links, op.Link)
		}
		for _, f := range op.Fields {
			if f.Link != 0 {
				links = append(links, f.Link)
			}
		}
	}
	var err error
	if s.links, err = r.e.store.LinksByID(ctx, links); err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	if err := s.loadOwners(ctx); err != nil {
		return nil, err
	}
	return s, s.loadRows(ctx)
}

func (s *settling) loadRows(ctx context.Context) error {
	var targets, sources []string
	for _, op := range s.ops {
		sources = append(sources, op.SourceID)
		if op.TargetID != "" {
			targets = append(targets, op.TargetID)
		}
	}
	other := s.side.Other()
	var err error
	if s.rows[s.side], err = s.r.e.store.Heads(ctx, s.end.of, targets); err != nil {
		return fmt.Errorf("load targets: %w", err)
	}
	if s.rows[other], err = s.r.e.store.Heads(ctx, s.r.p.ends[other].of, sources); err != nil {
		return fmt.Errorf("load sources: %w", err)
	}
	return nil
}

// fresh reads old targets again, and those of merges, of which no vendor takes a condition, in any
// case, as those that a lagging index has shown (R4), and sends back to planning whatever was decided from another state than the present
// one (R27).
func (s *settling) fresh(ctx context.Context) error {
	var old []string
	for _, op := range s.ops {
		row, ok := s.rows[s.side][op.TargetID]
		if ok && op.Verb != connector.Create && (op.Verb == verbMerge || s.end.object.ReadLag > 0 || time.Since(row.ReadAt) > freshFor) {
			old = append(old, op.TargetID)
		}
	}
	if (len(old) > 0 || slices.ContainsFunc(s.ops, s.takesChildren)) && s.end.conn.able.Reader != nil {
		rd := reading{end: s.end, fields: s.r.p.wire[s.side], keys: s.r.keysOf(s.side)}
		err := s.readKin(ctx)
		if err == nil {
			err = s.r.readByID(ctx, &rd, old)
		}
		if err != nil {
			for _, op := range s.ops {
				s.failed(ctx, op, err)
			}
			s.ops = nil
			return nil
		}
		if err := s.loadRows(ctx); err != nil {
			return err
		}
	}
	paired, err := s.paired(ctx)
	if err != nil {
		return err
	}
	kept := s.ops[:0]
	for _, op := range s.ops {
		still, err := s.freshChildren(ctx, op)
		if err != nil {
			s.failed(ctx, op, err)
			continue
		}
		still = still && !paired[op.ID]
		if s.moved(op) || !still {
			s.superseded(op)
			continue
		}
		kept = append(kept, op)
	}
	if s.stop != nil { // nothing of what came with it is written either
		for _, op := range kept {
			s.later(op, store.OpReady, time.Now(), s.stop)
		}
		kept = nil
	}
	s.ops = kept
	return nil
}

// source returns the fields of the record that an operation comes from; none if they cannot
// be had now.
func (s *settling) source(ctx context.Context, op store.Op) record.Fields {
	rows, err := s.r.e.store.Rows(ctx, s.r.p.ends[s.side.Other()].of, []string{op.SourceID})
	if err != nil {
		return nil // it is wanted for a name in a sentence, or for a key that then is none
	}
	return rows[op.SourceID].Fields
}

func (s *settling) moved(op store.Op) bool {
	other := s.side.Other()
	return op.Seen[other] != 0 && s.rows[other][op.SourceID].Seq != op.Seen[other] ||
		op.TargetID != "" && s.rows[s.side][op.TargetID].Seq != op.Seen[s.side]
}

// superseded takes an operation out of the outbox unsent and has its record planned anew.
func (s *settling) superseded(op store.Op) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	s.again(op)
}

func (s *settling) again(op store.Op) {
	if anew(op) {
		return // it comes from no record
	}
	if correctsAlone(op) {
		s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side, ID: op.TargetID})
		return
	}
	s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side.Other(), ID: op.SourceID})
}

// write sends the batch and settles what came of each operation.
func (s *settling) write(ctx context.Context) {
	if s.ops[0].Verb == verbMerge {
		s.fold(ctx)
		return
	}
	ops := wireOps(s.ops)
	results, err := s.send(ctx, ops)
	s.at = time.Now().Truncate(time.Microsecond)
	if err == nil && len(results) != len(ops) {
		err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeObject,
			Err: fmt.Errorf("%s answered %d of %d operations", s.end.conn.spec.Title, len(results), len(ops))}
	}
	if err != nil {
		for _, op := range s.ops {
			s.failed(ctx, op, err)
		}
		return
	}
	s.results(ctx, results)
}

// wireOps are operations as a connector is given them.
func wireOps(ops []store.Op) []connector.Op {
	out := make([]connector.Op, len(ops))
	for i, op := range ops {
		out[i] = connector.Op{Key: op.Key, Verb: op.Verb, Ref: record.Ref{Object: op.Target.Name, ID: op.TargetID},
			IfVersion: op.IfVersion, Set: op.Set, Was: op.Was}
	}
	return out
}

// send hands operations to the vendor, if the connection writes at all (C2).
func (s *settling) send(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if w := s.end.conn.able.Writer; w != nil {
		return w.Write(ctx, ops)
	}
	return nil, &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject,
		Err: fmt.Errorf("%s takes no writes", s.end.conn.spec.Title)}
}

// setByUs are the fields that the batch has written, by record.
func (s *settling) setByUs() map[string][]string {
	out := make(map[string][]string, len(s.ops))
	for _, op := range s.ops {
		if op.TargetID != "" {
			out[op.TargetID] = op.Set.Names()
		}
	}
	return out
}

// finish stores what the batch came to, all in one transaction (invariant 3).
func (s *settling) finish(ctx context.Context) error {
	if len(s.pages) > 0 {
		s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: s.pages, Keys: s.r.keysOf(s.side), Began: s.at, Own: true, OwnOf: s.r.p.Name, Wrote: s.setByUs()})
	}
	s.r.note(s.facts)
	s.r.remember(s.side, s.own, s.at)
	if err := s.r.commits.settle(ctx, s.r.e.store, s.settled, s.facts); err != nil {
		return fmt.Errorf("settle operations: %w", err)
	}
	return nil
}
