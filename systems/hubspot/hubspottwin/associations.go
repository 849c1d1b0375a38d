package hubspottwin

import (
	"fmt"
	"strconv"
)

// The sizes of association batches; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#limits
const (
	maxLinks        = 2000
	maxLinkReads    = 1000
	maxLinkArchives = 100
)

type idOnly struct{ ID string }

// A linkInput is one row of an association batch. To is one id, or a list for archive.
type linkInput struct {
	From  idOnly
	To    idOnly
	Types []spec
}

// checkLink finds the record that a new one shall be associated with.
func (a *Account) checkLink(o *object, w association) (*rec, *failure) {
	to := a.companies
	if o == a.companies {
		to = a.contacts
	}
	for _, t := range w.Types {
		if !known(t, o == a.companies) {
			return nil, invalid(fmt.Sprintf("%d is not a valid association type between %s and %s", t.AssociationTypeID, o.name, to.name))
		}
	}
	x, _ := a.find(to, w.To.ID, "", false)
	if x == nil || len(w.Types) == 0 {
		return nil, fail(400, "VALIDATION_ERROR", "The following object ids do not exist or are archived: ["+w.To.ID+"]")
	}
	return x, nil
}

// known reports whether an association type exists in that direction.
func known(t spec, fromCompany bool) bool {
	n := t.AssociationTypeID
	if fromCompany {
		n--
	}
	switch t.AssociationCategory {
	case "HUBSPOT_DEFINED":
		return n == typePrimary || n == typePlain
	case "USER_DEFINED":
		return n == typeBilling
	}
	return false
}

func (a *Account) link(o *object, from int64, to *rec, types []spec) {
	var ns []int
	for _, t := range types {
		n := t.AssociationTypeID
		if o == a.companies {
			n--
		}
		ns = append(ns, n)
	}
	if o == a.companies {
		a.links.set(to.id, from, ns...)
	} else {
		a.links.set(from, to.id, ns...)
	}
}

// pair orders the ids of a contact and a company.
func (a *Account) pair(o *object, from, to int64) (contact, company int64) {
	if o == a.companies {
		return to, from
	}
	return from, to
}

func shownTypes(types []int) []map[string]any {
	out := make([]map[string]any, 0, len(types))
	for _, t := range types {
		m := map[string]any{"category": "HUBSPOT_DEFINED", "typeId": t, "label": nil}
		switch t {
		case typePrimary, typePrimary + 1:
			m["label"] = "Primary"
		case typeBilling, typeBilling + 1:
			m["label"], m["category"] = labelBilling, "USER_DEFINED"
		}
		out = append(out, m)
	}
	return out
}

// toID shows the id of the other record: a text in dated answers, a number in v4's.
func (r *request) toID(n int64) any {
	if r.version == "v4" {
		return n
	}
	return strconv.FormatInt(n, 10)
}

// associations answers /crm/associations/{version}/{from}/{to}/batch/…
func (a *Account) associations(r *request) (int, any) {
	if len(r.path) < 4 || r.path[2] != "batch" || r.Method != "POST" {
		return a.unknown(r)
	}
	from, to := a.object(r.path[0]), a.object(r.path[1])
	if from == nil || to == nil || from == to {
		return a.unknown(r)
	}
	right := "write"
	if r.path[3] == "read" {
		right = "read"
	}
	if f := a.lacks("crm.objects." + from.name + "." + right); f != nil {
		return 0, f
	}
	switch call := r.path[3]; {
	case call == "read" && len(r.path) == 4:
		return a.readLinks(r, from)
	case call == "create" && len(r.path) == 4, call == "associate" && len(r.path) == 5 && r.path[4] == "default":
		return a.createLinks(r, from, to, call == "associate")
	case call == "archive" && len(r.path) == 4:
		return a.archiveLinks(r, from)
	case call == "labels" && len(r.path) == 5 && r.path[4] == "archive":
		return a.archiveLabels(r, from)
	}
	return a.unknown(r)
}

func (a *Account) readLinks(r *request, from *object) (int, any) {
	var in struct {
		Inputs []struct{ ID, After string }
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > maxLinkReads {
		return 0, invalid(fmt.Sprintf("inputs must hold between 1 and %d ids", maxLinkReads))
	}
	results := []map[string]any{}
	var errs []*failure
	for _, i := range in.Inputs {
		n, _ := parseID(i.ID)
		links := a.links.from(n, from == a.companies)
		if len(links) == 0 {
			f := fail(404, "OBJECT_NOT_FOUND", "No company is associated with contact "+i.ID+".")
			f.SubCat, f.Context = "crm.associations.NO_ASSOCIATIONS_FOUND", map[string]any{"fromObjectId": []string{i.ID}}
			errs = append(errs, f)
			continue
		}
		to := make([]map[string]any, 0, len(links))
		for _, l := range links {
			to = append(to, map[string]any{"toObjectId": r.toID(l.company), "associationTypes": shownTypes(l.types)})
		}
		results = append(results, map[string]any{"from": map[string]any{"id": i.ID}, "to": to})
	}
	return a.linkBatch(r, 200, results, errs)
}

func (a *Account) linkBatch(r *request, status int, results any, errs []*failure) (int, any) {
	m := map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(r.now), "completedAt": stamp(r.now)}
	if len(errs) > 0 {
		m["numErrors"], m["errors"] = len(errs), errs
		status = 207
	}
	return status, m
}

func (a *Account) createLinks(r *request, from, to *object, plain bool) (int, any) {
	var in struct{ Inputs []linkInput }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > maxLinks {
		return 0, invalid(fmt.Sprintf("inputs must hold between 1 and %d associations", maxLinks))
	}
	results := []map[string]any{}
	var errs []*failure
	for _, i := range in.Inputs {
		types := i.Types
		if plain {
			n := typePlain
			if from == a.companies {
				n++
			}
			types = []spec{{"HUBSPOT_DEFINED", n}}
		}
		x, _ := a.find(from, i.From.ID, "", false)
		y, f := a.checkLink(from, association{To: struct{ ID string }(i.To), Types: types})
		if f != nil && f.Message[0] != 'T' {
			return 0, f // a type that does not exist
		}
		if x == nil || f != nil {
			g := fail(404, "OBJECT_NOT_FOUND", "One or more of the objects do not exist.")
			g.Context = map[string]any{"fromObjectId": []string{i.From.ID}, "toObjectId": []string{i.To.ID}}
			errs = append(errs, g)
			continue
		}
		a.link(from, x.id, y, types)
		results = append(results, map[string]any{
			"fromObjectTypeId": from.typeID, "fromObjectId": r.toID(x.id),
			"toObjectTypeId": to.typeID, "toObjectId": r.toID(y.id), "labels": []string{},
		})
	}
	status := 201
	if r.version == "2026-09" {
		status = 200
	}
	return a.linkBatch(r, status, results, errs)
}

func (a *Account) archiveLinks(r *request, from *object) (int, any) {
	var in struct {
		Inputs []struct {
			From idOnly
			To   []idOnly
		}
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > maxLinkArchives {
		return 0, invalid(fmt.Sprintf("inputs must hold between 1 and %d records", maxLinkArchives))
	}
	for _, i := range in.Inputs {
		for _, t := range i.To {
			x, _ := parseID(i.From.ID)
			y, _ := parseID(t.ID)
			a.links.clear(a.pair(from, x, y))
		}
	}
	return 204, nil
}

func (a *Account) archiveLabels(r *request, from *object) (int, any) {
	var in struct{ Inputs []linkInput }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	for _, i := range in.Inputs {
		x, _ := parseID(i.From.ID)
		y, _ := parseID(i.To.ID)
		contact, company := a.pair(from, x, y)
		for _, t := range i.Types {
			n := t.AssociationTypeID
			if from == a.companies {
				n--
			}
			a.links.unlabel(contact, company, n)
		}
	}
	return 204, nil
}

// recordAssociations answers …/{from}/{id}/associations/{to}[/{toId}] and …/associations/default/….
func (a *Account) recordAssociations(r *request) (int, any) {
	p := r.path
	plain := len(p) == 6 && p[3] == "default"
	if plain {
		p = append(p[:3:3], p[4:]...)
	}
	if len(p) != 4 && len(p) != 5 {
		return a.unknown(r)
	}
	from, to := a.object(p[0]), a.object(p[3])
	if from == nil || to == nil || from == to {
		return a.unknown(r)
	}
	x, _ := a.find(from, p[1], "", false)
	if x == nil {
		return 0, notFound()
	}
	if len(p) == 4 && r.Method == "GET" {
		results := []map[string]any{}
		for _, l := range a.links.from(x.id, from == a.companies) {
			results = append(results, map[string]any{"toObjectId": r.toID(l.company), "associationTypes": shownTypes(l.types)})
		}
		return 200, map[string]any{"results": results}
	}
	if len(p) != 5 {
		return a.unknown(r)
	}
	y, _ := a.find(to, p[4], "", false)
	if y == nil {
		return 0, notFound()
	}
	if r.Method == "DELETE" {
		a.links.clear(a.pair(from, x.id, y.id))
		return 204, nil
	}
	return a.putLink(r, from, x, y, plain)
}

func (a *Account) putLink(r *request, from *object, x, y *rec, plain bool) (int, any) {
	n := typePlain
	if from == a.companies {
		n++
	}
	types := []spec{{"HUBSPOT_DEFINED", n}}
	if r.Method != "PUT" {
		return a.unknown(r)
	}
	if !plain {
		if f := r.decode(&types); f != nil {
			return 0, f
		}
	}
	if _, f := a.checkLink(from, association{To: struct{ ID string }{strconv.FormatInt(y.id, 10)}, Types: types}); f != nil {
		return 0, f
	}
	a.link(from, x.id, y, types)
	if !plain {
		return 201, map[string]any{
			"fromObjectTypeId": from.typeID, "fromObjectId": r.toID(x.id), "toObjectId": r.toID(y.id), "labels": []string{},
		}
	}
	return a.linkBatch(r, 200, []map[string]any{{
		"from": map[string]any{"id": strconv.FormatInt(x.id, 10)}, "to": map[string]any{"id": strconv.FormatInt(y.id, 10)},
		"associationSpec": map[string]any{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": n},
	}}, nil)
}
