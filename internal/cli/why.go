package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

type whyCmd struct {
	Record string `arg:"" help:"A record as tandem history names it: erp.contacts/12."`
	Field  string `arg:"" optional:"" help:"Only this field. All if left out."`
}

// Run explains. It reads our own records only and calls nobody.
func (c *whyCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	of, id, err := jsonl.Record(p, c.Record)
	if err != nil {
		return misnamed(err)
	}
	s, err := a.openPlan(ctx, p, look, nil)
	if err != nil {
		return err
	}
	defer s.close(&err)
	all, err := s.engine.Why(ctx, of, id, c.Field)
	if err != nil {
		return err
	}
	if c.Field != "" && !anyField(all) {
		return usage("no sync of %s keeps a field %q in step; tandem why %s shows those that are", of, c.Field, c.Record)
	}
	for _, y := range all {
		if a.json {
			err = a.line(jsonl.OfWhy(y))
		} else {
			err = a.print(whyText(y, p.Timezone, c.Field != ""))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func anyField(all []engine.Why) bool {
	for _, y := range all {
		if len(y.Fields) > 0 || y.State == "unknown" {
			return true
		}
	}
	return false
}

// whyText tells it to people; trail adds the history of the field.
func whyText(y engine.Why, zone *time.Location, trail bool) string {
	var b strings.Builder
	name := ""
	if y.Title != "" {
		name = " (" + oneLine(y.Title) + ")"
	}
	state := y.State
	if y.Partner != "" {
		state += " with " + oneLine(y.Partner)
	}
	fmt.Fprintf(&b, "%s/%s%s in %s: %s\n", y.Of, oneLine(y.ID), name, y.Sync, state)
	for _, r := range y.Reasons {
		b.WriteString(reasonText("  ", r))
	}
	for _, item := range y.Reviews {
		fmt.Fprintf(&b, "  waits for you: %s\n    tandem review show %d\n", oneLine(item.Text), item.ID)
	}
	for _, e := range y.Decided {
		fmt.Fprintf(&b, "  %s decided: %s, %s\n", oneLine(e.By), oneLine(e.Why), stamp(e.At, zone))
	}
	for _, f := range y.Fields {
		fmt.Fprintf(&b, "  %s = %s", f.Field, shown(f.Value, valueWidth))
		if f.State != "" && f.State != "agreed" {
			fmt.Fprintf(&b, ", %s", f.State)
		}
		b.WriteByte('\n')
		if f.Reason.Text != "" {
			b.WriteString(reasonText("    ", f.Reason))
		}
		b.WriteString(originText(f.Origin, zone))
		if trail {
			b.WriteString(trailText(f.Trail, zone))
		}
	}
	return b.String()
}

func reasonText(indent string, r engine.WhyReason) string {
	text := indent + oneLine(r.Text) + "\n"
	if r.Rule.Number != "" {
		text += indent + "  " + r.Rule.Number + ": " + r.Rule.Text + "\n"
	}
	if r.Fix != "" {
		text += indent + "  what to do: " + oneLine(r.Fix) + "\n"
	}
	return text
}

func originText(o engine.WhyOrigin, zone *time.Location) string {
	text := "    " + oneLine(o.Text)
	if o.Entry != nil {
		text += ", " + stamp(o.Entry.At, zone)
	}
	if !o.Replaced.IsEmpty() {
		text += "; it replaced " + shown(o.Replaced, valueWidth)
	}
	if o.Rule.Number != "" {
		text += "\n      " + o.Rule.Number + ": " + o.Rule.Text
	}
	return text + "\n"
}

func trailText(lines []store.Entry, zone *time.Location) string {
	var t table
	for _, e := range lines {
		t.add(stamp(e.At, zone), entryRecord(e), entryWhat(e), entryWhy(e))
	}
	if len(lines) == 0 {
		return ""
	}
	return t.text("      ")
}
