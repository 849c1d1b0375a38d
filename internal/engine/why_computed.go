package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// computed adds to a field that is computed from the other side by what, and what that comes to
// now, with the records that were looked into.
func (x *explainer) computed(ctx context.Context, w *WhyField, i int) error {
	other := x.side.Other()
	m := x.r.p.Mapping
	source := m.Source(i, other)
	if source == "" || x.link.ID == 0 || x.link.Closed != "" {
		return nil
	}
	partner, refs, err := x.partnerRow(ctx)
	if err != nil {
		return err
	}
	now := "of which nothing is known"
	v, known, err := m.Own(i, other, partner.Fields, refs)
	if err != nil {
		return err
	}
	if fault := m.Fault(i, other, partner.Fields, refs); fault != nil {
		now = "which has no value: " + fault.Error()
	} else if known {
		now = fmt.Sprintf("which comes to %q", v)
		if misfit, is := errors.AsType[*mapping.MisfitError](convertible(m, i, other, v, refs)); is && w.State == "never agreed" {
			w.State, w.Reason = "differs", WhyReason{Rule: ruleOf("R29"), Text: misfit.Error()}
		}
	}
	if seen := x.lookedInto(partner.Fields); seen != "" {
		now = now + " with " + seen
	}
	w.Origin.Text = strings.TrimPrefix(fmt.Sprintf("%s; computed by %s of %s, %s", w.Origin.Text, source, x.partner(), now), "; ")
	return nil
}

// convertible returns why a value cannot be told to the other side; nil if it can.
func convertible(m *mapping.Mapping, i int, from record.Side, v record.Value, refs mapping.Refs) error {
	_, _, err := m.Convert(i, from, v, refs)
	return err
}

// partnerRow loads the record at the other side, and what its expressions look into.
func (x *explainer) partnerRow(ctx context.Context) (store.Row, *refs, error) {
	other := x.side.Other()
	rows, err := x.r.e.store.Rows(ctx, x.r.p.ends[other].of, []string{x.link.IDs[other]})
	if err != nil {
		return store.Row{}, nil, err
	}
	var both [2]map[string]store.Row
	both[other] = rows
	refs, err := x.r.loadRefs(ctx, both)
	return rows[x.link.IDs[other]], refs, err
}

// lookedInto counts the records that refer to the one whose fields these are.
func (x *explainer) lookedInto(fields record.Fields) string {
	var parts []string
	for _, c := range x.r.p.Mapping.Children(x.side.Other()) {
		if v, ok := fields[c.Key()]; ok {
			parts = append(parts, fmt.Sprintf("%d of %s that refer to it by %s", len(v.Items()), c.Object, c.Field))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
