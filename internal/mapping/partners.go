package mapping

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/tandemhub/tandem/record"
)

// Some vendors keep a relation at the other end: a company names its people, where elsewhere each
// person names the company. partners(persons) comes to the partners of those that refer to a
// record, for a field of references at the other side. Who has no partner yet is left out, and
// added as soon as there is one (R11, R28).

// ChildID is the name under which a child holds its own id, where that is read.
const ChildID = childPrefix + "id"

// usePartners makes a node, which is an array, the partners of its records.
func (p *patcher) usePartners(node *ast.Node, k *kin) {
	if p.partners != "" && p.partners != k.object.Name {
		p.problemf("partners of %s and of %s are no references to one object", p.partners, k.object.Name)
	}
	k.linked, p.partners = true, k.object.Name
	*node = step("partners", *node, &ast.StringNode{Value: k.object.Name})
}

// partnersOf is partners(list): the ids of the partners, sorted.
func partnersOf(r *run, a []any) (any, error) {
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	if err := r.charge(costOfStep * len(items)); err != nil {
		return nil, err
	}
	if r.refs == nil {
		r.missed = true // R11
		return []any{}, nil
	}
	object, _ := a[1].(string)
	var ids []string
	for _, item := range items {
		group, _ := item.(map[string]any)
		id, _ := group[ChildID].(string)
		if to, ok := r.refs.Translate(r.side, object, id); ok && to != "" {
			ids = append(ids, to)
		}
	}
	slices.Sort(ids)
	out := make([]any, 0, len(ids))
	for _, id := range slices.Compact(ids) {
		out = append(out, id)
	}
	return out, nil
}

// holdsPartners reports whether a field can hold what an expression comes to, as far as it is
// about references: these are partners, or nothing else.
func (c *compiler) holdsPartners(e Entry, to record.Side, target record.Field, prog *program) bool {
	source := to.Other()
	fits := func() bool {
		left, right := prog.partners, target.To
		if source == record.Right {
			left, right = right, left
		}
		return c.in.Links != nil && c.in.Links(left, right)
	}
	switch isRefs := target.Kind == record.KindReferences; {
	case !isRefs && prog.partners == "":
		return true
	case !isRefs:
		c.problemf(e.path(to.String()), "%q is a %s and cannot hold partners; only a field of several references can", target.Name, target.Kind)
	case prog.partners == "":
		c.problemf(e.path(to.String()), "%q holds references to %s: from has to be partners(…) of what refers to %s", target.Name, orUnknown(target.To), c.object(source).Name)
	case !fits():
		c.problemf(e.path(to.String()), "%q refers to %s, and no sync links these with %s", target.Name, orUnknown(target.To), prog.partners)
	default:
		return true
	}
	return false
}

// listOnly lets lists pass for a field of references, which connectors read element by element: of one
// value, such as first(partners(persons)), a create would tell nothing.
func listOnly(to record.Field) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if !v.IsEmpty() && !v.IsList() {
			return v, false, misfit(to, "%.60q is no list of partners, as partners(…) is", v.String())
		}
		return v, true, nil
	}
}

// noPartners says what partners takes.
func (p *patcher) noPartners() {
	words := "the records that refer to this one"
	if len(p.kin) > 0 {
		words = fmt.Sprintf("the records that refer to this one, such as partners(%s)", p.kin[0].object.Name)
	}
	p.problemf("partners takes %s", words)
}
