package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// CheckAll looks at the syncs together. It returns them with parents before children
// (R28), otherwise in the given order; references in a circle are fine, since they are
// filled in a second step. It reports two syncs that write the same field, and fields
// that are carried in a circle (R31).
func (p *Plan) CheckAll(all []*Resolved) ([]*Resolved, Problems) {
	flows := make([]flow, 0, len(all))
	for _, r := range all {
		flows = append(flows, flowOf(r))
	}
	ordered := make([]*Resolved, 0, len(all))
	for _, i := range parentsFirst(flows) {
		ordered = append(ordered, all[i])
	}
	var ps Problems
	for _, c := range conflicts(flows) {
		ps = append(ps, Problem{File: p.File, Line: all[c.at].Line, Text: c.text, Warning: c.warning})
	}
	return ordered, ps.sorted()
}

// A flow is what matters of a sync to the others.
type flow struct {
	name    string
	ends    [2]Endpoint
	where   [2]string
	parents [2][]string // objects that references of each side point to
	fields  []flowField
}

// A flowField is a pair of wire names and the sides that are written.
type flowField struct {
	names [2]string // "" where the other side is computed
	to    [2]bool
}

func flowOf(r *Resolved) flow {
	f := flow{name: r.Name, ends: r.Ends, where: r.Where}
	for _, side := range record.Sides() {
		f.parents[side] = r.Mapping.Parents(side)
	}
	for i, m := range r.Mapping.Fields() {
		d := r.Rules[i].Direction
		f.fields = append(f.fields, flowField{
			names: [2]string{m.Left.Name, m.Right.Name},
			to:    [2]bool{d.Allows(record.Left), d.Allows(record.Right)},
		})
	}
	return f
}

// parentsFirst returns the indices in the order of work: each sync after those that link
// what its references point to, as far as these are in no circle.
func parentsFirst(flows []flow) []int {
	order := make([]int, 0, len(flows))
	seen := make([]bool, len(flows))
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for j := range flows {
			if j != i && flows[j].isParentOf(flows[i]) {
				visit(j)
			}
		}
		order = append(order, i)
	}
	for i := range flows {
		visit(i)
	}
	return order
}

// isParentOf reports whether references of child are translated through f's links: f ends
// at an object that one of child's sides points to, and joins the same two connections.
func (f flow) isParentOf(child flow) bool {
	for _, side := range record.Sides() {
		near, far := child.ends[side].Connection, child.ends[side.Other()].Connection
		for _, mine := range record.Sides() {
			if f.ends[mine].Connection == near && f.ends[mine.Other()].Connection == far &&
				slices.Contains(child.parents[side], f.ends[mine].Object) {
				return true
			}
		}
	}
	return false
}

// A conflict is a mistake between syncs; it is reported at the later one's line.
type conflict struct {
	at      int
	text    string
	warning bool
}

func conflicts(flows []flow) []conflict {
	var found []conflict
	clash := make(map[[2]int]bool)
	for j := range flows {
		for i := range j {
			if c, is := twoWriters(flows[i], flows[j]); is {
				c.at = j
				clash[[2]int{i, j}] = true
				found = append(found, c)
			}
		}
	}
	return append(found, circles(flows, clash)...)
}

// twoWriters reports whether both syncs write the same field of an object, so that each
// would undo what the other did (R31).
func twoWriters(a, b flow) (conflict, bool) {
	var texts []string
	warning := true
	for _, sa := range record.Sides() {
		for _, sb := range record.Sides() {
			if a.ends[sa] != b.ends[sb] {
				continue
			}
			both := sharedFields(a, sa, b, sb)
			apart := separated(a, sa, b, sb)
			if len(both) == 0 || apart == disjoint {
				continue
			}
			warning = warning && apart == perhaps
			texts = append(texts, fmt.Sprintf("%s of %s", some(both), a.ends[sa]))
		}
	}
	if len(texts) == 0 {
		return conflict{}, false
	}
	text := fmt.Sprintf("syncs %q and %q both write %s", a.name, b.name, strings.Join(texts, ", and "))
	if warning {
		return conflict{text: text + "; it cannot be seen from their where filters that no record passes both", warning: true}, true
	}
	return conflict{text: text + "; give them where filters that no record passes both, or take the fields out of one"}, true
}

// sharedFields are the names that both syncs write on that side.
func sharedFields(a flow, sa record.Side, b flow, sb record.Side) []string {
	var both []string
	for _, f := range a.fields {
		if !f.to[sa] || f.names[sa] == "" {
			continue
		}
		for _, g := range b.fields {
			if g.to[sb] && g.names[sb] == f.names[sa] {
				both = append(both, f.names[sa])
				break
			}
		}
	}
	slices.Sort(both)
	return slices.Compact(both)
}

// separated tells whether a record can be in both syncs, which share an end: it cannot if
// the filters of that end, or of the other end where they share that too, exclude each
// other.
func separated(a flow, sa record.Side, b flow, sb record.Side) verdict {
	v := filters(a.where[sa], b.where[sb])
	if oa, ob := sa.Other(), sb.Other(); a.ends[oa] == b.ends[ob] {
		v = max(v, filters(a.where[oa], b.where[ob]))
	}
	return v
}

// some lists a few names and counts the rest.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
