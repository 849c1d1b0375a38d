package jsonl

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// An Entry is one line of the journal.
type Entry struct {
	ID     int64           `json:"id"` // the change's number, to revert it by
	At     time.Time       `json:"at"`
	Run    string          `json:"run,omitempty"`
	Sync   string          `json:"sync,omitempty"`
	Side   string          `json:"side"`
	Object string          `json:"object,omitempty"`
	Record string          `json:"record,omitempty"`
	Kind   store.EntryKind `json:"kind"`
	Field  string          `json:"field,omitempty"`
	Old    record.Value    `json:"old"`
	New    record.Value    `json:"new"`
	Set    record.Fields   `json:"set,omitempty"`
	Why    string          `json:"why,omitempty"`
	By     string          `json:"by,omitempty"`
}

// Queries understands what part of the journal is asked for: a record (erp.contacts/12), an object
// (erp.contacts), a connection, a sync, a run (r12) or a record's id; "" is all of it. It takes the most
// particular reading that fits the plan. A bare id may be that of several objects.
func Queries(p *plan.Plan, word string, q store.HistoryQuery) ([]store.HistoryQuery, error) {
	of, id, hasID := strings.Cut(word, "/")
	connection, object, hasObject := strings.Cut(of, ".")
	named := store.Object{Connection: connection, Name: object}
	_, isSync := p.Sync(word)
	_, isConnection := p.Connection(word)
	run, isRun := engine.ParseRun(word)
	switch {
	case word == "":
	case hasID && hasObject:
		if err := CheckObject(p, named); err != nil {
			return nil, err
		}
		q.Connection, q.Object, q.Record = connection, object, id
	case isSync:
		q.Sync = word
	case hasObject && CheckObject(p, named) == nil:
		q.Connection, q.Object = connection, object
	case isConnection:
		q.Connection = word
	case isRun:
		q.Run = run
	default:
		return everywhere(p, q, word), nil
	}
	return []store.HistoryQuery{q}, nil
}

// Journal answers several queries as one: no line twice, oldest first, the newest limit.
func Journal(ctx context.Context, s *store.Store, queries []store.HistoryQuery, limit int) ([]store.Entry, error) {
	var all []store.Entry
	for _, q := range queries {
		found, err := s.History(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("load history: %w", err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b store.Entry) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b store.Entry) bool { return a.ID == b.ID })
	return all[max(0, len(all)-limit):], nil
}

// everywhere looks for a word in every object that a sync names: as the object's own name
// if it is one, else as a record's id.
func everywhere(p *plan.Plan, q store.HistoryQuery, word string) []store.HistoryQuery {
	var named, ids []store.HistoryQuery
	for _, end := range Ends(p) {
		q.Connection, q.Object, q.Record = end.Connection, end.Object, ""
		if end.Object == word {
			named = append(named, q)
		}
		q.Record = word
		ids = append(ids, q)
	}
	if len(named) > 0 {
		return named
	}
	return ids
}

// OfEntry tells a line of the journal.
func OfEntry(e store.Entry) Entry {
	line := Entry{
		ID: e.ID, At: e.At, Sync: e.Sync, Side: e.Side.String(), Record: e.Record, Kind: e.Kind, Field: e.Field,
		Old: e.Old, New: e.New, Set: e.Set, Why: e.Why, By: e.By,
	}
	if e.Of != (store.Object{}) {
		line.Object = e.Of.String()
	}
	if e.Run != 0 {
		line.Run = engine.RunName(e.Run)
	}
	return line
}
