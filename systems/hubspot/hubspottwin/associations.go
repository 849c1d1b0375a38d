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
	maxLinkPage     = 500
)

type idOnly struct{ ID string }

// A linkInput is one row of an association batch.
type linkInput struct {
	From  idOnly
	To    idOnly
	Types []spec
}

// A side is a relation as one of its objects sees it.
type side struct {
	rel      *relation
	back     bool
	from, to *object
}

// plain returns the type that associations without a label have.
func (s side) plain() []spec {
	t := s.rel.types[0]
	return []spec{{t.category, t.id(s.back)}}
}

// associations answers /crm/associations/{version}/{from}/{to}/…
func (a *Account) associations(r *request) (int, any) {
	if len(r.path) < 3 {
		return a.unknown(r)
	}
	s := side{from: a.object(r.path[0]), to: a.object(r.path[1])}
	if s.from == nil || s.to == nil {
		return a.unknown(r)
	}
	if s.rel, s.back = a.relation(s.from, s.to); s.rel == nil {
		return 0, invalid("No association types exist between " + s.from.name + " and " + s.to.name)
	}
	right := "write"
	if r.path[len(r.path)-1] == "read" || r.Method == "GET" {
		right = "read"
	}
	if f := r.lacks("crm.objects." + s.from.scope + "." + right); f != nil {
		return 0, f
	}
	if r.version == "v3" {
		return a.oldAssociations(r, s)
	}
	if r.path[2] == "labels" && len(r.path) < 5 {
		return a.labels(r, s)
	}
	if r.path[2] != "batch" || r.Method != "POST" || len(r.path) < 4 {
		return a.unknown(r)
	}
	switch call := r.path[3]; {
	case call == "read" && len(r.path) == 4:
		return a.readLinks(r, s)
	case call == "create" && len(r.path) == 4, call == "associate" && len(r.path) == 5 && r.path[4] == "default":
		return a.createLinks(r, s, call == "associate")
	case call == "archive" && len(r.path) == 4:
		return a.archiveLinks(r, s)
	case call == "labels" && len(r.path) == 5 && r.path[4] == "archive":
		return a.archiveLabels(r, s)
	}
	return a.unknown(r)
}

// page returns the associations of one record, a page of them, and where the next begins.
func (s side) page(id int64, after string, limit int) (page []link, next int64) {
	all := s.rel.seen(id, s.back)
	from, _ := strconv.Atoi(after)
	all = all[min(max(from, 0), len(all)):]
	if len(all) <= limit {
		return all, 0
	}
	return all[:limit], int64(max(from, 0) + limit)
}

// show shows associations as v4 and the dated versions do.
func (s side) show(r *request, links []link) []map[string]any {
	out := make([]map[string]any, 0, len(links))
	for _, l := range links {
		out = append(out, map[string]any{"toObjectId": r.toID(l.other), "associationTypes": s.rel.display(l.types, s.back != l.far)})
	}
	return out
}

func (a *Account) readLinks(r *request, s side) (int, any) {
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
		if x := s.from.live(n); x != nil {
			n = x.id
		}
		links, following := s.page(n, i.After, maxLinkReads)
		if len(links) == 0 {
			errs = append(errs, s.none(i.ID))
			continue
		}
		m := map[string]any{"from": map[string]any{"id": i.ID}, "to": s.show(r, links)}
		if following > 0 {
			m["paging"] = next(following)
		}
		results = append(results, m)
	}
	return a.linkBatch(r, 200, results, errs)
}

// none is the answer for a record without such associations.
func (s side) none(id string) *failure {
	f := fail(404, "OBJECT_NOT_FOUND", fmt.Sprintf("No %s is associated with %s %s.", s.to.single, s.from.single, id))
	f.SubCat, f.Context = "crm.associations.NO_ASSOCIATIONS_FOUND", map[string]any{"fromObjectId": []string{id}}
	return f
}

func (a *Account) linkBatch(r *request, status int, results any, errs []*failure) (int, any) {
	m := map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(r.now), "completedAt": stamp(r.now)}
	if len(errs) > 0 {
		m["numErrors"], m["errors"] = len(errs), errs
		status = 207
	}
	return status, m
}

func (a *Account) createLinks(r *request, s side, plain bool) (int, any) {
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
			types = s.plain()
		}
		x, _ := a.find(s.from, i.From.ID, "", false)
		t, f := a.tie(s.from, s.to, i.To.ID, types)
		if f != nil && f.Message[0] != 'T' {
			return 0, f // a type that does not exist
		}
		if x == nil || f != nil {
			errs = append(errs, absent(i.From.ID, i.To.ID))
			continue
		}
		a.bind(x, t, r.now, "api")
		results = append(results, map[string]any{
			"fromObjectTypeId": s.from.typeID, "fromObjectId": r.toID(x.id),
			"toObjectTypeId": s.to.typeID, "toObjectId": r.toID(t.to.id), "labels": t.rel.labels(t.types, t.back),
		})
	}
	status := 201
	if r.version == "2026-09" {
		status = 200
	}
	return a.linkBatch(r, status, results, errs)
}

// absent is the error of an association of which one end is not there.
func absent(from, to string) *failure {
	f := fail(404, "OBJECT_NOT_FOUND", "One or more of the objects do not exist.")
	f.Context = map[string]any{"fromObjectId": []string{from}, "toObjectId": []string{to}}
	return f
}

func (a *Account) archiveLinks(r *request, s side) (int, any) {
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
			a.unbind(s.rel, s.back, x, y, r.now, "api")
		}
	}
	return 204, nil
}

func (a *Account) archiveLabels(r *request, s side) (int, any) {
	var in struct{ Inputs []linkInput }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	for _, i := range in.Inputs {
		x, _ := parseID(i.From.ID)
		y, _ := parseID(i.To.ID)
		for _, t := range i.Types {
			n, far, ok := s.rel.find(t, s.back)
			if !ok {
				return 0, invalid(fmt.Sprintf("%d is not a valid association type between %s and %s", t.AssociationTypeID, s.from.name, s.to.name))
			}
			if far {
				x, y = y, x
			}
			if n == 0 { // without the plain type no other stays
				a.unbind(s.rel, false, x, y, r.now, "api")
			} else {
				s.rel.unlabel(x, y, n)
			}
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
	if old := r.version == "v3" && len(p) == 6; old {
		return a.oldLink(r)
	}
	if len(p) != 4 && len(p) != 5 {
		return a.unknown(r)
	}
	s := side{from: a.object(p[0]), to: a.object(p[3])}
	if s.from == nil || s.to == nil {
		return a.unknown(r)
	}
	if s.rel, s.back = a.relation(s.from, s.to); s.rel == nil {
		return 0, invalid("No association types exist between " + s.from.name + " and " + s.to.name)
	}
	x, _ := a.find(s.from, p[1], "", false)
	if x == nil {
		return 0, notFound()
	}
	if len(p) == 4 && r.Method == "GET" {
		return a.listLinks(r, s, x)
	}
	if len(p) != 5 {
		return a.unknown(r)
	}
	y, _ := a.find(s.to, p[4], "", false)
	if y == nil {
		return 0, notFound()
	}
	if r.Method == "DELETE" {
		a.unbind(s.rel, s.back, x.id, y.id, r.now, "api")
		return 204, nil
	}
	return a.putLink(r, s, x, y, plain)
}

// listLinks answers GET …/associations/{to}.
func (a *Account) listLinks(r *request, s side, x *rec) (int, any) {
	q := r.query("limit", "after")
	limit, f := a.limit(q["limit"], maxLinkPage, maxLinkPage)
	if f != nil {
		return 0, f
	}
	links, following := s.page(x.id, q["after"], limit)
	m := map[string]any{"results": s.show(r, links)}
	if r.version == "v3" {
		m["results"] = s.showOld(links)
	}
	if following > 0 {
		m["paging"] = next(following)
	}
	return 200, m
}

func (a *Account) putLink(r *request, s side, x, y *rec, plain bool) (int, any) {
	if r.Method != "PUT" {
		return a.unknown(r)
	}
	types := s.plain()
	if !plain {
		if f := r.decode(&types); f != nil {
			return 0, f
		}
	}
	t, f := a.tie(s.from, s.to, strconv.FormatInt(y.id, 10), types)
	if f != nil {
		return 0, f
	}
	a.bind(x, t, r.now, "api")
	if !plain {
		return 201, map[string]any{
			"fromObjectTypeId": s.from.typeID, "fromObjectId": r.toID(x.id),
			"toObjectTypeId": s.to.typeID, "toObjectId": r.toID(y.id), "labels": s.rel.labels(t.types, t.back),
		}
	}
	return a.linkBatch(r, 200, []map[string]any{{
		"from": map[string]any{"id": strconv.FormatInt(x.id, 10)}, "to": map[string]any{"id": strconv.FormatInt(y.id, 10)},
		"associationSpec": map[string]any{"associationCategory": types[0].AssociationCategory, "associationTypeId": types[0].AssociationTypeID},
	}}, nil)
}
