package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const lastRuns = 10

// Which way values flow, as the configuration says it.
const (
	bothWays = "both"
	toRight  = "left-to-right"
	toLeft   = "right-to-left"
)

type syncPage struct {
	Row      syncRow
	Rows     [2]int    // records of both sides
	Titles   [2]string // of the two systems
	Rules    rules
	Fields   []fieldRow
	Unknown  bool // a connection was never asked: the fields are as the file has them
	Problems plan.Problems
	Events   []mapping.EventRule
	Runs     []runLine
	Verified store.Verification
	Plan     job // the last one; zero = none
	Check    job // the last verification by hand; zero = none
}

// rules are what the page explains in a sentence each.
type rules struct {
	Match    []string
	Implied  bool // the keys are those of the kind of object
	Schedule string
	Guard    []guardLine
}

type guardLine struct {
	What    string // ends a key below "guard."
	Amount  string
	Percent bool
	Limit   int // what it comes to now
}

func guardLines() []string { return []string{"delete", "create", "update", "events"} }

// A fieldRow is one pair of fields of the table.
type fieldRow struct {
	Names     [2]string // "" where the other side computes it
	Labels    [2]string
	Direction string
	Prefer    string // "" = that of the sync
	Enforce   bool
	How       string // ends a key below "convert."
	Kinds     [2]string
	Count     int    // of values, or of lists
	Expr      string // that computes it
	Values    [][2]string
	ReadOnly  [2]bool
}

// How a value gets to the other side: ends of keys below "convert.".
func conversions() []string {
	return []string{"same", "values", "computed", "lists", "reference", "set", "list", "choice", "consent", "kinds", "either", "all", "named"}
}

func (c *console) showSync(w http.ResponseWriter, r *http.Request) error {
	sync, err := c.named(r)
	if err != nil {
		return err
	}
	data, err := c.syncPage(r.Context(), sync)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "sync", data)
}

func (c *console) syncPage(ctx context.Context, sync plan.Sync) (syncPage, error) {
	p := c.hub.Plan()
	data := syncPage{Events: sync.Events, Titles: c.titles(sync)}
	here, err := c.hub.Status(ctx)
	if err != nil {
		return data, err
	}
	if data.Row, err = c.syncRow(ctx, sync, here); err != nil {
		return data, err
	}
	tally, err := c.hub.Store().Tally(ctx, sync.Name)
	if err != nil {
		return data, err
	}
	data.Rows = tally.Rows
	resolved, problems, err := engine.Remembered(ctx, c.hub.Store(), p, sync)
	if err != nil {
		return data, err
	}
	data.Problems = problems
	if resolved != nil {
		data.Fields = resolvedRows(resolved)
		sync.Create = resolved.Create
	} else {
		data.Unknown = true
		data.Fields = writtenRows(sync)
	}
	data.Row.Sync = sync
	data.Rules = rulesOf(sync, resolved, data.Row.Stands.Linked)
	runs, err := c.hub.Store().Runs(ctx, sync.Name, lastRuns)
	if err != nil {
		return data, err
	}
	data.Runs = c.runLines(runs)
	if data.Verified, err = c.hub.Store().Verification(ctx, sync.Name); err != nil {
		return data, err
	}
	data.Plan, _ = c.jobs.of(planning, sync.Name)
	data.Check, _ = c.jobs.of(verifying, sync.Name)
	return data, nil
}

// titles are what the systems of a sync's ends are called.
func (c *console) titles(sync plan.Sync) [2]string {
	var titles [2]string
	for side, end := range sync.Ends {
		titles[side] = end.Connection
		if conn, ok := c.hub.Plan().Connection(end.Connection); ok {
			if spec, known := c.specOf(conn.System); known && spec.Title != "" {
				titles[side] = spec.Title
			}
		}
	}
	return titles
}

func rulesOf(s plan.Sync, resolved *plan.Resolved, linked int) rules {
	out := rules{Schedule: short(s.Schedule.String()), Implied: s.Match == nil}
	for _, key := range s.Match {
		out.Match = append(out.Match, keyText(key))
	}
	if out.Implied && resolved != nil {
		out.Match = resolved.Mapping.KeyNames()
	}
	amounts := map[string]plan.Amount{"delete": s.Guard.Delete, "create": s.Guard.Create, "update": s.Guard.Update, "events": s.Guard.Events}
	for _, what := range guardLines() {
		a := amounts[what]
		if what == "events" && len(s.Events) == 0 {
			continue
		}
		line := guardLine{What: what, Limit: a.Limit(linked), Percent: a.Percent > 0}
		if line.Percent {
			line.Amount = fmt.Sprint(a.Percent) + " %"
		}
		out.Guard = append(out.Guard, line)
	}
	return out
}

// keyText writes a match key: its fields, and where the sides differ both names.
func keyText(key mapping.MatchKey) string {
	var parts []string
	for _, p := range key.Parts {
		if p.Left == p.Right {
			parts = append(parts, p.Left)
		} else {
			parts = append(parts, p.Left+" = "+p.Right)
		}
	}
	return strings.Join(parts, " + ")
}

// resolvedRows are the fields as they flow.
func resolvedRows(r *plan.Resolved) []fieldRow {
	fields := r.Mapping.Fields()
	rows := make([]fieldRow, 0, len(fields))
	for i, f := range fields {
		rule := r.Rules[i]
		row := fieldRow{
			Names: [2]string{f.Left.Name, f.Right.Name}, Labels: [2]string{f.Left.Label, f.Right.Label},
			Direction: string(rule.Direction), Enforce: rule.Enforce, ReadOnly: [2]bool{f.Left.ReadOnly, f.Right.ReadOnly},
		}
		if rule.Prefer != r.Prefer && rule.Direction == bothWays {
			row.Prefer = string(rule.Prefer)
		}
		entry := entryOf(r.Sync, f)
		row.How, row.Count = howOf(f, entry)
		row.Kinds = [2]string{string(f.Left.Kind), string(f.Right.Kind)}
		switch {
		case row.How == "kinds" && rule.Direction == toLeft:
			row.Kinds[0], row.Kinds[1] = row.Kinds[1], row.Kinds[0]
		case row.How == "kinds" && rule.Direction == bothWays:
			row.How = "either"
		}
		row.Expr, row.Values = entry.From, valuesOf(entry.Values)
		rows = append(rows, row)
	}
	return rows
}

// entryOf returns the entry of the file from which a field comes; a zero one if it is implied.
func entryOf(s plan.Sync, f mapping.Field) plan.Field {
	i := slices.IndexFunc(s.Fields, func(e plan.Field) bool { return e.Index == f.Entry })
	if f.Entry < 0 || i < 0 {
		return plan.Field{}
	}
	return s.Fields[i]
}

// howOf says how values of a field get to the other side.
func howOf(f mapping.Field, entry plan.Field) (string, int) {
	switch {
	case len(f.Lists) > 0:
		return "lists", len(f.Lists)
	case entry.From != "" || f.Computed(record.Left) || f.Computed(record.Right):
		return "computed", 0
	case len(entry.Values) > 0:
		return "values", len(entry.Values)
	case f.Consent:
		return "consent", 0
	case f.Left.Kind == record.KindReference && f.Right.Kind == record.KindReference:
		return "reference", 0
	case f.Left.Kind == record.KindList || f.Right.Kind == record.KindList:
		return "list", 0
	case f.Set:
		return "set", 0
	case f.Left.Kind == record.KindChoice && f.Right.Kind == record.KindChoice:
		return "choice", 0
	case f.Left.Kind != f.Right.Kind:
		return "kinds", 0
	default:
		return "same", 0
	}
}

func valuesOf(values map[string]string) [][2]string {
	var rows [][2]string
	for left, right := range values {
		rows = append(rows, [2]string{left, right})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

// writtenRows are the fields as the configuration has them.
func writtenRows(s plan.Sync) []fieldRow {
	if s.Fields == nil {
		return []fieldRow{{Names: [2]string{"*", "*"}, Direction: string(s.Direction), How: "all"}}
	}
	var rows []fieldRow
	for _, f := range s.Fields {
		row := fieldRow{Names: [2]string{f.Left, f.Right}, Direction: string(f.Direction), Enforce: f.Enforce, Expr: f.From, Values: valuesOf(f.Values), How: "named"}
		switch {
		case f.All:
			row.Names, row.How = [2]string{"*", "*"}, "all"
		case f.From != "":
			row.How = "computed"
		case len(f.Lists) > 0:
			row.How, row.Count = "lists", len(f.Lists)
		case len(f.Values) > 0:
			row.How, row.Count = "values", len(f.Values)
		}
		rows = append(rows, row)
	}
	return rows
}
