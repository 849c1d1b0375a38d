package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// someAffected is how many records of an item are shown unless all are asked for.
const someAffected = 10

// namesAffected reports whether an item's candidates are the records that it is about.
func namesAffected(it store.Review) bool {
	return it.Kind == store.ReviewGuard || it.Kind == store.ReviewConfiguration || it.Kind == store.ReviewIdentity
}

// An affected is what a guard, or a changed configuration, has stopped: in numbers, and
// record by record.
type affected struct {
	item    store.Review
	alarms  []engine.Alarm
	records []affectedRecord
	more    int
	guard   *status.Guard
}

// affectedRecord is one record and what would be written because of it.
type affectedRecord struct {
	Record string          `json:"record"` // where it happened: "erp.contacts/12"
	Verb   string          `json:"would,omitempty"`
	Target string          `json:"to,omitempty"` // "" for a create
	Fields []affectedField `json:"fields,omitempty"`
}

type affectedField struct {
	Name string       `json:"name"`
	Old  record.Value `json:"old"`
	New  record.Value `json:"new"`
}

// reviewShown is one item in tandem review show -o json.
type reviewShown struct {
	reviewLine

	Alarms  []engine.Alarm   `json:"alarms,omitempty"`
	Records []affectedRecord `json:"records,omitempty"`
	More    int              `json:"more_records,omitempty"` // not named; --all names them
	Guard   *status.Guard    `json:"guard,omitempty"`
}

// affected loads what there is to say about the records of an item.
func (a *app) affected(ctx context.Context, p *plan.Plan, s *store.Store, it store.Review, all bool) (*affected, error) {
	out := &affected{item: it, alarms: engine.Alarms(it)}
	names := it.Candidates
	if !all && len(names) > someAffected {
		out.more, names = len(names)-someAffected, names[:someAffected]
	}
	sync, known := p.Sync(it.Sync)
	ops, err := s.Ops(ctx, it.Sync, store.OpHeld)
	if err != nil {
		return nil, fmt.Errorf("load what was stopped: %w", err)
	}
	by := map[string]store.Op{}
	for _, op := range ops {
		if known && op.SourceID != "" {
			by[sync.Ends[op.Side.Other()].String()+"/"+op.SourceID] = op
		}
	}
	for _, name := range names {
		r := affectedRecord{Record: name}
		if op, held := by[name]; held {
			r.would(op)
		}
		out.records = append(out.records, r)
	}
	if it.Kind == store.ReviewGuard && known {
		tally, err := s.Tally(ctx, it.Sync)
		if err != nil {
			return nil, fmt.Errorf("count what there is: %w", err)
		}
		out.guard, err = status.SuggestGuard(ctx, s, sync, tally.Linked, it.Opened)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *affectedRecord) would(op store.Op) {
	r.Verb = string(op.Verb)
	if op.TargetID != "" {
		r.Target = op.Target.String() + "/" + op.TargetID
	}
	for _, name := range op.Set.Names() {
		r.Fields = append(r.Fields, affectedField{name, op.Was[name], op.Set[name]})
	}
}

func (f *affected) line() reviewShown {
	return reviewShown{reviewLine: lineOf(f.item), Alarms: f.alarms, Records: f.records, More: f.more, Guard: f.guard}
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
