package hubspot

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#limits
	maxAssociationReads = 1000
	maxAssociations     = 100 // of a batch of ours; HubSpot takes 2,000, and 100 for archive

	definedByHubSpot = "HUBSPOT_DEFINED"
	definedByUser    = "USER_DEFINED"
)

type association struct {
	To    idInput           `json:"to"`
	Types []associationType `json:"types"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

func (l link) kind() associationType {
	return associationType{Category: cmp.Or(l.category, definedByHubSpot), ID: l.typ}
}

// associationRead asks for the associations of a record, from a place on if they are many.
type associationRead struct {
	ID    string `json:"id"`
	After string `json:"after,omitempty"`
}

type associationInput struct {
	From  idInput           `json:"from"`
	To    idInput           `json:"to"`
	Types []associationType `json:"types"`
}

type archiveInput struct {
	From idInput   `json:"from"`
	To   []idInput `json:"to"`
}

type associationBatch struct {
	Results []struct {
		From   idInput      `json:"from"`
		To     []associated `json:"to"`
		Paging *paging      `json:"paging"`
	} `json:"results"`
	Errors []failure `json:"errors"`
}

type associated struct {
	ID    flexID  `json:"toObjectId"`
	Types []label `json:"associationTypes"`
}

// bears reports whether an association is of the type that we write.
func (a associated) bears(l link) bool {
	return slices.ContainsFunc(a.Types, func(t label) bool { return t.kind() == l.kind() })
}

// labelled reports whether an association has a label of the customer's.
func (a associated) labelled() bool {
	return slices.ContainsFunc(a.Types, func(t label) bool { return t.Category == definedByUser && t.Label != "" })
}

// others are the records with which one is associated.
type others struct {
	bearing []string // by the type that we write, in the order of their ids
	rest    []string // by other types only
	named   []string // those of bearing whose association has a label of the customer's, too
}

// one returns the record that a field with one value shows. Where HubSpot marks none as
// the main one it is that with the lowest id, so that it does not change by chance.
func (o others) one(l link) string {
	switch {
	case len(o.bearing) > 0:
		return o.bearing[0]
	case len(o.rest) > 0 && !l.primary:
		return o.rest[0]
	}
	return ""
}

// all returns all of them.
func (o others) all() []string {
	ids := slices.Concat(o.bearing, o.rest)
	slices.SortFunc(ids, byID)
	return ids
}

// value is what the field of the association shows.
func (o others) value(l link) record.Value {
	if l.many {
		return record.Texts(o.all()...)
	}
	return record.Text(o.one(l))
}

// with returns what remains of them after an association was made and others were taken
// away.
func (o others) with(add, drop []string) others {
	gone := func(id string) bool { return slices.Contains(drop, id) || slices.Contains(add, id) }
	out := others{
		bearing: slices.DeleteFunc(slices.Clone(o.bearing), gone),
		rest:    slices.DeleteFunc(slices.Clone(o.rest), gone),
	}
	out.bearing = append(out.bearing, add...)
	slices.SortFunc(out.bearing, byID)
	return out
}

// byID orders ids as the numbers that they are.
func byID(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX != nil || errY != nil {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(x, y)
}

// associationsPath is where the associations of an object with another are.
func (c *conn) associationsPath(object, to, call string) string {
	return c.path(areaAssociations, object, to, "batch", call)
}

// associations reads with what records of another object some are associated; those with
// nothing are left out.
func (c *conn) associations(ctx context.Context, object, to string, ids []string) (map[string][]associated, error) {
	out := make(map[string][]associated, len(ids))
	todo := make([]associationRead, 0, len(ids))
	for _, id := range ids {
		todo = append(todo, associationRead{ID: id})
	}
	for len(todo) > 0 {
		part := todo[:min(len(todo), maxAssociationReads)]
		todo = todo[len(part):]
		var answer associationBatch
		_, err := c.read(ctx, rest.Call{
			Method: http.MethodPost, Path: c.associationsPath(object, to, "read"), Body: inputs[associationRead]{part}, Into: &answer,
		})
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", to, object, err)
		}
		for _, f := range answer.Errors { // "none" is told as not found
			if e := f.meaning(f.status(), object); e != nil && e.Kind != connector.NotFound {
				return nil, fmt.Errorf("read %s of %s: %w", to, object, e)
			}
		}
		todo = append(todo, answer.take(out)...)
	}
	return out, nil
}

// take adds what an answer tells and returns what is still to be read.
func (b associationBatch) take(out map[string][]associated) []associationRead {
	var again []associationRead
	for _, r := range b.Results {
		out[r.From.ID] = append(out[r.From.ID], r.To...)
		if after := r.Paging.after(); after != "" {
			again = append(again, associationRead{ID: r.From.ID, After: after})
		}
	}
	return again
}

// sort parts the associations of a record for one field. To that of a label those without
// it are nothing.
func (l link) sort(all []associated) others {
	var o others
	for _, to := range all {
		switch {
		case to.bears(l):
			o.bearing = append(o.bearing, string(to.ID))
			if to.labelled() {
				o.named = append(o.named, string(to.ID))
			}
		case !l.role:
			o.rest = append(o.rest, string(to.ID))
		}
	}
	slices.SortFunc(o.bearing, byID)
	slices.SortFunc(o.rest, byID)
	return o
}

// fillLinks puts the wanted associations into records: one reading for all fields that lead
// to the same object.
func (c *conn) fillLinks(ctx context.Context, d *definitions, wanted, ids []string, changes []connector.Change) error {
	links := d.linked(wanted)
	for len(links) > 0 && len(ids) > 0 {
		to := links[0].to
		var same, other []link
		for _, l := range links {
			if l.to == to {
				same = append(same, l)
			} else {
				other = append(other, l)
			}
		}
		links = other
		found, err := c.associations(ctx, d.object, to, ids)
		if connector.KindOf(err) == connector.Forbidden && wanted == nil && !same[0].required {
			continue // without the right to see the other object the fields are absent (R11)
		}
		if err != nil {
			return err
		}
		if same, err = c.standing(ctx, d.object, same, found); err != nil {
			return err
		}
		for i := range changes {
			for _, l := range same {
				if changes[i].Fate == connector.Present {
					changes[i].Fields[l.field(d.object)] = l.sort(found[changes[i].ID]).value(l)
				}
			}
		}
	}
	return nil
}
