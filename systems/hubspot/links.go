package hubspot

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// linking is the part of an operation that is one association field.
type linking struct {
	*writing
	field     string
	add, drop []string
	unlabel   []string     // whose association loses the type and stays
	after     record.Value // what the field shows when that is done
}

// link writes the associations of records that were written, or have nothing else to
// write. A failure takes nothing back: it refuses the field if the rest was written.
func (c *conn) link(ctx context.Context, d *definitions, rows []*writing) {
	for _, l := range d.kind.links {
		field := l.field(d.object)
		var set []*linking
		for _, w := range rows {
			if v, ok := w.op.Set[field]; ok && w.result.Err == nil {
				set = append(set, &linking{writing: w, field: field, after: v})
			}
		}
		for part := range slices.Chunk(set, maxAssociations) {
			c.linkPart(ctx, d.object, l, part)
		}
	}
	c.enlist(ctx, d, rows)
}

// linkPart decides what to associate and what to part, and does so: new ones first, so
// that what fails leaves too much rather than too little.
func (c *conn) linkPart(ctx context.Context, object string, l link, rows []*linking) {
	var look []string
	for _, w := range rows {
		if v := w.op.Set[w.field]; l.primary && w.op.Verb == connector.Create && !v.IsEmpty() {
			w.add = []string{v.Text()} // it takes the type from one that HubSpot may have found by itself
			continue
		}
		look = append(look, w.op.Ref.ID)
	}
	kind, err := c.typeOf(ctx, object, l)
	now := map[string][]associated{}
	if len(look) > 0 && err == nil {
		now, err = c.associations(ctx, object, l.to, look)
	}
	if err != nil {
		for _, w := range rows {
			w.unlinked(err)
		}
		return
	}
	var add, drop, unlabel []*linking
	for _, w := range rows {
		if slices.Contains(look, w.op.Ref.ID) {
			if err := w.decide(l, l.sort(now[w.op.Ref.ID])); err != nil {
				w.unlinked(err)
				continue
			}
		}
		if len(w.add) > 0 {
			add = append(add, w)
		}
		if len(w.drop) > 0 {
			drop = append(drop, w)
		}
		if len(w.unlabel) > 0 {
			unlabel = append(unlabel, w)
		}
		w.linked()
	}
	c.associate(ctx, object, l, kind, add)
	c.part(ctx, object, l, drop)
	c.unlabel(ctx, object, l, kind, unlabel)
}

// decide compares what a field shall show with what is associated now. What a person
// chose meanwhile is not taken away, and a main one that they chose is no longer overwritten
// unseen: a batch of records costs one reading, and none where the field stays (R4).
func (w *linking) decide(l link, now others) error {
	want, was := refIDs(w.op.Set[w.field]), refIDs(w.op.Was[w.field])
	if l.many {
		have := now.all()
		w.add = without(want, have)
		w.drop = without(intersect(was, have), want)
		w.after = now.with(w.add, w.drop).value(l)
		if l.role {
			w.drop, w.unlabel = nil, w.drop
		}
		return nil
	}
	shown := now.one(l)
	switch {
	case len(want) > 0 && shown == want[0], len(want) == 0 && shown == "":
		return nil
	case shown != "" && (len(was) == 0 || shown != was[0]):
		return &connector.Error{
			Kind: connector.Conflict, Scope: connector.ScopeRecord, Field: w.field,
			Err: errors.New("the record is associated with another one by now"),
		}
	}
	if w.add = want; shown != "" {
		w.drop = []string{shown}
	}
	if after := now.with(w.add, w.drop).value(l); !after.Equal(w.after) {
		w.add, w.drop = nil, nil
		return &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: w.field,
			Fix: "take the others away in HubSpot, which has no main one of these",
			Err: errors.New("the record is associated with several others, and would still show another one"),
		}
	}
	switch {
	case l.primary && len(want) > 0: // it takes the type from the former one, which stays associated
		w.drop = nil
	case l.primary: // what has a label of the customer's stays associated by it
		w.unlabel, w.drop = intersect(w.drop, now.named), without(w.drop, now.named)
	}
	return nil
}

// refIDs returns the ids that a reference holds.
func refIDs(v record.Value) []string {
	if !v.IsList() {
		if v.IsEmpty() {
			return nil
		}
		return []string{v.Text()}
	}
	var out []string
	for _, item := range v.Items() {
		out = append(out, item.Text())
	}
	return out
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(some, id) })
}

func intersect(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !slices.Contains(some, id) })
}

// associate makes associations.
func (c *conn) associate(ctx context.Context, object string, l link, kind associationType, rows []*linking) {
	if len(rows) == 0 {
		return
	}
	var in inputs[associationInput]
	for _, w := range rows {
		for _, id := range w.add {
			in.Inputs = append(in.Inputs, associationInput{From: idInput{w.op.Ref.ID}, To: idInput{id}, Types: []associationType{kind}})
		}
	}
	var answer struct {
		Errors []failure `json:"errors"`
	}
	_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.associationsPath(object, l.to, "create"), Body: in, Into: &answer})
	if err != nil {
		for _, w := range rows {
			w.unlinked(err)
		}
		return
	}
	for _, f := range answer.Errors {
		e := f.meaning(f.status(), l.to)
		if e == nil {
			e = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: f.err()}
		}
		if e.Kind == connector.NotFound { // the record was just written, so it is the other one
			e.Kind, e.Fix = connector.Invalid, "the record that it points to is not in HubSpot any more"
		}
		from := f.Context["fromObjectId"]
		for _, w := range rows {
			if len(from) == 0 || slices.Contains(from, w.op.Ref.ID) {
				e.Field = w.field
				w.unlinked(e)
			}
		}
	}
}

// part takes associations away from the records whose new ones were made.
func (c *conn) part(ctx context.Context, object string, l link, rows []*linking) {
	rows = slices.DeleteFunc(rows, func(w *linking) bool { return len(w.drop) == 0 })
	if len(rows) == 0 {
		return
	}
	var in inputs[archiveInput]
	for _, w := range rows {
		row := archiveInput{From: idInput{w.op.Ref.ID}}
		for _, id := range w.drop {
			row.To = append(row.To, idInput{id})
		}
		in.Inputs = append(in.Inputs, row)
	}
	if _, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.associationsPath(object, l.to, "archive"), Body: in}); err != nil {
		for _, w := range rows {
			w.unlinked(err)
		}
	}
}

// unlabel takes a type from associations and leaves the others that they have. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (c *conn) unlabel(ctx context.Context, object string, l link, kind associationType, rows []*linking) {
	rows = slices.DeleteFunc(rows, func(w *linking) bool { return len(w.unlabel) == 0 })
	var all []associationInput
	for _, w := range rows {
		for _, id := range w.unlabel {
			all = append(all, associationInput{From: idInput{w.op.Ref.ID}, To: idInput{id}, Types: []associationType{kind}})
		}
	}
	for part := range slices.Chunk(all, maxAssociations) {
		_, err := c.do(ctx, rest.Call{
			Method: http.MethodPost, Path: c.associationsPath(object, l.to, "labels/archive"), Body: inputs[associationInput]{part},
		})
		if err == nil {
			continue
		}
		for _, w := range rows {
			if slices.ContainsFunc(part, func(in associationInput) bool { return in.From.ID == w.op.Ref.ID }) {
				w.unlinked(err)
			}
		}
	}
}

// linked notes what the field shows when its associations are written.
func (w *linking) linked() {
	if w.result.After == nil {
		w.result.After = &record.Record{Ref: w.op.Ref, Fields: record.Fields{}}
	}
	w.result.After.Fields[w.field] = w.after
}

// unlinked notes that an association was not written: as a refusal if HubSpot does not
// take it and took other fields, else as the operation's error. What may work the next time
// is no refusal, or it would never be tried again (R2); repeating the properties is harmless.
func (w *linking) unlinked(err error) {
	w.drop, w.unlabel = nil, nil
	if w.result.After != nil {
		delete(w.result.After.Fields, w.field)
	}
	kind := connector.KindOf(err)
	if lasting(kind) && len(w.op.Set) > 1 {
		w.result.Refused = append(w.result.Refused, connector.Refusal{Field: w.field, Why: err.Error()})
		return
	}
	e := *connector.ErrorOf(err)
	if e.Field == "" {
		e.Field = w.field
	}
	w.result.After, w.result.Err = nil, &e
}

// lasting reports whether an error would be the same the next time.
func lasting(k connector.Kind) bool {
	return k == connector.Invalid || k == connector.NotFound || k == connector.Forbidden || k == connector.Unsupported
}
