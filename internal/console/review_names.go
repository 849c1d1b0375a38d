package console

import (
	"context"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// mostResolved is how many syncs a list of items is looked up in for what its references are called.
const mostResolved = 4

// A pairNamer shows the two values of conflicts; those that are references by the names of records.
type pairNamer struct {
	fields map[string]map[string][2]record.Field // references, by sync and key
	ends   map[string][2]plan.Endpoint
	named  engine.Naming
}

// namerOf finds out what the references among some items are called: once for each sync, of which
// there are few, and once for each object that they point to.
func (c *console) namerOf(ctx context.Context, items []store.Review) (*pairNamer, error) {
	n := &pairNamer{fields: map[string]map[string][2]record.Field{}, ends: map[string][2]plan.Endpoint{}}
	for _, it := range items {
		if it.Kind != store.ReviewConflict || it.Link == 0 || !likeIDs(it.Values) {
			continue
		}
		if _, known := n.fields[it.Sync]; !known {
			if len(n.fields) == mostResolved {
				continue
			}
			if err := n.learn(ctx, c, it.Sync); err != nil {
				return nil, err
			}
		}
		if of, is := n.fields[it.Sync][it.Field]; is {
			for side, v := range it.Values {
				n.named.Want(n.ends[it.Sync][side].Connection, of[side], v)
			}
		}
	}
	return n, n.named.Load(ctx, c.hub.Store())
}

// likeIDs reports whether two values may be references: ids have no spaces, and are short.
func likeIDs(values [2]record.Value) bool {
	for _, v := range values {
		if text := v.String(); !v.IsList() && (len(text) > 64 || strings.ContainsAny(text, " @")) {
			return false
		}
	}
	return true
}

// learn finds the references among the fields of a sync.
func (n *pairNamer) learn(ctx context.Context, c *console, name string) error {
	n.fields[name] = map[string][2]record.Field{}
	sync, known := c.hub.Plan().Sync(name)
	if !known {
		return nil
	}
	n.ends[name] = sync.Ends
	resolved, _, err := engine.Remembered(ctx, c.hub.Store(), c.hub.Plan(), sync)
	if err != nil || resolved == nil {
		return err
	}
	for _, f := range resolved.Mapping.Fields() {
		if f.Left.To != "" || f.Right.To != "" {
			n.fields[name][f.Key] = [2]record.Field{f.Left, f.Right}
		}
	}
	return nil
}

// sides shows what the two sides of a conflict hold, as they spell it. It reports false for what
// is about no two values.
func (n *pairNamer) sides(it store.Review) (sides [2]cell, two bool) {
	if it.Kind != store.ReviewConflict || it.Link == 0 {
		return sides, false
	}
	of, reference := n.fields[it.Sync][it.Field]
	for side, v := range it.Values {
		if sides[side].None = v.IsEmpty(); !sides[side].None {
			sides[side].Before = shorten(v.String(), 60)
		}
		if reference {
			sides[side] = namedCell(sides[side], &n.named, n.ends[it.Sync][side].Connection, of[side], v)
		}
	}
	if reference {
		return sides, true
	}
	return [2]cell{sides[0].against(sides[1]), sides[1].against(sides[0])}, true
}
