package hubspottwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// objects answers everything below /crm/objects/{version}/{objectType}; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
func (a *Account) objects(r *request) (int, any) {
	if len(r.path) == 0 {
		return a.unknown(r)
	}
	o := a.object(r.path[0])
	if o == nil {
		return 0, a.noObject(r)
	}
	if len(r.path) >= 3 && r.path[2] == "associations" {
		return a.recordAssociations(r)
	}
	if r.version == "v4" {
		return a.unknown(r)
	}
	right := "write"
	if r.Method == "GET" || len(r.path) > 1 && (r.path[1] == "search" || slices.Equal(r.path[1:], []string{"batch", "read"})) {
		right = "read"
	}
	if f := r.lacks("crm.objects." + o.scope + "." + right); f != nil {
		return 0, f
	}
	switch call := r.Method + " " + strings.Join(r.path[1:], "/"); call {
	case "GET ":
		return a.list(r, o)
	case "POST ":
		return a.createOne(r, o)
	case "POST search":
		return a.search(r, o)
	case "POST merge":
		return a.mergeCall(r, o)
	case "POST gdpr-delete":
		return a.gdprDelete(r, o)
	case "POST batch/read":
		return a.batchRead(r, o)
	case "POST batch/create":
		return a.batchCreate(r, o)
	case "POST batch/update":
		return a.batchUpdate(r, o)
	case "POST batch/upsert":
		return a.batchUpsert(r, o)
	case "POST batch/archive":
		return a.batchArchive(r, o)
	}
	if len(r.path) == 2 {
		return a.one(r, o)
	}
	return a.unknown(r)
}

func (a *Account) noObject(r *request) *failure {
	a.Unknown(r.Request, "object "+r.path[0])
	return invalid("Unable to infer object type from: " + r.path[0])
}

func split(properties string) []string {
	if properties == "" {
		return nil
	}
	return strings.Split(properties, ",")
}

// list answers a page of all records, ordered by id.
func (a *Account) list(r *request, o *object) (int, any) {
	if len(r.URL.RawQuery) > 8000 {
		return 0, &failure{code: 414, Status: "error", Message: "URI Too Long"}
	}
	q := r.query("limit", "after", "properties", "archived", "associations")
	limit, f := a.limit(q["limit"], 10, 100)
	if f != nil {
		return 0, f
	}
	after := int64(0)
	if q["after"] != "" {
		var ok bool
		if after, ok = parseID(q["after"]); !ok {
			return 0, invalid("Invalid paging cursor: " + q["after"])
		}
	}
	page, more := o.page(after, limit, q["archived"] == "true")
	how := shown{names: r.wanted(o, split(q["properties"]))}
	if how.with, f = r.with(o, split(q["associations"])); f != nil {
		return 0, f
	}
	var l list
	for _, x := range page {
		l.add(a, o, x, how)
	}
	last := int64(0)
	if more {
		last = page[len(page)-1].id
	}
	return 200, l.closePage(-1, last)
}

// with returns the objects whose associations shall be shown.
func (r *request) with(o *object, names []string) ([]*object, *failure) {
	var out []*object
	for _, name := range names {
		to := r.account.object(name)
		if to == nil {
			return nil, invalid("Unable to infer object type from: " + name)
		}
		if rel, _ := r.account.relation(o, to); rel == nil {
			return nil, invalid("No association types exist between " + o.name + " and " + name)
		}
		out = append(out, to)
	}
	return out, nil
}

// find returns the record that a path or an input names; nil if there is none.
func (a *Account) find(o *object, name, idProperty string, archived bool) (*rec, *failure) {
	if idProperty != "" && idProperty != "hs_object_id" {
		p := o.props[idProperty]
		if p == nil || !p.index {
			return nil, invalid("Unable to look up by non-unique " + o.typeID + " property " + idProperty)
		}
		if idProperty == "email" {
			name = strings.ToLower(strings.TrimSpace(name))
		}
		return o.holder(idProperty, name), nil
	}
	n, ok := parseID(name)
	if !ok {
		return nil, nil
	}
	if archived {
		return o.binned(n), nil
	}
	return o.live(n), nil
}

// one answers GET, PATCH and DELETE of a single record.
func (a *Account) one(r *request, o *object) (int, any) {
	q := r.query("properties", "idProperty", "archived", "associations")
	x, f := a.find(o, r.path[1], q["idProperty"], q["archived"] == "true")
	if f != nil {
		return 0, f
	}
	switch {
	case r.Method == "DELETE":
		if x != nil {
			a.archive(o, x, "api", r)
		}
		return 204, nil
	case x == nil:
		return 0, notFound()
	case r.Method == "GET":
		with, f := r.with(o, split(q["associations"]))
		if f != nil {
			return 0, f
		}
		return 200, a.append(nil, o, x, shown{names: r.wanted(o, split(q["properties"])), with: with})
	case r.Method == "PATCH":
		var in struct{ Properties texts }
		if f := r.decode(&in); f != nil {
			return 0, f
		}
		written, f := a.update(o, x, in.Properties, r)
		if f != nil {
			return 0, f
		}
		return 200, a.append(nil, o, x, a.written(o, written, ""))
	}
	return a.unknown(r)
}

// texts are property values: every one is a text on the wire. A number or a boolean is
// refused here, so that a connector never relies on HubSpot's leniency.
type texts map[string]string

func (a *Account) createOne(r *request, o *object) (int, any) {
	var in struct {
		Properties         texts
		Associations       []association
		ObjectWriteTraceID string
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	x, f := a.create(o, in.Properties, in.Associations, r)
	if f != nil {
		return 0, f
	}
	return 201, a.append(nil, o, x, a.created(o, x, in.ObjectWriteTraceID))
}

// create makes a record for a program.
func (a *Account) create(o *object, props texts, with []association, r *request) (*rec, *failure) {
	values, f := a.checkCreate(o, props, with, r)
	if f != nil {
		return nil, f
	}
	return a.make(o, values, with, r), nil
}

// checkCreate returns the values that a new record will have.
func (a *Account) checkCreate(o *object, props texts, with []association, r *request) (texts, *failure) {
	values, wrong := a.accept(o, props, nil)
	if len(wrong) > 0 {
		return nil, badValues(wrong)
	}
	if f := o.required(values); f != nil {
		return nil, f
	}
	if c := o.clashes(values, 0); c != nil {
		return nil, o.taken(c, 0)
	}
	contact := false
	for _, w := range with {
		t, f := a.tie(o, nil, w.To.ID, w.Types)
		if f != nil {
			return nil, f
		}
		contact = contact || t.other() == a.contacts
	}
	if o.name == "leads" && !contact {
		return nil, leadAlone()
	}
	if f := a.settle(o, nil, values, r.now); f != nil {
		return nil, f
	}
	return values, nil
}

// make makes a record of values that were checked.
func (a *Account) make(o *object, values texts, with []association, r *request) *rec {
	x := o.add(values, r.now)
	a.act("api", "create", o, x, values)
	for _, w := range with {
		if t, f := a.tie(o, nil, w.To.ID, w.Types); f == nil {
			a.bind(x, t, r.now, "api")
		}
	}
	a.autoLink(o, x)
	return x
}

// checkUpdate returns what a change will write.
func (a *Account) checkUpdate(o *object, x *rec, props texts, r *request) (texts, *failure) {
	values, wrong := a.accept(o, props, x.props)
	if len(wrong) > 0 {
		return nil, badValues(wrong)
	}
	if c := o.clashes(values, x.id); c != nil {
		return nil, o.taken(c, x.id)
	}
	if f := a.settle(o, x, values, r.now); f != nil {
		return nil, f
	}
	return values, nil
}

// update changes a record for a program and returns what was written.
func (a *Account) update(o *object, x *rec, props texts, r *request) (texts, *failure) {
	values, f := a.checkUpdate(o, x, props, r)
	if f != nil {
		return nil, f
	}
	asked := maps.Clone(values) // without what HubSpot added
	maps.DeleteFunc(asked, func(name, _ string) bool { _, given := props[name]; return !given })
	a.change(o, x, values, asked, "api", r.now)
	return values, nil
}

// change writes values that were checked; acted is what the ledger says of it.
func (a *Account) change(o *object, x *rec, values, acted texts, by string, now time.Time) {
	changed := a.changes(x, values)
	o.change(x, values, now, a.lag)
	a.act(by, "update", o, x, acted)
	a.changed(o, x, changed, by, now)
	if o.name == "line_items" {
		a.retotal(x, now)
	}
}

func (a *Account) archive(o *object, x *rec, by string, r *request) {
	o.archive(x, r.now)
	for _, rel := range o.relations {
		papers := rel.seen(x.id, true)
		if rel.from == o {
			rel.forget(x.id, false)
		}
		if rel.to == o {
			rel.forget(x.id, true)
		}
		for _, p := range papers {
			if o.name == "line_items" {
				a.total(rel.from, p.other, r.now)
			}
		}
	}
	a.act(by, "archive", o, x, nil)
}

func (a *Account) act(by, verb string, o *object, x *rec, fields map[string]string) {
	a.Ledger().Record(twin.Act{At: a.Now(), By: by, Verb: verb, Object: o.name, ID: strconv.FormatInt(x.id, 10), Fields: fields})
	a.reported(by, verb, o, x, a.Now())
}

// created is how a new record is shown: all that is set.
func (a *Account) created(o *object, x *rec, trace string) shown {
	names := make([]string, 0, len(x.props)+3)
	for n := range x.props {
		names = append(names, n)
	}
	names = append(names, o.born, "hs_object_id", o.stamp)
	slices.Sort(names)
	return shown{names: names, exact: true, trace: trace}
}

// written is how a changed record is shown: what was written; what was cleared is null.
func (a *Account) written(o *object, values texts, trace string) shown {
	names := []string{o.born, "hs_object_id", o.stamp}
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	return shown{names: names, trace: trace}
}

// UnmarshalJSON reads property values; null is refused.
func (t *texts) UnmarshalJSON(b []byte) error {
	var m map[string]*string
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*t = make(texts, len(m))
	for name, v := range m {
		if v == nil {
			return fmt.Errorf("property %s is null", name)
		}
		(*t)[name] = *v
	}
	return nil
}
