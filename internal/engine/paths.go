package engine

import "github.com/tandemhub/tandem/record"

// A step leads from one side of a sync to the other.
type step struct {
	sync string
	from record.Side
}

// maxSteps is how many syncs a way to a partner may lead through: one is a second sync of
// the same two objects, two a chain by way of a third system.
const maxSteps = 2

// findPaths finds, for each side of each sync, the ways through other syncs that end at its
// other side. Links that are there already are followed before anything is matched by key,
// else a chain of three systems would make pairs that cross (R14).
func (e *Engine) findPaths() {
	for _, p := range e.syncs {
		for _, side := range record.Sides() {
			p.paths[side] = e.pathsFrom(p, side)
		}
	}
}

func (e *Engine) pathsFrom(p *pair, side record.Side) [][]step {
	type way struct {
		steps []step
		end   end
	}
	var found [][]step
	ways := []way{{end: p.ends[side]}}
	for range maxSteps {
		var next []way
		for _, w := range ways {
			for _, q := range e.syncs {
				for s, from := range q.ends {
					if q == p || from.of != w.end.of || len(w.steps) > 0 && w.steps[len(w.steps)-1].sync == q.Name {
						continue
					}
					steps := append(append([]step(nil), w.steps...), step{sync: q.Name, from: record.Side(s)})
					to := q.ends[1-s]
					if to.of == p.ends[side.Other()].of {
						found = append(found, steps)
						continue
					}
					next = append(next, way{steps: steps, end: to})
				}
			}
		}
		ways = next
	}
	return found
}
