package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// An edge is one way of a field through a sync: from a field of an object to another.
type edge struct {
	sync     int
	from, to spot
	side     record.Side // of the sync that is written
}

// A spot is a field of an object of a connection.
type spot struct {
	end   Endpoint
	field string
}

// circles finds fields whose value travels through syncs back to where it came from (R31):
// a change would go round until the rounds of R8 are used up. There and back through one
// sync is what two-way means and no circle. Pairs that are reported already are left out.
func circles(flows []flow, reported map[[2]int]bool) []conflict {
	s := circleSearch{flows: flows, out: make(map[spot][]edge), state: make(map[edge]int), found: make(map[string]bool)}
	edges := edgesOf(flows)
	for _, e := range edges {
		s.out[e.from] = append(s.out[e.from], e)
	}
	for _, e := range edges {
		s.visit(e)
	}
	var all []conflict
	for _, ring := range s.rings {
		if c, is := describe(flows, ring, reported); is {
			all = append(all, c)
		}
	}
	return all
}

func edgesOf(flows []flow) []edge {
	var edges []edge
	for i, f := range flows {
		for _, field := range f.fields {
			for _, to := range record.Sides() {
				from := to.Other()
				if field.to[to] && field.names[0] != "" && field.names[1] != "" {
					edges = append(edges, edge{
						sync: i, side: to,
						from: spot{f.ends[from], field.names[from]}, to: spot{f.ends[to], field.names[to]},
					})
				}
			}
		}
	}
	return edges
}

// A circleSearch walks edges in depth, never straight back through the same sync.
type circleSearch struct {
	flows []flow
	out   map[spot][]edge
	state map[edge]int // 0 new, 1 on the way, 2 done
	way   []edge
	rings [][]edge
	found map[string]bool // by the syncs of a ring
}

func (s *circleSearch) visit(e edge) {
	if s.state[e] != 0 {
		return
	}
	s.state[e] = 1
	s.way = append(s.way, e)
	for _, next := range s.out[e.to] {
		if next.sync == e.sync || !s.passes(e, next) {
			continue
		}
		if s.state[next] == 1 {
			s.ring(s.way[slices.Index(s.way, next):])
			continue
		}
		s.visit(next)
	}
	s.way = s.way[:len(s.way)-1]
	s.state[e] = 2
}

// passes reports whether a record that one sync wrote can go on through the next.
func (s *circleSearch) passes(e, next edge) bool {
	a, b := s.flows[e.sync], s.flows[next.sync]
	return separated(a, e.side, b, next.side.Other()) != disjoint
}

// ring notes a circle, once per set of syncs.
func (s *circleSearch) ring(way []edge) {
	id := fmt.Sprint(syncsOf(way))
	if !s.found[id] {
		s.found[id] = true
		s.rings = append(s.rings, slices.Clone(way))
	}
}

func syncsOf(way []edge) []int {
	var syncs []int
	for _, e := range way {
		syncs = append(syncs, e.sync)
	}
	slices.Sort(syncs)
	return slices.Compact(syncs)
}

func describe(flows []flow, ring []edge, reported map[[2]int]bool) (conflict, bool) {
	syncs := syncsOf(ring)
	for i, a := range syncs {
		for _, b := range syncs[i+1:] {
			if reported[[2]int{a, b}] {
				return conflict{}, false
			}
		}
	}
	var names, stations []string
	for _, i := range syncs {
		names = append(names, fmt.Sprintf("%q", flows[i].name))
	}
	for _, e := range ring {
		stations = append(stations, e.from.end.String()+"."+e.from.field)
	}
	stations = append(stations, stations[0])
	return conflict{
		at:   syncs[len(syncs)-1],
		text: fmt.Sprintf("syncs %s carry a field in a circle: %s; take it out of one of them", strings.Join(names, ", "), strings.Join(stations, " to ")),
	}, true
}
