package dolibarr

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// statusName is the wire name of the state that calls of its own change, and draft the
// state in which a paper is made.
const (
	statusName = "status"
	draft      = "0"
)

// A move is one call that changes the status of a paper. The bodies are those that were
// recorded, or name the one parameter that the API's own description has: an empty one is
// refused where a call has a single parameter (recorded). Where a call can be made without
// triggers it is, because with them the module Notification may mail the customer (C8).
type move struct {
	from, to string
	call     string
	body     map[string]any
}

func proposalMoves() []move {
	closing := func(status int) map[string]any {
		return map[string]any{"status": status, "note_private": "", "notrigger": 1}
	}
	return []move{
		{"0", "1", "validate", map[string]any{"notrigger": 1}},
		{"1", "2", "close", closing(2)},
		{"1", "3", "close", closing(3)},
		{"2", "4", "setinvoiced", map[string]any{}},
		{"1", "0", "settodraft", map[string]any{}},
		{"2", "0", "settodraft", map[string]any{}},
		{"3", "0", "settodraft", map[string]any{}},
	}
}

func orderMoves() []move {
	return []move{
		{"0", "1", "validate", map[string]any{"idwarehouse": 0, "notrigger": 1}},
		{"1", "3", "close", map[string]any{"notrigger": 1}},
		{"2", "3", "close", map[string]any{"notrigger": 1}},
		{"3", "1", "reopen", map[string]any{}},
		{"1", "0", "settodraft", map[string]any{"idwarehouse": -1}},
	}
}

func invoiceMoves() []move {
	return []move{
		{"0", "1", "validate", map[string]any{"idwarehouse": 0, "notrigger": 1}},
		{"1", "2", "settopaid", map[string]any{}},
		{"2", "1", "settounpaid", map[string]any{}},
		{"1", "0", "settodraft", map[string]any{"idwarehouse": -1}},
	}
}

// way returns the shortest row of moves between two states. It never leads through a
// draft: what was validated is not opened for changes only to get elsewhere.
func way(moves []move, from, to string) ([]move, bool) {
	type stop struct {
		at   string
		path []move
	}
	seen := map[string]bool{from: true}
	for queue := []stop{{at: from}}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if s.at == to {
			return s.path, true
		}
		if s.at == draft && s.at != from {
			continue
		}
		for _, m := range moves {
			if m.from == s.at && !seen[m.to] {
				seen[m.to] = true
				queue = append(queue, stop{m.to, append(slices.Clone(s.path), m)})
			}
		}
	}
	return nil, false
}

// wayFor returns the moves that a write of the status asks for.
func (o object) wayFor(from string, v record.Value) ([]move, error) {
	path, ok := way(o.moves, from, v.Text())
	if ok {
		return path, nil
	}
	f, _ := known(o.fields, statusName)
	e := &connector.Error{
		Kind: connector.Invalid, Field: statusName,
		Err: fmt.Errorf("it cannot become %s while it is %s", f.label(v.Text()), f.label(from)),
		Fix: "change the status in Dolibarr",
	}
	if _, ok := way(o.moves, from, draft); ok && from != draft {
		e.Fix = "set it back to draft first, or change the status in Dolibarr"
	}
	return nil, e
}

// label returns what people call a choice.
func (f field) label(value string) string {
	i := slices.IndexFunc(f.Choices, func(c record.Choice) bool { return c.Value == value })
	if i < 0 {
		return fmt.Sprintf("%q", value)
	}
	return f.Choices[i].Label
}

// move makes the calls one after the other.
func (c *conn) move(ctx context.Context, o object, id string, path []move) error {
	for _, m := range path {
		call := rest.Call{Method: http.MethodPost, Path: o.path + "/" + url.PathEscape(id) + "/" + m.call, Body: m.body}
		if _, err := c.api.Do(ctx, call); err != nil {
			e := connector.ErrorOf(err)
			if e.Kind == connector.Invalid && e.Fix == "" {
				of := *e
				of.Fix = "see in Dolibarr why it cannot be done: " + m.call
				err = &of
			}
			return named(err, statusName)
		}
	}
	return nil
}
