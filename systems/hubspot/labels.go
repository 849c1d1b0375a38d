package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// settingAssociations says which associations are fields. To find out the customer's costs a
// call for each pair of objects whenever the schema is read, and to read those of further
// objects one for each page.
const (
	settingAssociations = "associations"
	associationsAll     = "all"
	associationsMain    = "main"
)

// label is an association type between two objects, as seen from the first; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associations-schema/guide
type label struct {
	Category string `json:"category"`
	ID       int    `json:"typeId"`
	Label    string `json:"label"` // null of the plain type
}

func (t label) kind() associationType { return associationType{Category: t.Category, ID: t.ID} }

// labels reads the association types between two objects.
func (c *conn) labels(ctx context.Context, from, to string) ([]label, error) {
	var answer struct {
		Results []label `json:"results"`
	}
	_, err := c.read(ctx, rest.Call{Path: c.path(areaAssociations, from, to, "labels"), Into: &answer})
	if err != nil {
		return nil, fmt.Errorf("read association labels of %s and %s: %w", from, to, err)
	}
	return answer.Results, nil
}

// hub are the objects whose associations with each other, and with the customer's own
// objects, can have labels of the customer's.
func hub() []string { return []string{companies, contacts, deals} }

// furtherLinks finds out the associations that are not the same in all accounts: those with
// labels of the customer's, and those of the customer's own objects. A label that an app made,
// or HubSpot's own like "Parent company", is none of them.
func (c *conn) furtherLinks(ctx context.Context, k kind, own []customSchema) ([]link, error) {
	if c.settings[settingAssociations] == associationsMain || !isCustom(k.name) && !slices.Contains(hub(), k.name) {
		return nil, nil
	}
	var out []link
	for _, to := range partners(k, own) {
		all, err := c.labels(ctx, k.name, to.name)
		if isAbsent(err) { // without the right to see the other object they are none
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			l := link{to: to.name, typ: t.ID, category: t.Category, many: true, label: t.Label}
			switch {
			case t.Label != "" && t.Category == definedByUser:
				l.role = true
			case t.Label == "" && (isCustom(k.name) || isCustom(to.name)) && !slices.ContainsFunc(out, func(x link) bool { return x.to == l.to && !x.role }):
				l.label = to.title
			default:
				continue
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// partners are the objects that records of one can be associated with in this account.
func partners(k kind, own []customSchema) []kind {
	var out []kind
	for _, name := range hub() {
		if to, _ := kindOf(name); !isCustom(k.name) || tied(k, to, own) {
			out = append(out, to)
		}
	}
	for _, s := range own {
		if to := s.kind(); tied(k, to, own) {
			out = append(out, to)
		}
	}
	return out
}

// tied reports whether a schema of the customer's names an association of two objects.
func tied(from, to kind, own []customSchema) bool {
	for _, s := range own {
		for _, a := range s.Associations {
			if a.From == from.typeID && a.To == to.typeID {
				return true
			}
		}
	}
	return false
}

// recallLink makes the link of a field that furtherLinks found in another process. The type
// of the plain ones is not in it: [conn.typeOf] asks for it.
func recallLink(f record.Field) (link, bool) {
	name, ok := strings.CutPrefix(f.Name, "associations.")
	if !ok || f.Name == fieldLists {
		return link{}, false
	}
	l := link{to: f.To, label: f.Label, many: true}
	if _, number, ok := strings.Cut(name, "."); ok {
		n, err := strconv.Atoi(number)
		l.typ, l.category, l.role = n, definedByUser, true
		return l, err == nil
	}
	return l, true
}

// typeOf returns the type by which an association is made.
func (c *conn) typeOf(ctx context.Context, object string, l link) (associationType, error) {
	if l.typ != 0 {
		return l.kind(), nil
	}
	all, err := c.labels(ctx, object, l.to)
	if err != nil {
		return associationType{}, err
	}
	if i := slices.IndexFunc(all, func(t label) bool { return t.Label == "" }); i >= 0 {
		return all[i].kind(), nil
	}
	return associationType{}, &connector.Error{
		Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: l.field(object),
		Fix: "tandem check reads anew what can be associated",
		Err: fmt.Errorf("%s and %s cannot be associated any more", object, l.to),
	}
}

// standing leaves out the labels that are no more: with a label its associations lose it, and
// to take that for a person's clearing would clear the other system's, too (R11). As long as
// one record has the label it is there; else it is asked for.
func (c *conn) standing(ctx context.Context, object string, links []link, found map[string][]associated) ([]link, error) {
	seen := func(l link) bool {
		for _, all := range found {
			if slices.ContainsFunc(all, func(a associated) bool { return a.bears(l) }) {
				return true
			}
		}
		return false
	}
	if !slices.ContainsFunc(links, func(l link) bool { return l.role && !seen(l) }) {
		return links, nil
	}
	all, err := c.labels(ctx, object, links[0].to)
	if err != nil && !isAbsent(err) {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(links), func(l link) bool {
		return l.role && !seen(l) && !slices.ContainsFunc(all, func(t label) bool { return t.kind() == l.kind() })
	}), nil
}
