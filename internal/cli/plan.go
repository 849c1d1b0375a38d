package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
)

type planCmd struct {
	Syncs []string `arg:"" optional:"" name:"sync" help:"Only these syncs."`
	All   bool     `help:"Every record, however long the list."`
}

// Run shows what a sync would do. It reads the systems and writes to none.
func (c *planCmd) Run(ctx context.Context, a *app) error {
	p, err := a.loadSyncs(ctx, c.Syncs)
	if err != nil {
		return err
	}
	w := a.watch()
	previews, err := c.preview(ctx, a, p, w)
	w.stop()
	if err != nil {
		return err
	}
	code := exitOK
	for i, pv := range previews {
		s, _ := p.Sync(pv.Sync)
		switch {
		case pv.Err != nil:
			code = exitFailed
		case code == exitOK && (pv.Blown != "" || pv.Counts[engine.WouldAsk] > 0):
			code = exitReview
		}
		if a.json {
			err = a.previewLines(pv)
		} else {
			most := shortList
			if c.All {
				most = 0
			}
			text := previewText(s, pv, most)
			if i > 0 {
				text = "\n" + text
			}
			err = a.print(text)
		}
		if err != nil {
			return err
		}
	}
	return exit(code)
}

func (c *planCmd) preview(ctx context.Context, a *app, p *plan.Plan, w watcher) (previews []engine.Preview, err error) {
	s, err := a.openPlan(ctx, p, own, w.see)
	if err != nil {
		return nil, err
	}
	defer s.close(&err)
	previews, err = s.engine.Preview(ctx, c.Syncs)
	for _, problem := range s.engine.Warnings() {
		a.warnf("%s", problem.String())
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return previews, err
}

// previewLines tells a plan: its records, and after them its numbers.
func (a *app) previewLines(pv engine.Preview) error {
	for _, it := range pv.Items {
		if err := a.line(jsonl.OfPlanned(pv.Sync, it)); err != nil {
			return err
		}
	}
	return a.line(jsonl.OfPlan(pv))
}

// How much of a preview is shown: records per heading, columns per value and per line.
const (
	shortList  = 20
	valueWidth = 48
	lineWidth  = 110
)

// previewText shows a preview as a person reads it: what would be created, changed, asked
// and left alone, and the counts at the end. most bounds the records under each heading;
// 0 shows all.
func previewText(s plan.Sync, pv engine.Preview, most int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s %s\n", pv.Sync, pv.Left, arrow(s), pv.Right)
	if pv.Err != nil {
		fmt.Fprintf(&b, "  failed: %s\n", printable(pv.Err.Error()))
		return b.String()
	}
	for _, h := range headings() {
		for _, side := range []record.Side{record.Right, record.Left} {
			items := pick(pv.Items, h.kind, side)
			if len(items) == 0 {
				continue
			}
			total := len(items)
			if only(pv.Items, h.kind, side) {
				total = max(total, pv.Counts[h.kind]) // the preview may hold fewer items than it counts
			}
			b.WriteString(section(h, items, total, most))
		}
	}
	b.WriteString(skipped(pv))
	b.WriteString(totals(pv))
	return b.String()
}

func arrow(s plan.Sync) string {
	switch s.Direction {
	case "left-to-right":
		return "→"
	case "right-to-left":
		return "←"
	case "none":
		return "·"
	default:
		return "↔"
	}
}

// A heading gathers the items of one kind.
type heading struct {
	kind engine.PreviewKind
	verb string // "create in", before the object
	mark string // before each record
}

func headings() []heading {
	return []heading{
		{engine.WouldCreate, "create in", "+"},
		{engine.WouldUpdate, "change in", "~"},
		{engine.WouldRestore, "bring back in", "+"},
		{engine.WouldMerge, "merge into others in", "-"},
		{engine.WouldArchive, "archive in", "-"},
		{engine.WouldDelete, "delete from", "-"},
		{engine.WouldAsk, "ask you about", "?"},
		{engine.WouldLink, "link, nothing to write, in", "="},
	}
}

func pick(items []engine.PreviewItem, kind engine.PreviewKind, side record.Side) []engine.PreviewItem {
	return slices.DeleteFunc(slices.Clone(items), func(it engine.PreviewItem) bool { return it.Kind != kind || it.Side != side })
}

// only reports whether all items of a kind are of one side.
func only(items []engine.PreviewItem, kind engine.PreviewKind, side record.Side) bool {
	return len(pick(items, kind, side.Other())) == 0
}

func section(h heading, items []engine.PreviewItem, total, most int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s %s (%s)\n", h.verb, items[0].Of, count(total))
	list := items
	if most > 0 && len(list) > most {
		list = list[:most]
	}
	for _, it := range list {
		b.WriteString(itemText(h, it))
	}
	if rest := total - len(list); rest > 0 {
		hint := ""
		if len(list) < len(items) {
			hint = " (--all shows them)"
		}
		fmt.Fprintf(&b, "    ... and %s more%s\n", count(rest), hint)
	}
	return b.String()
}

func itemText(h heading, it engine.PreviewItem) string {
	name := oneLine(jsonl.Bare(it.Title))
	if it.ID != "" {
		name = strings.TrimSpace(it.ID + "  " + name)
	}
	line := "    " + h.mark + " " + name
	var b strings.Builder
	switch h.kind {
	case engine.WouldCreate:
		var fields []string
		for _, f := range it.Fields {
			if !f.New.IsEmpty() {
				fields = append(fields, f.Name+"="+shown(f.New, valueWidth))
			}
		}
		if len(fields) > 0 {
			line += "  " + strings.Join(fields, ", ")
		}
		b.WriteString(fit(line, lineWidth) + "\n")
		return b.String() // the note would only say which record it is made from
	default:
		b.WriteString(fit(line, lineWidth) + "\n")
		b.WriteString(fieldsText(it.Fields))
	}
	if it.Note != "" {
		fmt.Fprintf(&b, "        %s\n", oneLine(it.Note))
	}
	return b.String()
}

func fieldsText(fields []engine.PreviewField) string {
	var t table
	for _, f := range fields {
		cells := []string{f.Name, shown(f.Old, valueWidth) + " → " + shown(f.New, valueWidth)}
		if f.Rule != "" {
			cells = append(cells, "("+oneLine(f.Rule)+")")
		}
		t.add(cells...)
	}
	return t.text("        ")
}

// skipped tells by rule how many records stay alone.
func skipped(pv engine.Preview) string {
	reasons := map[string]int{}
	for _, it := range pv.Items {
		if it.Kind == engine.WouldSkip {
			reasons[it.Of.String()+": "+oneLine(it.Note)]++
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	t := table{right: map[int]bool{0: true}}
	for i, why := range sortedKeys(reasons) {
		if i == shortList {
			t.add("...", plural(len(reasons)-i, "further reason", "further reasons"))
			break
		}
		t.add(count(reasons[why]), why)
	}
	return "\n  stay alone\n" + t.text("    ")
}

func totals(pv engine.Preview) string {
	var parts []string
	for _, x := range []struct {
		kind engine.PreviewKind
		word string
	}{
		{engine.WouldCreate, "to create"}, {engine.WouldUpdate, "to change"}, {engine.WouldRestore, "to bring back"}, {engine.WouldMerge, "to merge"},
		{engine.WouldArchive, "to archive"}, {engine.WouldDelete, "to delete"}, {engine.WouldAsk, "to ask"},
		{engine.WouldLink, "to link"}, {engine.WouldSkip, "alone"},
	} {
		if n := pv.Counts[x.kind]; n > 0 {
			parts = append(parts, count(n)+" "+x.word)
		}
	}
	if pv.Events > 0 {
		parts = append(parts, plural(pv.Events, "event", "events")+" to tell")
	}
	sum := "nothing to do"
	if len(parts) > 0 {
		sum = strings.Join(parts, ", ")
	}
	text := fmt.Sprintf("\n  %s; %s linked, %s unchanged\n", sum, count(pv.Linked), count(pv.Unchanged))
	if pv.Blown != "" {
		text += "  the guard would stop it: " + oneLine(pv.Blown) + "\n"
	}
	return text
}
