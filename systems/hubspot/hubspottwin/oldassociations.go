package hubspottwin

import (
	"strconv"
	"strings"
)

// An oldInput is one row of a batch of v3, which names types and knows no labels.
type oldInput struct {
	From, To idOnly
	Type     string
}

// oldAssociations answers /crm/v3/associations/{from}/{to}/…; see
// https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/v3/guide
func (a *Account) oldAssociations(r *request, s side) (int, any) {
	switch call := r.Method + " " + strings.Join(r.path[2:], "/"); call {
	case "GET types":
		results := []map[string]any{}
		for _, t := range s.rel.types {
			if t.gone {
				continue
			}
			results = append(results, map[string]any{"id": strconv.Itoa(t.id(s.back)), "name": t.nameOf(s.back)})
		}
		return 200, map[string]any{"results": results}
	case "POST batch/read":
		return a.oldRead(r, s)
	case "POST batch/create", "POST batch/archive":
		return a.oldWrite(r, s, call == "POST batch/archive")
	}
	return a.unknown(r)
}

func (a *Account) oldRead(r *request, s side) (int, any) {
	var in struct{ Inputs []idOnly }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	results := []map[string]any{}
	var errs []*failure
	for _, i := range in.Inputs {
		n, _ := parseID(i.ID)
		links := s.rel.seen(n, s.back)
		if len(links) == 0 {
			errs = append(errs, s.none(i.ID))
			continue
		}
		results = append(results, map[string]any{"from": map[string]any{"id": i.ID}, "to": s.showOld(links)})
	}
	return a.linkBatch(r, 200, results, errs)
}

func (a *Account) oldWrite(r *request, s side, archive bool) (int, any) {
	var in struct{ Inputs []oldInput }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	results := []map[string]any{}
	var errs []*failure
	for _, i := range in.Inputs {
		n, ok := s.named(i.Type)
		if !ok {
			return 0, invalid("invalid association type: " + i.Type)
		}
		x, _ := a.find(s.from, i.From.ID, "", false)
		y, _ := a.find(s.to, i.To.ID, "", false)
		switch {
		case archive && x != nil && y != nil:
			a.unbind(s.rel, s.back, x.id, y.id, r.now, "api")
		case archive:
		case x == nil || y == nil:
			errs = append(errs, absent(i.From.ID, i.To.ID))
		default:
			a.bind(x, tie{rel: s.rel, back: s.back, to: y, types: []int{n}}, r.now, "api")
			results = append(results, map[string]any{"from": map[string]any{"id": i.From.ID}, "to": map[string]any{"id": i.To.ID}, "type": i.Type})
		}
	}
	if archive {
		return 204, nil
	}
	return a.linkBatch(r, 201, results, errs)
}

// named finds an association type by the name that v3 has for it.
func (s side) named(name string) (int, bool) {
	for i, t := range s.rel.types {
		if !t.gone && t.nameOf(s.back) == name {
			return i, true
		}
	}
	return 0, false
}

// oldLink answers PUT and DELETE …/{from}/{id}/associations/{to}/{toId}/{type} of v3.
func (a *Account) oldLink(r *request) (int, any) {
	p := r.path
	s := side{from: a.object(p[0]), to: a.object(p[3])}
	if s.from == nil || s.to == nil {
		return a.unknown(r)
	}
	if s.rel, s.back = a.relation(s.from, s.to); s.rel == nil {
		return 0, invalid("No association types exist between " + s.from.name + " and " + s.to.name)
	}
	n, ok := s.named(p[5])
	if !ok {
		return 0, invalid("invalid association type: " + p[5])
	}
	x, _ := a.find(s.from, p[1], "", false)
	y, _ := a.find(s.to, p[4], "", false)
	switch {
	case x == nil || y == nil:
		return 0, notFound()
	case r.Method == "DELETE":
		a.unbind(s.rel, s.back, x.id, y.id, r.now, "api")
		return 204, nil
	case r.Method == "PUT":
		a.bind(x, tie{rel: s.rel, back: s.back, to: y, types: []int{n}}, r.now, "api")
		return 200, a.append(nil, s.from, x, shown{names: s.from.defaults, with: []*object{s.to}})
	}
	return a.unknown(r)
}
