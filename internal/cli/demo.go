package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

type demoCmd struct {
	Companies int    `default:"120" help:"How many companies the firm has; three times as many people."`
	Prefer    string `default:"newest" enum:"left,right,newest" help:"Who wins a conflict: left, right or newest."`
	Serve     bool   `help:"Afterwards open the console on this machine, until stopped; at a terminal that is the default."`
	Port      int    `default:"8420" help:"Of the console, on this machine. Default: 8420, or a free one if that is taken."`
}

// demoPort is the port that nobody asked for.
const demoPort = 8420

// demoDolibarr is the version that is simulated: it tells of each record when it was
// changed, which newer ones do only for some, and so a conflict can be solved by time.
const demoDolibarr = "20"

// A demo is two simulated systems, a database that is thrown away, and the engine that
// everybody else gets too. What it tells is computed from reports, journal and twins.
type demo struct {
	*app
	*session

	prefer string
	yaml   string
	erp    side
	crm    side
	sales  side
	mail   side
}

// A side is one of the two systems: the twin, and how its fields are called.
type side struct {
	twin     twin.Twin
	title    string
	name     string // of the connection
	company  record.Object
	person   record.Object
	parents  []string // ids of companies, by number
	people   []string // ids of people, by number
	firstNo  int      // number of the first company that this side has
	lastNo   int
	secretOf string // setting that holds the credential
}

// Run plays the demo.
func (c *demoCmd) Run(ctx context.Context, a *app) (err error) {
	dir, err := os.MkdirTemp("", "tandem-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := c.open(ctx, a, dir)
	if err != nil {
		return err
	}
	open := true
	defer func() {
		if open {
			d.close(&err)
		}
	}()
	for _, act := range []func(context.Context) error{
		d.introduce, d.preview, d.firstSync, d.secondSync, d.edits, d.conflict, d.duplicate, d.outage, d.compare, d.deals,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if err := d.print(closing); err != nil || !c.stays(a) {
		return err
	}
	open = false
	if err := d.store.Close(); err != nil {
		return fmt.Errorf("close the demo's database: %w", err)
	}
	return d.serve(ctx, c.Port, dir)
}

const closing = `
With your own accounts:
  tandem init     writes a commented tandem.yaml for two systems
  tandem check    calls both and says what is missing
  tandem plan     shows every change before anything is written
  tandem sync     does it; tandem serve keeps doing it
`

// side starts a twin and fills it with the companies from and to (not included) and with
// their people.
func (a *app) side(ctx context.Context, system, version, name string, from, to int) (side, error) {
	sys, err := a.system(system)
	if err != nil {
		return side{}, err
	}
	s := side{twin: sys.Twin(twin.Options{Version: version, NoLimits: true, Prompt: true}), title: sys.Spec.Title, name: name, firstNo: from, lastNo: to,
		secretOf: sys.Spec.Auth[0].Setting}
	schema, err := schemaOf(ctx, sys.Spec, s.twin)
	if err != nil {
		return s, err
	}
	companies, people := ofCommon(schema, "company"), ofCommon(schema, "contact")
	if len(companies) != 1 || len(people) != 1 {
		return s, fmt.Errorf("%s has no companies or no contacts", sys.Spec.Title)
	}
	s.company, s.person = companies[0], people[0]
	return s, s.fill(sys.Spec)
}

func (s *side) secret() string { return s.twin.Settings()[s.secretOf] }

// fill invents the records. The side that is second has some of them in another spelling,
// or with a gap, as two systems that were kept by hand do.
func (s *side) fill(spec connector.Spec) error {
	second := s.firstNo > 0
	for i := s.firstNo; i < s.lastNo; i++ {
		in := inventedCompany(i)
		if second && i%4 == 0 {
			delete(in.common, "phone")
		}
		id, err := s.twin.Put(s.company.Name, "", in.fields(s.company, nil))
		if err != nil {
			return fmt.Errorf("invent a company at %s: %w", spec.Title, err)
		}
		s.parents = append(s.parents, id)
	}
	for i := 3 * s.firstNo; i < 3*s.lastNo; i++ {
		in := inventedPerson(i)
		in.parent -= s.firstNo
		switch {
		case second && i%5 == 0:
			delete(in.common, "phone")
		case second && i%7 == 0:
			in.common["email"] = strings.ToUpper(in.common["email"])
		case second && i%61 == 0:
			in.common["city"] = "Piraeus"
		}
		id, err := s.twin.Put(s.person.Name, "", in.fields(s.person, s.parents))
		if err != nil {
			return fmt.Errorf("invent a person at %s: %w", spec.Title, err)
		}
		s.people = append(s.people, id)
	}
	return nil
}

// wire is what a common field of people is called here.
func (s *side) wire(common string) string {
	f, _ := s.person.ByCommon(common)
	return f.Name
}

// row is a person's record as people see it here.
func (s *side) row(id string) map[string]string {
	for _, r := range s.twin.Rows(s.person.Name) {
		if r.ID == id {
			return r.Fields
		}
	}
	return nil
}

// head prints a heading.
func (d *demo) head(text string) error {
	return d.print("\n" + text + "\n" + strings.Repeat("─", columns(text)) + "\n")
}

// say prints a paragraph.
func (d *demo) say(format string, args ...any) error {
	return d.print(printable(fmt.Sprintf(format, args...)) + "\n")
}

func (d *demo) introduce(ctx context.Context) error {
	if err := d.head("Two systems that know the same people"); err != nil {
		return err
	}
	for _, s := range []*side{&d.erp, &d.crm} {
		if err := d.say("%s (%s) holds %s and %s.", s.name, s.title,
			plural(len(s.twin.Rows(s.company.Name)), "company", "companies"), plural(len(s.twin.Rows(s.person.Name)), "person", "people")); err != nil {
			return err
		}
	}
	checked, err := d.engine.Check(ctx, nil)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	for _, c := range checked {
		if c.Err != nil {
			return fmt.Errorf("check %s: %w", c.Connection, c.Err)
		}
	}
	return d.print("Both are simulated inside this program. The whole configuration:\n\n" + indented(d.yaml))
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

// preview shows what would happen, before anything is written.
func (d *demo) preview(ctx context.Context) error {
	if err := d.head("tandem plan: what would happen"); err != nil {
		return err
	}
	previews, err := d.engine.Preview(ctx, nil)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	for _, pv := range previews {
		if pv.Err != nil {
			return fmt.Errorf("plan %s: %w", pv.Sync, pv.Err)
		}
		s, _ := d.plan.Sync(pv.Sync)
		if err := d.print(previewText(s, pv, 2) + "\n"); err != nil {
			return err
		}
	}
	return d.say("Until now %s was asked %s times and %s %s times, and nothing was written: the ledgers of both hold %s by programs.",
		d.erp.title, count(d.erp.twin.Kit().Count("", "")), d.crm.title, count(d.crm.twin.Kit().Count("", "")), plural(d.written(), "write", "writes"))
}

// written counts what programs have written to both twins.
func (d *demo) written() int {
	n := 0
	for _, s := range []*side{&d.erp, &d.crm} {
		for _, act := range s.twin.Kit().Ledger().Acts() {
			if act.By == "api" {
				n++
			}
		}
	}
	return n
}

func (d *demo) firstSync(ctx context.Context) error {
	if err := d.head("tandem sync"); err != nil {
		return err
	}
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.report(d.plan, reports); err != nil {
		return err
	}
	return d.answer(ctx)
}

// run runs both syncs; a failed one ends the demo.
func (d *demo) run(ctx context.Context) ([]engine.Report, error) {
	reports, err := d.engine.Sync(ctx, nil, engine.SyncOptions{})
	if err != nil {
		return nil, fmt.Errorf("sync: %w", err)
	}
	for _, r := range reports {
		if r.Err != nil {
			return reports, fmt.Errorf("sync %s: %w", r.Sync, r.Err)
		}
	}
	return reports, nil
}

// answer decides the questions that the first run has left, as a person would.
func (d *demo) answer(ctx context.Context) error {
	items, err := d.store.Reviews(ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewConflict}, Open: true})
	if err != nil || len(items) == 0 {
		return err
	}
	for _, item := range items {
		if err := d.say("\nA question waits: %s.\n  What to do: %s.\n  The demo answers \"left\".", item.Text, item.Fix); err != nil {
			return err
		}
		if err := d.store.DecideReview(ctx, item.ID, "left", "the demo", time.Now()); err != nil {
			return fmt.Errorf("decide: %w", err)
		}
	}
	since := time.Now()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.changes(ctx, since); err != nil {
		return err
	}
	return d.agreed(reports)
}

func (d *demo) secondSync(ctx context.Context) error {
	before := d.written()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.say("\nOnce more, with nothing changed: %s to either side.", plural(d.written()-before, "write", "writes")); err != nil {
		return err
	}
	return d.agreed(reports)
}

// agreed says whether both sides agree now.
func (d *demo) agreed(reports []engine.Report) error {
	for _, r := range reports {
		verdict := "both sides agree"
		switch {
		case !r.Reconciled:
			verdict = "not reconciled: " + strings.Join(append(r.Gaps, r.Error), ", ")
		case r.Review > 0:
			verdict = "both sides agree but for what waits in the review queue: " + plural(r.Review, "item", "items")
		}
		if err := d.say("  %s: %s linked, %s.", r.Sync, plural(r.Linked, "pair", "pairs"), verdict); err != nil {
			return err
		}
	}
	return nil
}

// changes tells the journal's lines since a moment, without those of first matches.
func (d *demo) changes(ctx context.Context, since time.Time) error {
	entries, err := d.store.History(ctx, store.HistoryQuery{Since: since.Add(-time.Millisecond), Limit: 100})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool {
		return e.Kind == store.Linked || e.Kind == store.Decided || e.Kind == store.Agreed
	})
	if len(entries) == 0 {
		return d.say("  The journal has no new line.")
	}
	var t table
	for _, e := range entries {
		t.add(entryRecord(e), entryWhat(e), e.Why)
	}
	return d.print(t.text("  "))
}
