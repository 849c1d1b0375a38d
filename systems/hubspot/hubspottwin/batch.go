package hubspottwin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxBatch is the most records in one batch; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide#limits
const maxBatch = 100

// An input is one row of a batch.
type input struct {
	ID                 string
	IDProperty         string
	Properties         texts
	Associations       []association
	ObjectWriteTraceID string
}

type inputs struct{ Inputs []input }

func (r *request) inputs() ([]input, *failure) {
	var in inputs
	if f := r.decode(&in); f != nil {
		return nil, f
	}
	switch {
	case len(in.Inputs) == 0:
		return nil, invalid("inputs must not be empty")
	case len(in.Inputs) > maxBatch:
		return nil, invalid(fmt.Sprintf("The maximum number of inputs supported in a batch request is %d", maxBatch))
	}
	return in.Inputs, nil
}

// traced reports whether every row carries a mark of its own: then rows fail one by one.
func traced(in []input) bool {
	seen := make(map[string]bool, len(in))
	for _, x := range in {
		if x.ObjectWriteTraceID == "" || seen[x.ObjectWriteTraceID] {
			return false
		}
		seen[x.ObjectWriteTraceID] = true
	}
	return true
}

// twice returns what stands in a batch more than once; then the whole batch is refused.
func twice(keys []string) *failure {
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if k != "" && seen[k] {
			f := invalid("Duplicate IDs found in batch input: [" + k + "]. IDs must be unique")
			f.Context = map[string]any{"ids": []string{k}}
			return f
		}
		seen[k] = true
	}
	return nil
}

// missing is the error of rows that name records that are not there.
func (o *object) missing(ids []string) *failure {
	return &failure{
		Status: "error", Category: "OBJECT_NOT_FOUND",
		Message: "Could not get some " + o.legacy + " objects, they may be deleted or not exist. Check that ids are valid.",
		Context: map[string]any{"ids": ids},
	}
}

func (a *Account) batchRead(r *request, o *object) (int, any) {
	q := r.query("archived")
	var in struct {
		Inputs                            []struct{ ID string }
		Properties, PropertiesWithHistory []string
		IDProperty                        string
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > maxBatch {
		return 0, invalid(fmt.Sprintf("The maximum number of inputs supported in a batch request is %d", maxBatch))
	}
	names := r.wanted(o, in.Properties)
	var l list
	var absent []string
	done := map[*rec]bool{}
	for _, i := range in.Inputs {
		x, f := a.find(o, i.ID, in.IDProperty, q["archived"] == "true")
		if f != nil {
			return 0, f
		}
		if x == nil {
			absent = append(absent, i.ID)
			continue
		}
		if !done[x] {
			l.add(a, o, x, shown{names: names})
		}
		done[x] = true
	}
	if len(absent) > 0 {
		return 207, l.closeBatch(stamp(r.now), []*failure{o.missing(absent)})
	}
	return 200, l.closeBatch(stamp(r.now), nil)
}

func (a *Account) batchCreate(r *request, o *object) (int, any) {
	in, f := r.inputs()
	if f != nil {
		return 0, f
	}
	for name := range o.unique {
		keys := make([]string, len(in))
		for i, x := range in {
			keys[i] = x.Properties[name]
			if name == "email" {
				keys[i] = strings.ToLower(strings.TrimSpace(keys[i]))
			}
		}
		if f := twice(keys); f != nil {
			return 0, f
		}
	}
	partial := traced(in)
	var errs []*failure
	values := make([]texts, len(in))
	for i, x := range in {
		if values[i], f = a.checkCreate(o, x.Properties, x.Associations, r); f == nil {
			continue
		}
		if !partial {
			return 0, f
		}
		errs = append(errs, f.row(x.ObjectWriteTraceID))
	}
	var l list
	for i, x := range in {
		if values[i] != nil {
			made := a.make(o, values[i], x.Associations, r)
			l.add(a, o, made, a.created(o, made, x.ObjectWriteTraceID))
		}
	}
	if len(errs) > 0 {
		return 207, l.closeBatch(stamp(r.now), errs)
	}
	return 201, l.closeBatch(stamp(r.now), nil)
}

// row makes a failure that of one row.
func (f *failure) row(trace string) *failure {
	f.Context = map[string]any{"objectWriteTraceId": []string{trace}}
	if _, id, ok := strings.Cut(f.Message, "Existing ID: "); ok {
		f.Context["existingId"] = []string{id}
	}
	return f
}

func (a *Account) batchUpdate(r *request, o *object) (int, any) {
	in, f := r.inputs()
	if f != nil {
		return 0, f
	}
	ids := make([]string, len(in))
	recs := make([]*rec, len(in))
	var absent []string
	for i, x := range in {
		ids[i] = x.ID
		if x.IDProperty != "" {
			return 0, invalid("Unable to perform update/upsert by non-unique " + o.typeID + " property " + x.IDProperty)
		}
		if recs[i], f = a.find(o, x.ID, "", false); f != nil {
			return 0, f
		}
		if recs[i] == nil {
			absent = append(absent, x.ID)
			continue
		}
		if _, f := a.checkUpdate(o, recs[i], x.Properties, r); f != nil {
			return 0, f
		}
	}
	if f := twice(ids); f != nil {
		return 0, f
	}
	var l list
	for i, x := range in {
		if recs[i] == nil {
			continue
		}
		values, f := a.update(o, recs[i], x.Properties, r)
		if f != nil {
			return 0, f // two rows of one batch with the same unique value
		}
		l.add(a, o, recs[i], a.written(o, values, x.ObjectWriteTraceID))
	}
	if len(absent) > 0 {
		return 207, l.closeBatch(stamp(r.now), []*failure{o.missing(absent)})
	}
	return 200, l.closeBatch(stamp(r.now), nil)
}

func (a *Account) batchUpsert(r *request, o *object) (int, any) {
	in, f := r.inputs()
	if f != nil {
		return 0, f
	}
	ids := make([]string, len(in))
	for i, x := range in {
		ids[i] = strings.ToLower(x.ID)
		if p := o.props[x.IDProperty]; p == nil || !p.index {
			return 0, invalid("Unable to perform update/upsert by non-unique " + o.typeID + " property " + x.IDProperty)
		}
	}
	if f := twice(ids); f != nil {
		return 0, f
	}
	partial := traced(in)
	var l list
	var errs []*failure
	for _, x := range in {
		if _, ok := x.Properties[x.IDProperty]; !ok {
			x.Properties = clone(x.Properties)
			x.Properties[x.IDProperty] = x.ID
		}
		rec, f := a.find(o, x.ID, x.IDProperty, false)
		isNew := f == nil && rec == nil
		if isNew {
			rec, f = a.create(o, x.Properties, x.Associations, r)
		} else if f == nil {
			_, f = a.update(o, rec, x.Properties, r)
		}
		if f != nil && !partial {
			return 0, f
		}
		if f != nil {
			errs = append(errs, f.row(x.ObjectWriteTraceID))
			continue
		}
		how := a.created(o, rec, x.ObjectWriteTraceID)
		how.isNew = &isNew
		l.add(a, o, rec, how)
	}
	if len(errs) > 0 {
		return 207, l.closeBatch(stamp(r.now), errs)
	}
	return 200, l.closeBatch(stamp(r.now), nil)
}

func clone(t texts) texts {
	c := make(texts, len(t)+1) // never nil, with room for the one that callers add
	maps.Copy(c, t)
	return c
}

// batchArchive puts records into the bin; unknown ones are passed over.
func (a *Account) batchArchive(r *request, o *object) (int, any) {
	in, f := r.inputs()
	if f != nil {
		return 0, f
	}
	var ids []string
	for _, x := range in {
		ids = append(ids, x.ID)
	}
	slices.Sort(ids)
	if f := twice(ids); f != nil {
		return 0, f
	}
	for _, x := range in {
		if rec, _ := a.find(o, x.ID, "", false); rec != nil {
			a.archive(o, rec, "api", r)
		}
	}
	return 204, nil
}
