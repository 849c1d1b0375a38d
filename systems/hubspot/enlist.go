package hubspot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// What a list's processingType can be: a person puts contacts on a manual one, and on a
// snapshot once it is taken; who is on a dynamic one HubSpot decides by its filters. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide#list-processing-types
const (
	listManual   = "MANUAL"
	listSnapshot = "SNAPSHOT"
)

// enlisting is the part of an operation that is the field of lists.
type enlisting struct {
	*writing
	on        []string // before
	add, drop []string
}

// A roster is what is to be changed on one list, and for whom.
type roster struct {
	list string
	memberChange
	rows []*enlisting
}

// enlist puts contacts on lists and takes them off. A list that does not take that is a
// refusal of the field; the others are written all the same, since the field is merged per
// element (R12), and the answer shows where the contact is then (R2).
func (c *conn) enlist(ctx context.Context, d *definitions, rows []*writing) {
	if _, ok := d.fields[fieldLists]; !ok {
		return
	}
	var all []*enlisting
	var ids []string
	for _, w := range rows {
		if _, ok := w.op.Set[fieldLists]; ok && w.result.Err == nil {
			all = append(all, &enlisting{writing: w})
			if w.op.Verb == connector.Update { // a new contact is on no list
				ids = append(ids, w.op.Ref.ID)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	on, err := c.memberships(ctx, d, ids)
	if err != nil {
		for _, w := range all {
			w.unlisted(err)
		}
		return
	}
	for _, r := range c.rosters(ctx, all, on) {
		if err := c.changeList(ctx, r); err != nil {
			for _, w := range r.rows {
				w.refuse(r.list, err)
			}
		}
	}
	for _, w := range all {
		w.enlisted()
	}
}

// rosters decides what is to be changed, list by list, and refuses what cannot be.
func (c *conn) rosters(ctx context.Context, all []*enlisting, on map[string][]string) []*roster {
	var touched []string
	for _, w := range all {
		w.on = on[w.op.Ref.ID]
		want, was := refIDs(w.op.Set[fieldLists]), refIDs(w.op.Was[fieldLists])
		w.add = without(want, w.on)
		w.drop = without(intersect(was, w.on), want)
		touched = appendNew(appendNew(touched, w.add...), w.drop...)
	}
	found, err := c.readLists(ctx, touched)
	if err != nil {
		for _, w := range all {
			w.add, w.drop = nil, nil
			w.unlisted(err)
		}
		return nil
	}
	out := map[string]*roster{}
	for _, list := range found {
		why := unwritable(list)
		for _, w := range all {
			adds, drops := slices.Contains(w.add, list.ID), slices.Contains(w.drop, list.ID)
			switch {
			case !adds && !drops:
				continue
			case why != nil:
				w.refuse(list.ID, why)
				continue
			case out[list.ID] == nil:
				out[list.ID] = &roster{list: list.ID, memberChange: memberChange{Add: []string{}, Remove: []string{}}}
			}
			r := out[list.ID]
			if r.rows = append(r.rows, w); adds {
				r.Add = append(r.Add, w.result.Ref.ID)
			} else {
				r.Remove = append(r.Remove, w.result.Ref.ID)
			}
		}
	}
	return slices.SortedFunc(maps.Values(out), func(x, y *roster) int { return byID(x.list, y.list) })
}

// unwritable says why nobody can be put on a list or taken off it; nil if that can be.
func unwritable(list connector.Change) error {
	e := &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: fieldLists}
	name, kind := list.Fields["name"].Text(), list.Fields["processingType"].Text()
	switch {
	case list.Fate != connector.Present:
		e.Err = errors.New("the list is not in HubSpot any more")
	case kind != listManual && kind != listSnapshot:
		e.Err = fmt.Errorf("%q is an active list: HubSpot itself decides by its filters who is on it", name)
		e.Fix = "use a static list, or change what the list filters by"
	default:
		return nil
	}
	return e
}

// changeList changes who is on a list. Who is on it already, or off it, is passed over; up to
// 100,000 records can be named; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/memberships/update-list-memberships
// A list that was converted meanwhile refuses all of it.
func (c *conn) changeList(ctx context.Context, r *roster) error {
	var answer memberAnswer
	_, err := c.do(ctx, rest.Call{
		Method: http.MethodPut, Path: c.path(areaLists, r.list, "memberships", "add-and-remove"), Body: r.memberChange, Into: &answer,
	})
	if err != nil {
		return fmt.Errorf("change list %s: %w", r.list, err)
	}
	for _, w := range r.rows {
		if slices.Contains(answer.Missing, flexID(w.result.Ref.ID)) {
			w.refuse(r.list, &connector.Error{
				Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: fieldLists, Err: errors.New("HubSpot says that the contact is not there"),
			})
		}
	}
	return nil
}

// refuse notes that one list was not changed. What may work the next time is the operation's
// error, as with associations, except for a record that was just made: it is there, and the
// field is owed.
func (w *enlisting) refuse(list string, err error) {
	one := []string{list}
	w.add, w.drop = without(w.add, one), without(w.drop, one)
	w.unlisted(fmt.Errorf("list %s: %w", list, err))
}

func (w *enlisting) unlisted(err error) {
	if w.result.Err != nil {
		return
	}
	if !lasting(connector.KindOf(err)) && w.op.Verb == connector.Update {
		w.result.After, w.result.Err = nil, connector.ErrorOf(err)
		return
	}
	w.result.Refused = append(w.result.Refused, connector.Refuse(fieldLists, err))
}

// enlisted notes on which lists the contact is now.
func (w *enlisting) enlisted() {
	if w.result.Err != nil {
		return
	}
	if w.result.After == nil {
		w.result.After = &record.Record{Ref: w.op.Ref, Fields: record.Fields{}}
	}
	now := append(without(w.on, w.drop), w.add...)
	slices.SortFunc(now, byID)
	w.result.After.Fields[fieldLists] = record.Texts(now...)
}
