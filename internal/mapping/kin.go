package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tandemhub/tandem/record"
)

// An object that refers to this one is an array under its name: count(deals, .status == "won").
// The records of the array come with the record's fields, under a name that no vendor's field
// can have, so that whoever has none at hand has no value instead of an empty array (R11).

// A Child is an object whose records refer to a record, as far as expressions read it.
type Child struct {
	Object string   // wire name
	Field  string   // wire name of its reference
	Names  []string // wire names of the fields that are read, sorted
	Linked bool     // their partners are read: each holds its id as [ChildID]
}

// Key is the name under which a record's fields hold its children: a list of structs.
func (c Child) Key() string { return childPrefix + c.Object + "." + c.Field }

const childPrefix = "<"

// IsChildKey reports whether a name of a record's fields is no field of the vendor's, but holds
// records that refer to the record.
func IsChildKey(name string) bool { return strings.HasPrefix(name, childPrefix) }

// Children returns what the expressions of a side read of the records that refer to one. The
// caller must not change them.
func (m *Mapping) Children(side record.Side) []Child { return m.children[side] }

// A kin is one way in which records of another object refer to the object of an expression.
type kin struct {
	object record.Object
	field  string
	names  map[string]bool // wire names that are read
	linked bool            // their partners are read
}

func (k *kin) key() string { return Child{Object: k.object.Name, Field: k.field}.Key() }

// operand is the children of a record as an expression sees them.
func (k *kin) operand(v record.Value) any {
	items := make([]any, 0, len(v.Items()))
	for _, item := range v.Items() {
		group := make(map[string]any, len(k.names))
		for name := range k.names {
			f, _ := k.object.Field(name)
			group[name] = operand(f, item.Fields()[name])
		}
		if k.linked {
			group[ChildID] = item.Fields()[ChildID].Text()
		}
		items = append(items, group)
	}
	return items
}

// kinOf lists all ways in which objects refer to one.
func kinOf(o record.Object, among []record.Object) []*kin {
	var all []*kin
	for _, other := range among {
		for _, f := range other.Fields {
			if isReference(f.Kind) && f.To == o.Name && !f.Key {
				all = append(all, &kin{object: other, field: f.Name, names: map[string]bool{}})
			}
		}
	}
	return all
}

// childrenOf merges what several programs read.
func childrenOf(programs []*program) []Child {
	var all []Child
	for _, p := range programs {
		if p == nil {
			continue
		}
		for _, k := range p.kin {
			c := Child{Object: k.object.Name, Field: k.field}
			i := slices.IndexFunc(all, func(d Child) bool { return d.Object == c.Object && d.Field == c.Field })
			if i < 0 {
				all, i = append(all, c), len(all)
			}
			all[i].Linked = all[i].Linked || k.linked
			for name := range k.names {
				all[i].Names = append(all[i].Names, name)
			}
		}
	}
	for i := range all {
		all[i].Names = unique(all[i].Names)
	}
	slices.SortFunc(all, func(a, b Child) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

// related finds the array that a name means: an object, or an object and its reference.
// several says that the object's name alone is not enough.
func (p *patcher) related(name string) (found *kin, several []string) {
	for _, k := range p.kin {
		if full := k.object.Name + "." + k.field; full == name {
			return k, nil
		}
		if k.object.Name == name {
			found = k
			several = append(several, fmt.Sprintf("f[%q]", name+"."+k.field))
		}
	}
	if len(several) > 1 {
		return nil, several
	}
	return found, nil
}

// useKin makes a node the array of those that refer to the record.
func (p *patcher) useKin(node *ast.Node, k *kin) {
	ast.Patch(node, &ast.IdentifierNode{Value: fieldPrefix + k.key()})
	p.lists[*node] = k
	if !slices.Contains(p.used, k) {
		p.used = append(p.used, k)
	}
}

// kinMember is a dot or an index after an array, or after one record of it. It reports whether
// the node was one.
func (p *patcher) kinMember(node *ast.Node, n *ast.MemberNode) bool {
	property, named := n.Property.(*ast.StringNode)
	if k := p.lists[n.Node]; k != nil {
		switch {
		case !named:
			ast.Patch(node, step("member", n.Node, n.Property))
			p.ones[*node] = k
		case property.Value == k.field:
			*node = n.Node // deals.person_id, although deals alone would do
		default:
			p.problemf("%s are several records; count, sum, filter or latest makes one value of them", k.object.Name)
		}
		return true
	}
	k := p.ones[n.Node]
	if k == nil {
		return false
	}
	if named {
		p.kinField(k, property)
	}
	ast.Patch(node, step("member", n.Node, n.Property))
	return true
}

// kinField resolves the name of a field of the records of an array.
func (p *patcher) kinField(k *kin, name *ast.StringNode) {
	f, ok := resolve(k.object, name.Value)
	if !ok {
		p.problems = append(p.problems, unknownField(p.path, k.object, name.Value))
		return
	}
	k.names[f.Name] = true
	name.Value = f.Name
}

// bodies gives the names in the body of a loop their meaning: ".status" is a field of each
// record of the array.
func (p *patcher) bodies(n *ast.BuiltinNode) {
	k := p.lists[n.Arguments[0]]
	for _, arg := range n.Arguments[1:] {
		if body, ok := arg.(*ast.PredicateNode); ok {
			ast.Walk(&body.Node, &elementNames{p: p, k: k})
		}
	}
	if k == nil {
		return
	}
	switch n.Name {
	case "filter":
		p.lists[n] = k
	case "find":
		p.ones[n] = k
	}
}

// elementNames visits the body of a loop. The body of a loop within it was visited before.
type elementNames struct {
	p *patcher
	k *kin
}

// Visit implements ast.Visitor.
func (e *elementNames) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok || len(call.Arguments) != 3 || e.p.explained[call] {
		return
	}
	callee, ok := call.Callee.(*ast.IdentifierNode)
	if !ok || callee.Value != stepPrefix+"member" {
		return
	}
	name, named := call.Arguments[2].(*ast.StringNode)
	switch inner := call.Arguments[1].(type) {
	case *ast.PointerNode:
		e.p.explained[call] = true
		if e.k != nil && named {
			e.p.kinField(e.k, name)
			e.p.ofElement[call] = e.k
		}
	case *ast.CallNode:
		if k := e.p.ofElement[inner]; k != nil && named {
			e.p.explained[call] = true
			e.p.problemf("a second dot cannot follow a field of %s", k.object.Name)
		}
	}
}

// kinCall is a function of an array: first, last, latest, min or max of its records. It reports
// whether it has dealt with the call.
func (p *patcher) kinCall(node *ast.Node, name string, args []ast.Node) bool {
	k := (*kin)(nil)
	if len(args) > 0 {
		k = p.lists[args[0]]
	}
	by, written := (*ast.StringNode)(nil), false
	if len(args) == 2 {
		by, written = args[1].(*ast.StringNode)
	}
	switch {
	case k == nil:
		return false
	case name == "pick":
		for _, arg := range []ast.Node{args[1], args[3]} {
			if s, ok := arg.(*ast.StringNode); ok && s.Value != "" {
				p.kinField(k, s)
			}
		}
		ast.Patch(node, step(name, args...))
		p.ones[*node] = k
	case name == "partners":
		*node = args[0]
		p.usePartners(node, k)
	case (name == "first" || name == "last") && len(args) == 1:
		ast.Patch(node, step(name, args...))
		p.ones[*node] = k
	case (name == "latest" || name == "min" || name == "max") && written:
		p.kinField(k, by)
		ast.Patch(node, step(map[string]string{"latest": "latest", "min": "least", "max": "most"}[name], args...))
		if name == "latest" {
			p.ones[*node] = k
		}
	case name == "latest" || name == "min" || name == "max":
		p.problemf("%s takes %s and the name of one of its fields in quotes, such as %s(%s, %q)", name, k.object.Name, name, k.object.Name, k.field)
	default:
		return false
	}
	return true
}
