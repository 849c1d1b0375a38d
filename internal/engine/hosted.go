package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// The vendor of a hosted object comes to us (C6). A run neither reads nor writes it: it plans
// against what the vendor's visits have brought, leaves operations in the outbox to be fetched,
// and settles what the vendor has said of those that it fetched. visit.go is the other half.

// hosted reports whether the vendor brings and fetches the records of an end by itself.
func (e end) hosted() bool { return e.object.Hosted && e.conn.able.Host != nil }

// partedHosts says which hosted objects are kept in parts. A vendor that visits brings one object in
// one order, and a part of it would be taken for all.
func (e *Engine) partedHosts(ctx context.Context) plan.Problems {
	var problems plan.Problems
	for _, p := range e.syncs {
		for _, end := range p.ends {
			if end.conn.able.Partitioner == nil || !end.hosted() {
				continue
			}
			parts, err := end.conn.able.Partitioner.Partitions(ctx, end.of.Name)
			if err != nil || len(parts) == 0 || len(parts) == 1 && parts[0] == "" {
				continue // whoever cannot tell has none to bring
			}
			problems = append(problems, plan.Problem{File: e.plan.File, Line: p.Line, Text: fmt.Sprintf("sync %s: %s is brought by %s itself and is kept in parts (%s), "+
				"which is not supported: connect each of the parts by itself", p.Name, end.of, end.conn.spec.Title, strings.Join(parts, ", "))})
		}
	}
	return problems
}

// awaitVisit is pull for a hosted side: it may be planned against once its vendor has brought
// all that is wanted (R15).
func (r *run) awaitVisit(ctx context.Context, side record.Side) error {
	end := r.p.ends[side]
	feed, err := r.e.store.Feed(ctx, end.of, "", store.FeedChanges)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	brought := !feed.ListedAt.IsZero() && covers(feed.Fields, r.p.wire[side])
	r.listed[side].Store(brought)
	r.wake()
	return nil
}

// brought reports whether the run knows both sides to the end.
func (r *run) brought() bool { return r.listed[record.Left].Load() && r.listed[record.Right].Load() }

// visitGaps says what the run had to do without (R38).
func (r *run) visitGaps() []string {
	var gaps []string
	for _, side := range record.Sides() {
		end := r.p.ends[side]
		if end.hosted() && !r.listed[side].Load() {
			gaps = append(gaps, fmt.Sprintf("%s has yet to be brought by %s, all of it", end.of, end.conn.spec.Title))
		}
	}
	return gaps
}

// leaveToVisits takes the operations out that a vendor has yet to fetch, or to speak about: no
// run can bring them forward. It counts them.
func (r *run) leaveToVisits(ops []store.Op) []store.Op {
	kept := make([]store.Op, 0, len(ops))
	r.visits = 0
	for _, op := range ops {
		if r.p.ends[op.Side].hosted() && op.State != store.OpPending {
			r.visits++
			continue
		}
		kept = append(kept, op)
	}
	return kept
}

// unseen leaves in those operations of unknown outcome that can be looked up. On a hosted side
// an operation is fetched again until the vendor tells its outcome. What cannot be fetched
// again is looked up in the mirror, once the vendor has brought its news since: creates that
// it would not know again, and everything after a restore (R16, R34).
func (r *run) unseen(ctx context.Context, side record.Side, ops []store.Op) ([]store.Op, error) {
	end := r.p.ends[side]
	if !end.hosted() || len(ops) == 0 {
		return ops, nil
	}
	feed, err := r.e.store.Feed(ctx, end.of, "", store.FeedChanges)
	if err != nil {
		return nil, fmt.Errorf("load feed: %w", err)
	}
	_, keyed := end.object.Key()
	var due []store.Op
	for _, op := range ops {
		switch {
		case r.restored != nil && !feed.ListedAt.After(r.restored.At), !feed.Polled.After(op.SentAt):
		case r.restored != nil, op.Verb == connector.Create && !keyed:
			due = append(due, op)
		}
	}
	return due, nil
}

// A told is a vendor's word about an operation, as it waits in the outbox for the next run.
type told struct {
	At      time.Time           `json:"at"`
	Ref     record.Ref          `json:"ref"`
	Version string              `json:"version,omitempty"`
	After   *record.Record      `json:"after,omitempty"`
	Refused []connector.Refusal `json:"refused,omitempty"`
	Err     *toldError          `json:"err,omitempty"`
}

type toldError struct {
	Kind     connector.Kind  `json:"kind"`
	Scope    connector.Scope `json:"scope,omitempty"`
	Wait     time.Duration   `json:"wait,omitempty"`
	Field    string          `json:"field,omitempty"`
	Existing record.Ref      `json:"existing"`
	Fix      string          `json:"fix,omitempty"`
	Text     string          `json:"text"`
}

func encodeTold(res connector.Result, at time.Time) (string, error) {
	t := told{At: at, Ref: res.Ref, Version: res.Version, After: res.After, Refused: res.Refused}
	if res.Err != nil {
		e := connector.ErrorOf(res.Err)
		t.Err = &toldError{Kind: e.Kind, Scope: e.Scope, Wait: e.Wait, Field: e.Field, Existing: e.Existing, Fix: e.Fix, Text: e.Error()}
		if e.Err != nil {
			t.Err.Text = e.Err.Error()
		}
	}
	b, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode the outcome: %w", err)
	}
	return string(b), nil
}

// result is what the vendor said of op. Where it showed no record, it holds what it was given.
func (t told) result(op store.Op) connector.Result {
	res := connector.Result{Ref: t.Ref, Version: t.Version, After: t.After, Refused: t.Refused}
	if t.Err != nil {
		res.Err = &connector.Error{Kind: t.Err.Kind, Scope: t.Err.Scope, Wait: t.Err.Wait, Field: t.Err.Field,
			Existing: t.Err.Existing, Fix: t.Err.Fix, Err: errors.New(t.Err.Text)}
		return res
	}
	if op.Verb != connector.Create && op.Verb != connector.Update {
		return res
	}
	after := record.Record{Ref: res.Ref, Version: res.Version}
	if res.After != nil {
		after = *res.After
	}
	after.Fields = after.Fields.Clone()
	if after.Fields == nil {
		after.Fields = record.Fields{}
	}
	for name, v := range op.Set {
		if _, shown := after.Fields[name]; !shown && !refused(res, name) {
			after.Fields[name] = v
		}
	}
	res.After = &after
	return res
}

// settleTold settles what the vendor has said of operations that it fetched. Those it spoke of
// at one time are a batch.
func (r *run) settleTold(ctx context.Context, side record.Side, ops []store.Op) (int, error) {
	for n := 0; n < len(ops); {
		var words []told
		for n+len(words) < len(ops) && len(words) < planBatch {
			t, err := decodeTold(ops[n+len(words)])
			if err != nil {
				return n, err
			}
			if len(words) > 0 && !t.At.Equal(words[0].At) {
				break
			}
			words = append(words, t)
		}
		if err := r.believe(ctx, side, ops[n:n+len(words)], words); err != nil {
			return n, err
		}
		n += len(words)
	}
	return len(ops), nil
}

// believe settles a batch. The vendor carried an operation out some time between giving it out
// and its word, and what its visits brought may be older or newer than that.
func (r *run) believe(ctx context.Context, side record.Side, ops []store.Op, words []told) error {
	ids := make([]string, len(ops))
	for i, op := range ops {
		if ids[i] = op.TargetID; op.Verb == connector.Create {
			ids[i] = words[i].Ref.ID
		}
	}
	rows, err := r.e.store.Rows(ctx, r.p.ends[side].of, ids)
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	plain := word{at: words[0].At}
	shown := word{at: words[0].At, late: true}
	var outdated []store.Op
	for i, op := range ops {
		row, known := rows[ids[i]]
		moved := known && (op.Verb == connector.Create || op.Verb == connector.Update && row.Seq != op.Seen[side])
		switch res := words[i].result(op); {
		case res.Err != nil || !moved:
			plain.add(op, res)
		case op.Verb == connector.Create || row.ReadAt.After(words[i].At):
			// What was brought shows the record as it was after that, people's edits included (R2).
			// It is in the mirror already: a page from before it changes nothing (R3).
			res.After, res.Version = &row.Record, row.Version
			if op.SentAt.Before(shown.at) {
				shown.at = op.SentAt
			}
			shown.add(op, res)
		default:
			outdated = append(outdated, op) // R27: nobody can tell what came first; decided anew
		}
	}
	for _, w := range []word{plain, shown} {
		if err := r.settleWord(ctx, side, w); err != nil {
			return err
		}
	}
	s, err := r.newSettling(ctx, side, outdated)
	if err != nil {
		return err
	}
	for _, op := range outdated {
		s.superseded(op)
	}
	return s.finish(ctx)
}

// A word is what is settled in one go.
type word struct {
	at      time.Time
	late    bool
	ops     []store.Op
	results []connector.Result
}

func (w *word) add(op store.Op, res connector.Result) {
	w.ops, w.results = append(w.ops, op), append(w.results, res)
}

func (r *run) settleWord(ctx context.Context, side record.Side, w word) error {
	if len(w.ops) == 0 {
		return nil
	}
	s, err := r.newSettling(ctx, side, w.ops)
	if err != nil {
		return err
	}
	s.at, s.waited, s.late = w.at, true, w.late
	s.results(ctx, w.results)
	if err := s.finish(ctx); err != nil {
		return err
	}
	return s.stop
}

func decodeTold(op store.Op) (told, error) {
	var t told
	if err := json.Unmarshal([]byte(op.Pending), &t); err != nil {
		return t, fmt.Errorf("decode the outcome of operation %d: %w", op.ID, err)
	}
	return t, nil
}

// remembered returns what the vendor's visits have brought: it cannot be asked.
func (v *verifier) remembered(ctx context.Context, side record.Side, ids []string) (map[string]seen, error) {
	rows, err := v.r.e.store.Rows(ctx, v.r.p.ends[side].of, ids)
	if err != nil {
		return nil, fmt.Errorf("load rows: %w", err)
	}
	all := make(map[string]seen, len(rows))
	for id, row := range rows {
		all[id] = seen{connector.Change{Record: row.Record, Fate: row.Fate, Into: row.Into}, row.ReadAt}
	}
	return all, nil
}
