package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// RememberedObjects returns the objects of a connection as they were last described, less what
// its account lacks a right for; nothing if it was never asked. No vendor is called.
func RememberedObjects(ctx context.Context, s *store.Store, connection string) ([]record.Object, error) {
	known, _, err := s.Connection(ctx, connection)
	if err != nil {
		return nil, fmt.Errorf("load connection %s: %w", connection, err)
	}
	objects := slices.Clone(known.Schema.Objects)
	for i := range objects {
		for _, l := range known.Identity.Lacks {
			if l.Object == "" || l.Object == objects[i].Name {
				mask(&objects[i], l.What)
			}
		}
	}
	return objects, nil
}

// Remembered resolves a sync against what is remembered of its two connections, to be shown; nil
// without problems if one of them was never asked. No vendor is called. Rules of events are left
// out: whether a system takes them is known once its connection is opened.
func Remembered(ctx context.Context, s *store.Store, p *plan.Plan, sync plan.Sync) (*plan.Resolved, plan.Problems, error) {
	var objects [2]record.Object
	var around plan.Around
	for _, side := range record.Sides() {
		all, err := RememberedObjects(ctx, s, sync.Ends[side].Connection)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(all, func(o record.Object) bool { return o.Name == sync.Ends[side].Object })
		if i < 0 {
			return nil, nil, nil
		}
		objects[side], around.Kin[side] = all[i], all
	}
	sync.Events = nil
	r, problems := p.ResolveAmong(sync, objects[record.Left], objects[record.Right], around)
	return r, problems, nil
}
