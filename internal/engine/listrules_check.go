package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
)

// knownLists makes sure, once in a process and before anything is planned, that the lists are
// there that rules name: a vendor answers a write to one that is not by refusing the whole
// record, or by nothing at all.
func (r *run) knownLists(ctx context.Context) error {
	if r.p.listsKnown || r.rec.Hinted {
		return nil
	}
	for _, f := range r.p.Mapping.Fields() {
		for _, side := range record.Sides() {
			own, end := fieldOn(f, side), r.p.ends[side]
			of, readable := end.conn.objects[own.To]
			if len(f.Lists) == 0 || own.Name == "" || !readable || end.conn.able.Reader == nil {
				continue
			}
			missing, err := missingLists(metered(ctx, r.calls[side]), end.conn.able.Reader, of, f.Lists)
			if err != nil {
				return fmt.Errorf("look for the lists that rules name: %w", r.e.spoil(ctx, end.conn, err))
			}
			if len(missing) > 0 {
				return plan.Problems{{File: r.e.plan.File, Line: r.p.Line, Text: fmt.Sprintf("sync %s: lists: %s has no %s %s; tandem fields %s shows what there is",
					r.p.Name, end.of.Connection, of.Name, strings.Join(missing, ", "), end.of.Connection)}}
			}
		}
	}
	r.p.listsKnown = true
	return nil
}

func missingLists(ctx context.Context, reader connector.Reader, of record.Object, ids []string) ([]string, error) {
	missing := slices.Clone(ids)
	for chunk := range slices.Chunk(ids, max(1, of.ReadBatch)) {
		changes, err := reader.Read(ctx, of.Name, chunk)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.Fate == connector.Present {
				missing = slices.DeleteFunc(missing, func(id string) bool { return id == c.ID })
			}
		}
	}
	return missing, nil
}
