package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// writing is one operation on its way.
type writing struct {
	op     connector.Op
	input  writeInput
	result connector.Result
}

// Write carries out operations in batches of 100.
func (c *conn) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	object, verb := ops[0].Ref.Object, ops[0].Verb
	if _, err := wanted(object); err != nil {
		return nil, err
	}
	d, err := c.defined(ctx, object)
	if err != nil {
		return nil, err
	}
	all := make([]*writing, len(ops))
	for i, op := range ops {
		all[i] = &writing{op: op, result: connector.Result{Ref: op.Ref}}
	}
	switch verb {
	case connector.Create:
		c.create(ctx, d, all)
	case connector.Update:
		c.update(ctx, d, all)
	case connector.Archive, connector.Delete: // what HubSpot's own page calls deleting
		c.archive(ctx, d, all)
	default:
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Err: fmt.Errorf("%s %s: HubSpot's API cannot do this", verb, object),
		}
	}
	return results(all)
}

// results returns the results, or the one error that befell all operations together.
func results(all []*writing) ([]connector.Result, error) {
	out := make([]connector.Result, len(all))
	first := all[0].result.Err
	same := first != nil
	for i, w := range all {
		out[i] = w.result
		same = same && w.result.Err == first //nolint:errorlint // one error, not several alike
	}
	if same && wholesale(first) {
		return nil, first
	}
	return out, nil
}

// wholesale reports whether an error is that of a call rather than of one row.
func wholesale(err error) bool {
	switch connector.KindOf(err) {
	case connector.Invalid, connector.Duplicate, connector.NotFound, connector.Conflict:
		return false
	default:
		return true
	}
}

// create makes records. Every row carries a mark of its own, so that HubSpot answers row
// by row; see
// https://developers.hubspot.com/docs/api-reference/latest/error-handling#multi-status-errors
func (c *conn) create(ctx context.Context, d *definitions, all []*writing) {
	_, keyed := d.fields[propKey]
	var ready []*writing
	types := c.typesOf(ctx, d, all)
	for i, w := range all {
		w.fill(d, strconv.Itoa(i))
		for name, v := range w.input.Properties {
			if v == "" {
				delete(w.input.Properties, name) // nothing to clear
			}
		}
		if keyed && w.op.Key != "" {
			w.input.Properties[propKey] = w.op.Key // R16
		}
		w.associate(d, types)
		if w.result.Err == nil {
			ready = append(ready, w)
		}
	}
	send := func(ctx context.Context, rows []*writing) error { return c.sendBatch(ctx, d, "create", rows) }
	for wave := range waves(ready, d.unique()) {
		c.inBatches(ctx, wave, send)
	}
	for _, w := range ready {
		for _, l := range d.kind.links {
			field := l.field(d.object)
			if v, ok := w.op.Set[field]; ok && w.result.Err == nil && w.result.After != nil {
				w.result.After.Fields[field] = v
			}
		}
	}
	c.enlist(ctx, d, ready)
}

// A typed is a type of association, or why it is not known.
type typed struct {
	associationType
	err error
}

// typesOf finds out the types of the associations that new records begin with, by field.
func (c *conn) typesOf(ctx context.Context, d *definitions, all []*writing) map[string]typed {
	out := map[string]typed{}
	for _, l := range d.kind.links {
		field := l.field(d.object)
		if slices.ContainsFunc(all, func(w *writing) bool { return !w.op.Set[field].IsEmpty() }) {
			t, err := c.typeOf(ctx, d.object, l)
			out[field] = typed{t, err}
		}
	}
	return out
}

// associate names the records that a new one is associated with from the beginning, each
// once with all types.
func (w *writing) associate(d *definitions, types map[string]typed) {
	at := map[record.Ref]int{}
	for _, l := range d.kind.links {
		t := types[l.field(d.object)]
		for _, id := range refIDs(w.op.Set[l.field(d.object)]) {
			if t.err != nil {
				w.result.Err = connector.ErrorOf(t.err)
				return
			}
			to := record.Ref{Object: l.to, ID: id}
			i, ok := at[to]
			if !ok {
				i = len(w.input.Associations)
				at[to], w.input.Associations = i, append(w.input.Associations, association{To: idInput{id}})
			}
			w.input.Associations[i].Types = append(w.input.Associations[i].Types, t.associationType)
		}
	}
	if start := w.input.Properties[propStart]; d.object == meetings && w.input.Properties[propTime] == "" && start != "" {
		w.input.Properties[propTime] = start // no meeting is made without it
	}
}

// update changes records: their properties first, then their associations.
func (c *conn) update(ctx context.Context, d *definitions, all []*writing) {
	var ready []*writing
	for i, w := range all {
		w.fill(d, strconv.Itoa(i))
		w.input.ID = w.op.Ref.ID
		if w.result.Err == nil && len(w.input.Properties) > 0 { // with nothing to set nothing is sent (R11)
			ready = append(ready, w)
		}
	}
	send := func(ctx context.Context, rows []*writing) error { return c.sendBatch(ctx, d, "update", rows) }
	for wave := range waves(ready, d.unique()) {
		c.inBatches(ctx, wave, send)
	}
	c.stages(ctx, d, ready)
	c.link(ctx, d, all)
}

// fill makes the row that is sent.
func (w *writing) fill(d *definitions, trace string) {
	w.input.Trace = trace
	w.input.Properties = make(map[string]string, len(w.op.Set)+1)
	for name, v := range w.op.Set {
		if d.isLink(name) {
			continue
		}
		text, ok := encodeValue(d.fields[name], v)
		if !ok {
			w.result.Err = &connector.Error{
				Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: name,
				Err: errors.New("the property takes one value, not a list"),
			}
			return
		}
		w.input.Properties[name] = text
	}
}

// waves parts rows so that no part holds the same unique value twice: for that HubSpot
// refuses the whole batch. In a later part the value is a duplicate like any other.
func waves(rows []*writing, unique []string) func(func([]*writing) bool) {
	return func(yield func([]*writing) bool) {
		for len(rows) > 0 {
			var now, later []*writing
			seen := map[[2]string]bool{}
			for _, w := range rows {
				if clash(w, unique, seen) {
					later = append(later, w)
				} else {
					now = append(now, w)
				}
			}
			if !yield(now) {
				return
			}
			rows = later
		}
	}
}

// clash reports whether a row holds a unique value that was seen, else notes its own.
func clash(w *writing, unique []string, seen map[[2]string]bool) bool {
	var own [][2]string
	for _, name := range unique {
		if v := strings.ToLower(strings.TrimSpace(w.input.Properties[name])); v != "" {
			own = append(own, [2]string{name, v})
		}
	}
	if w.input.ID != "" {
		own = append(own, [2]string{"", w.input.ID})
	}
	if slices.ContainsFunc(own, func(k [2]string) bool { return seen[k] }) {
		return true
	}
	for _, k := range own {
		seen[k] = true
	}
	return false
}

// inBatches sends rows. A batch that is refused as a whole, which happens for the sake of
// one row, was not carried out: it is halved until the row is known.
func (c *conn) inBatches(ctx context.Context, rows []*writing, send func(context.Context, []*writing) error) {
	for part := range slices.Chunk(rows, maxBatch) {
		err := send(ctx, part)
		switch {
		case err == nil:
		case len(part) > 1 && !wholesale(err):
			half := len(part) / 2
			c.inBatches(ctx, part[:half], send)
			c.inBatches(ctx, part[half:], send)
		default:
			e := connector.ErrorOf(err)
			if errors.Is(err, context.Canceled) {
				e = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: err}
			}
			for _, w := range part {
				w.result.Err = e
			}
		}
	}
}

// sendBatch creates or updates a batch and hands every row its result.
func (c *conn) sendBatch(ctx context.Context, d *definitions, call string, rows []*writing) error {
	in := inputs[writeInput]{Inputs: make([]writeInput, len(rows))}
	for i, w := range rows {
		in.Inputs[i] = w.input
	}
	var answer batch
	_, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: c.path(areaObjects, d.object, "batch", call), Body: in, Into: &answer,
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", call, d.object, err)
	}
	told := make(map[*writing]bool, len(rows))
	for i, r := range answer.Results {
		if w := whose(rows, r, i, len(answer.Results)); w != nil {
			w.done(d, r)
			told[w] = true
		}
	}
	for _, f := range answer.Errors {
		e := f.meaning(f.status(), d.object)
		if e == nil {
			e = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: f.err()}
		}
		for _, w := range rows {
			if !told[w] && f.concerns(w) {
				w.result.Err, told[w] = e, true
			}
		}
	}
	for _, w := range rows {
		if !told[w] {
			w.result.Err = &connector.Error{
				Kind: connector.Ambiguous, Scope: connector.ScopeRecord, // R16
				Err: fmt.Errorf("%s %s: the answer says nothing of this record", call, d.object),
			}
		}
	}
	return nil
}

// whose finds the operation that a row of the answer is about: by its mark, its id, our
// key, or its place if nothing is missing. An update by an old id of a merged record is
// answered with another id.
func whose(rows []*writing, r row, i, n int) *writing {
	for _, w := range rows {
		if r.Trace != "" && r.Trace == w.input.Trace || r.Trace == "" && r.ID != "" && r.ID == w.input.ID {
			return w
		}
	}
	if r.Trace != "" {
		return nil
	}
	if key := r.text(propKey); key != "" {
		for _, w := range rows {
			if w.input.ID == "" && w.input.Properties[propKey] == key {
				return w
			}
		}
	}
	if n == len(rows) {
		return rows[i]
	}
	return nil
}

// concerns reports whether a row's failure is that of an operation.
func (f failure) concerns(w *writing) bool {
	if traces := f.Context["objectWriteTraceId"]; len(traces) > 0 {
		return slices.Contains(traces, w.input.Trace)
	}
	for _, key := range []string{"ids", "id"} {
		if slices.Contains(f.Context[key], w.input.ID) && w.input.ID != "" {
			return true
		}
	}
	return false
}

// done takes the answer in: what it shows of the record is what HubSpot holds (R2).
func (w *writing) done(d *definitions, r row) {
	after := d.record(r)
	after.Object = d.object
	w.result.Err = nil
	w.result.Version = after.Version
	w.result.After = &after
	if w.op.Verb == connector.Create {
		w.result.Ref = record.Ref{Object: d.object, ID: r.ID}
	} else {
		after.ID = w.op.Ref.ID
	}
}

// archive puts records into the bin. Those that are there, or nowhere, are passed over by
// HubSpot.
func (c *conn) archive(ctx context.Context, d *definitions, all []*writing) {
	for _, w := range all {
		w.input.ID = w.op.Ref.ID
	}
	send := func(ctx context.Context, rows []*writing) error {
		var in inputs[idInput]
		for _, w := range rows {
			in.Inputs = append(in.Inputs, idInput{w.op.Ref.ID})
		}
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.path(areaObjects, d.object, "batch", "archive"), Body: in})
		return err
	}
	for wave := range waves(all, nil) {
		c.inBatches(ctx, wave, send)
	}
}
