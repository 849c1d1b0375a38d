package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// An AffectedRecord is one record that a guard, or a changed configuration, has stopped, and what
// would be written because of it.
type AffectedRecord struct {
	Record string          `json:"record"` // where it happened: "erp.contacts/12"
	Verb   string          `json:"would,omitempty"`
	Target string          `json:"to,omitempty"` // "" for a create
	Fields []AffectedField `json:"fields,omitempty"`
	Title  string          `json:"-"` // what people call it; "" = the mirror does not say
}

// An AffectedField is one value that would be written.
type AffectedField struct {
	Name string       `json:"name"`
	Old  record.Value `json:"old"`
	New  record.Value `json:"new"`
}

// Affected tells of records that an item names, in that order, what would be written because of
// them. It asks the store alone.
func Affected(ctx context.Context, s *store.Store, p *plan.Plan, it store.Review, names []string) ([]AffectedRecord, error) {
	sync, known := p.Sync(it.Sync)
	var ids [2][]string
	if known {
		for _, name := range names {
			if side, id, ok := sideOf(sync, name); ok {
				ids[side] = append(ids[side], id)
			}
		}
	}
	var held [2]map[string]store.Op
	var rows [2]map[string]store.Row
	for _, side := range record.Sides() {
		if len(ids[side]) == 0 {
			continue
		}
		var err error
		if held[side], err = s.OpsFrom(ctx, it.Sync, side.Other(), ids[side], store.OpHeld); err != nil {
			return nil, fmt.Errorf("load what was stopped: %w", err)
		}
		if rows[side], err = s.Rows(ctx, store.Object{Connection: sync.Ends[side].Connection, Name: sync.Ends[side].Object}, ids[side]); err != nil {
			return nil, fmt.Errorf("load what was stopped: %w", err)
		}
	}
	out := make([]AffectedRecord, len(names))
	for i, name := range names {
		out[i].Record = name
		if side, id, ok := sideOf(sync, name); ok && known {
			out[i].Title = title(rows[side][id].Fields)
			if op, is := held[side][id]; is {
				out[i].would(op)
			}
		}
	}
	return out, nil
}

// sideOf finds the record that a name such as "erp.contacts/12" means.
func sideOf(sync plan.Sync, name string) (record.Side, string, bool) {
	for _, side := range record.Sides() {
		if id, ok := strings.CutPrefix(name, sync.Ends[side].String()+"/"); ok {
			return side, id, true
		}
	}
	return 0, "", false
}

func (r *AffectedRecord) would(op store.Op) {
	r.Verb = string(op.Verb)
	if op.TargetID != "" {
		r.Target = op.Target.String() + "/" + op.TargetID
	}
	for _, name := range op.Set.Names() {
		r.Fields = append(r.Fields, AffectedField{name, op.Was[name], op.Set[name]})
	}
}
