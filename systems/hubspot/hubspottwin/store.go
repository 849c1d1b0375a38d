package hubspottwin

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An object is one object type with its properties and records.
type object struct {
	kind
	legacy    string   // as in some messages: "CONTACT"
	aliases   []string // further names in paths
	needs     []string // properties that a new record must have, all of them
	either    []string // or one of these
	props     map[string]*property
	names     []string // of the properties, in order
	defaults  []string // what is returned when nothing is asked for
	relations []*relation
	refs      []ref
	pipelines []*pipeline
	schema    *schema // of a custom object; nil = a standard one

	recs   map[int64]*rec
	order  []int64 // ids, ascending
	next   int64
	unique map[string]map[string]int64 // by property and value
	merged map[int64]int64             // old id → new id
}

// A rec is one record. The index of the search shows old until written is far enough
// back, as HubSpot's is behind.
type rec struct {
	id       int64
	props    map[string]string // set properties only; the computed ones are not here
	created  time.Time
	modified time.Time
	archived time.Time // zero = not in the bin

	written time.Time
	late    time.Duration // how much later than others the index shows this write
	old     *snapshot
	mergees []int64 // the ids that were merged into this one
}

type snapshot struct {
	props    map[string]string
	modified time.Time
}

func newObject(k kind) *object {
	k.scope, k.family = cmp.Or(k.scope, k.name), cmp.Or(k.family, "object")
	k.stamp, k.born = cmp.Or(k.stamp, "hs_lastmodifieddate"), cmp.Or(k.born, "hs_createdate")
	o := &object{
		kind: k, legacy: strings.ToUpper(k.single),
		needs: strings.Fields(k.need), either: strings.Fields(k.oneOf),
		defaults: append(strings.Fields(k.shows), k.born, k.stamp, "hs_object_id"),
		props:    map[string]*property{},
		recs:     map[int64]*rec{},
		next:     1001, // the same for all: ids are unique within their object only
		unique:   map[string]map[string]int64{},
		merged:   map[int64]int64{},
	}
	slices.Sort(o.defaults)
	for _, p := range parseProperties(k.table, k.group) {
		o.props[p.Name] = p
		o.names = append(o.names, p.Name)
		if p.Unique {
			o.unique[p.Name] = map[string]int64{}
		}
	}
	return o
}

// live returns the record of that id or of the one that it was merged into; nil if there
// is none, or it is in the bin.
func (o *object) live(id int64) *rec {
	for {
		into, ok := o.merged[id]
		if !ok {
			break
		}
		id = into
	}
	if r := o.recs[id]; r != nil && r.archived.IsZero() {
		return r
	}
	return nil
}

// binned returns the record of that id if it is in the bin.
func (o *object) binned(id int64) *rec {
	if r := o.recs[id]; r != nil && !r.archived.IsZero() {
		return r
	}
	return nil
}

// add makes a record; props are normalised and valid.
func (o *object) add(props map[string]string, now time.Time) *rec {
	r := &rec{id: o.next, props: make(map[string]string, len(props)), created: now, modified: now, written: now}
	o.next++
	for name, v := range props {
		if v != "" {
			r.props[name] = v
			o.claim(name, v, r.id)
		}
	}
	o.recs[r.id] = r
	o.order = append(o.order, r.id)
	return r
}

// change writes properties of a record; a lag ago the search saw what it was before.
func (o *object) change(r *rec, props map[string]string, now time.Time, lag time.Duration) {
	r.remember(now, lag)
	for name, v := range props {
		o.release(name, r.props[name], r.id)
		if v == "" {
			delete(r.props, name)
			continue
		}
		r.props[name] = v
		o.claim(name, v, r.id)
	}
	r.modified, r.written = now, now
}

// remember keeps what the search shows of r before it is written.
func (r *rec) remember(now time.Time, lag time.Duration) {
	if now.Sub(r.written) >= lag+r.late {
		r.old = &snapshot{props: maps.Clone(r.props), modified: r.modified}
	}
	r.late = 0
}

func (o *object) claim(name, value string, id int64) {
	if at := o.unique[name]; at != nil && value != "" {
		at[value] = id
	}
}

func (o *object) release(name, value string, id int64) {
	if at := o.unique[name]; at != nil && at[value] == id {
		delete(at, value)
	}
}

// holder returns the live record that holds a unique value; nil if there is none.
func (o *object) holder(name, value string) *rec {
	id, ok := o.unique[name][value]
	if !ok {
		return nil
	}
	return o.live(id)
}

// archive puts a record into the bin. Its unique values are free again.
func (o *object) archive(r *rec, now time.Time) {
	r.archived = now
	for name, at := range o.unique {
		for v := range strings.SplitSeq(r.props[name]+";"+secondary(name, r), ";") {
			if at[v] == r.id {
				delete(at, v)
			}
		}
	}
}

func secondary(name string, r *rec) string {
	if name != "email" {
		return ""
	}
	return r.props["hs_additional_emails"]
}

// seen is what the search index shows of r now; false if nothing yet.
func (r *rec) seen(now time.Time, lag time.Duration) (snapshot, bool) {
	switch {
	case now.Sub(r.written) >= lag+r.late:
		return snapshot{props: r.props, modified: r.modified}, true
	case r.old != nil:
		return *r.old, true
	default:
		return snapshot{}, false
	}
}

// value returns a property's value as it is shown; false if it is not set.
func (a *Account) value(o *object, r *rec, props map[string]string, modified time.Time, name string) (string, bool) {
	switch name {
	case "hs_object_id":
		return strconv.FormatInt(r.id, 10), true
	case "hs_merged_object_ids":
		return joinIDs(r.mergees), len(r.mergees) > 0
	case "associatedcompanyid":
		if o == a.contacts {
			id := o.refs[0].rel.shown(r.id)
			return strconv.FormatInt(id, 10), id != 0
		}
	case o.born:
		return stamp(r.created), true
	case o.stamp:
		return stamp(modified), true
	}
	v, ok := props[name]
	return v, ok
}

func joinIDs(ids []int64) string {
	var b []byte
	for i, id := range ids {
		if i > 0 {
			b = append(b, ';')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(b)
}

// page returns the records after an id, in order of their ids, and whether more follow.
func (o *object) page(after int64, limit int, archived bool) (page []*rec, more bool) {
	from, _ := slices.BinarySearch(o.order, after+1)
	for _, id := range o.order[from:] {
		r := o.recs[id]
		if r == nil || r.archived.IsZero() == archived {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, r)
	}
	return page, false
}

// merge folds lose into keep, as a person does on the record's page: the primary record's
// values win, empty ones are filled from the other. Since January 2025 both old ids give
// way to a new one, see
// https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
func (o *object) merge(keep, lose *rec, now time.Time, keepID bool) *rec {
	props := maps.Clone(lose.props)
	maps.Copy(props, keep.props)
	if second := lose.props["email"]; second != "" && second != props["email"] {
		mails := props["hs_additional_emails"]
		props["hs_additional_emails"] = strings.Trim(mails+";"+second, ";")
	}
	mergees := slices.Concat(keep.mergees, lose.mergees)
	into := keep
	if keepID {
		keep.props, keep.modified, keep.written = props, now, now
		mergees = append(mergees, lose.id)
	} else {
		into = o.add(props, now)
		into.created = keep.created
		mergees = append(mergees, keep.id, lose.id)
		o.drop(keep, into)
	}
	o.drop(lose, into)
	into.mergees = mergees
	for name, at := range o.unique {
		for v := range strings.SplitSeq(into.props[name]+";"+secondary(name, into), ";") {
			if v != "" {
				at[v] = into.id
			}
		}
	}
	return into
}

// erase removes a record for good.
func (o *object) erase(r *rec) {
	delete(o.recs, r.id)
	if i, ok := slices.BinarySearch(o.order, r.id); ok {
		o.order = slices.Delete(o.order, i, i+1)
	}
}

// drop removes a record that was merged; its id leads to the survivor.
func (o *object) drop(r, into *rec) {
	o.erase(r)
	o.merged[r.id] = into.id
}
