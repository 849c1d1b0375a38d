package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// someAffected is how many records of an item are shown unless all are asked for.
const someAffected = 10

// An affected is what a guard, or a changed configuration, has stopped: in numbers, and
// record by record.
type affected struct {
	item    store.Review
	alarms  []engine.Alarm
	records []engine.AffectedRecord
	more    int
	guard   *status.Guard
}

// reviewShown is one item in tandem review show -o json.
type reviewShown struct {
	jsonl.Review

	Alarms  []engine.Alarm          `json:"alarms,omitempty"`
	Records []engine.AffectedRecord `json:"records,omitempty"`
	More    int                     `json:"more_records,omitempty"` // not named; --all names them
	Guard   *status.Guard           `json:"guard,omitempty"`
}

// affected loads what there is to say about the records of an item.
func (a *app) affected(ctx context.Context, p *plan.Plan, s *store.Store, it store.Review, all bool) (*affected, error) {
	out := &affected{item: it, alarms: engine.Alarms(it)}
	most := someAffected
	if all {
		most = 0
	}
	var err error
	if out.records, out.more, err = jsonl.Affected(ctx, p, s, it, most); err != nil {
		return nil, err
	}
	sync, known := p.Sync(it.Sync)
	if it.Kind == store.ReviewGuard && known {
		tally, err := s.Tally(ctx, it.Sync)
		if err != nil {
			return nil, fmt.Errorf("count what there is: %w", err)
		}
		if out.guard, err = status.SuggestGuard(ctx, s, sync, tally.Linked, it.Opened); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f *affected) line() reviewShown {
	return reviewShown{Review: jsonl.OfReview(f.item), Alarms: f.alarms, Records: f.records, More: f.more, Guard: f.guard}
}

func (f *affected) text() string {
	if len(f.records) == 0 && f.guard == nil {
		return ""
	}
	var b strings.Builder
	for _, a := range f.alarms {
		fmt.Fprintf(&b, "  saw %-10s %s: %s of %s linked\n", a.Detector, strings.TrimSpace(a.Side+" "+a.Field), count(a.Records), count(a.Of))
	}
	t := table{}
	for _, r := range f.records {
		would := strings.TrimSpace(r.Verb + " " + r.Target)
		var fields []string
		for _, c := range r.Fields {
			fields = append(fields, fmt.Sprintf("%s: %s -> %s", c.Name, shown(c.Old, 40), shown(c.New, 40)))
		}
		t.add(r.Record, would, fit(strings.Join(fields, "; "), 120))
	}
	b.WriteString(t.text("  "))
	if f.more > 0 {
		fmt.Fprintf(&b, "  and %s more; tandem review show %d --all names them\n", count(f.more), f.item.ID)
	}
	if f.guard != nil {
		fmt.Fprintf(&b, "  %s\n", guardText(f.guard))
	}
	return b.String()
}

// guardText tells the numbers and the suggestion. It is never applied by itself.
func guardText(g *status.Guard) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(g.Suggest)) {
		parts = append(parts, fmt.Sprintf("%s: %d", name, g.Suggest[name]))
	}
	return fmt.Sprintf("in the last %d days at most %s, %s and %s of one field in a day; guard: { %s } would have stopped nothing of it",
		g.Days, plural(g.Most["create"], "create", "creates"), plural(g.Most["delete"], "delete", "deletes"),
		plural(g.Most["update"], "change", "changes"), strings.Join(parts, ", "))
}
