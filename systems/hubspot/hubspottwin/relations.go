package hubspottwin

import (
	"slices"
	"strconv"
	"strings"
)

const (
	hubspotDefined = "HUBSPOT_DEFINED"
	userDefined    = "USER_DEFINED"
)

// relations are the association types between standard objects: from | to | the id of the
// plain type there and back | the ids of the primary type, or of another one with its label.
// See https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
// and, for those of leads, what public code uses; the ids of leads with tasks, back, and of
// notes are not documented.
const relations = `
contacts|companies|279 280|primary 1 2
contacts|contacts|449 449|
companies|companies|450 450|Parent 13 14 Child
deals|companies|341 342|primary 5 6
deals|contacts|3 4|
deals|deals|451 451|
leads|contacts|608 609|primary 578 579
leads|companies|610 611|primary 580 581
deals|line_items|19 20|
quotes|deals|64 63|
quotes|line_items|67 68|
quotes|contacts|69 70|
quotes|companies|71 72|
invoices|deals|175 176|
invoices|contacts|177 178|
invoices|companies|179 180|
invoices|quotes|407 408|
invoices|line_items|409 410|
notes|contacts|202 201|
notes|companies|190 189|
notes|deals|214 213|
notes|leads|855 854|
tasks|contacts|204 203|
tasks|companies|192 191|
tasks|deals|216 215|
tasks|quotes|218 217|
tasks|leads|647 646|
meetings|contacts|200 199|
meetings|companies|188 187|
meetings|deals|212 211|
meetings|leads|601 600|
calls|contacts|194 193|
calls|companies|182 181|
calls|deals|206 205|
calls|leads|597 596|
calls|meetings|399 400|
emails|contacts|198 197|
emails|companies|186 185|
emails|deals|210 209|
emails|leads|599 598|
`

// A label of this account's own.
const (
	typeBilling  = 37
	labelBilling = "Billing contact"
)

// relate reads the table above.
func (a *Account) relate(table string) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		c := strings.Split(strings.TrimSpace(line), "|")
		from, to := a.named[c[0]], a.named[c[1]]
		ids := strings.Fields(c[2])
		r := a.tieUp(from, to, hubspotDefined, atoi(ids[0]), atoi(ids[1]))
		if c[3] == "" {
			continue
		}
		more := strings.Fields(c[3])
		t := linkType{there: atoi(more[1]), back: atoi(more[2]), category: hubspotDefined, label: more[0], backLabel: more[0]}
		if more[0] == "primary" {
			r.primary, t.label, t.backLabel = 1, "Primary", "Primary"
			t.name, t.backName = from.single+"_to_"+to.single, to.single+"_to_"+from.single
			r.types[0].name, r.types[0].backName = t.name+"_unlabeled", t.backName+"_unlabeled"
			if from.name == "leads" {
				r.types[0].name, r.types[0].backName = t.name, t.backName
				t.name, t.backName = "lead_to_primary_"+to.single, to.single+"_to_primary_lead"
			}
		} else {
			t.name, t.backName = "parent_to_child_company", "child_to_parent_company"
			t.label, t.backLabel = more[0]+" Company", more[3]+" Company"
		}
		r.types = append(r.types, t)
	}
	r, _ := a.relation(a.contacts, a.companies)
	r.types = append(r.types, linkType{
		there: typeBilling, back: typeBilling + 1, category: userDefined,
		label: labelBilling, backLabel: labelBilling, name: "billing_contact", backName: "billing_contact",
	})
}

// tieUp lets records of two objects be associated.
func (a *Account) tieUp(from, to *object, category string, there, back int) *relation {
	r := &relation{
		from: from, to: to, of: map[int64][]link{}, members: map[int64]map[int64]bool{},
		types: []linkType{{
			there: there, back: back, category: category,
			name: from.single + "_to_" + to.single, backName: to.single + "_to_" + from.single,
		}},
	}
	a.between[[2]*object{from, to}] = r
	from.relations = append(from.relations, r)
	if from != to {
		to.relations = append(to.relations, r)
	}
	return r
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // of our own tables
	return n
}

// relation returns what two objects can be to each other, and whether x is on its far
// side; nil if nothing.
func (a *Account) relation(x, y *object) (r *relation, back bool) {
	if r = a.between[[2]*object{x, y}]; r != nil {
		return r, false
	}
	return a.between[[2]*object{y, x}], true
}

// find returns the position of an association type as seen from one side, and whether it
// is to be read from the far side: among records of one object the type says that.
func (r *relation) find(s spec, back bool) (n int, far, ok bool) {
	for i, t := range r.types {
		if t.gone || t.category != s.AssociationCategory {
			continue
		}
		if id := s.AssociationTypeID; id == t.there && (!back || r.from == r.to) {
			return i, false, true
		} else if id == t.back && (back || r.from == r.to) {
			return i, true, true
		}
	}
	return 0, false, false
}

// display shows association types, as seen from one side.
func (r *relation) display(types []int, back bool) []map[string]any {
	out := make([]map[string]any, 0, len(types))
	for _, n := range types {
		t := r.types[n]
		m := map[string]any{"category": t.category, "typeId": t.id(back), "label": nil}
		if label := t.labelOf(back); label != "" {
			m["label"] = label
		}
		out = append(out, m)
	}
	return out
}

func (t linkType) id(back bool) int {
	if back {
		return t.back
	}
	return t.there
}

func (t linkType) labelOf(back bool) string {
	if back {
		return t.backLabel
	}
	return t.label
}

func (t linkType) nameOf(back bool) string {
	if back {
		return t.backName
	}
	return t.name
}

// labels returns the labels of some types, as seen from one side.
func (r *relation) labels(types []int, back bool) []string {
	out := []string{}
	for _, n := range types {
		if label := r.types[n].labelOf(back); label != "" && n != r.primary {
			out = append(out, label)
		}
	}
	return out
}

// showOld shows associations as v3 does: each type by its name.
func (s side) showOld(links []link) []map[string]any {
	out := []map[string]any{}
	for _, l := range links {
		for _, n := range slices.Backward(l.types) {
			out = append(out, map[string]any{
				"id": strconv.FormatInt(l.other, 10), "type": s.rel.types[n].nameOf(s.back != l.far),
			})
		}
	}
	return out
}

// associated shows a record's associations with some objects, as ?associations= asks for.
func (o *object) associated(a *Account, id int64, with []*object) map[string]any {
	out := map[string]any{}
	for _, to := range with {
		s := side{from: o, to: to}
		if s.rel, s.back = a.relation(o, to); s.rel == nil {
			continue
		}
		if results := s.showOld(s.rel.seen(id, s.back)); len(results) > 0 {
			name := strings.ReplaceAll(to.name, "_", " ") // the vendor writes "line items" there
			if to.schema != nil {
				name = to.schema.fullName()
			}
			out[name] = map[string]any{"results": results}
		}
	}
	return out
}
