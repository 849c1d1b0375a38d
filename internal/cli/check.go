package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
)

type checkCmd struct {
	Connections  []string `arg:"" optional:"" name:"connection" help:"Only these connections."`
	CreateFields bool     `help:"Make the fields that syncs name and a system lacks, where its API allows."`
}

// checkedLine is one connection in tandem check -o json.
type checkedLine struct {
	jsonl.Checked

	title string
	notes []string
}

// Run checks the connections. A connection that cannot be used makes it 1; one that can,
// but lacks a field that a sync needs, makes it 2, because that sync could not run.
func (c *checkCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, touch)
	if err != nil {
		return err
	}
	defer s.close(&err)
	if err := checkConnections(s.plan, c.Connections); err != nil {
		return err
	}
	if len(s.plan.Connections) == 0 {
		a.warnf("there are no connections in %s, so there is nothing to check; tandem init writes a first file, the console of tandem serve adds them", a.config)
	}
	waiting := time.AfterFunc(quietFor, func() {
		a.warnf("no answer yet; a system that does not answer is asked twice, a run asks five times")
	})
	defer waiting.Stop()
	var added []engine.Added
	if c.CreateFields {
		if added, err = s.engine.AddFields(ctx, c.Connections); err != nil {
			return fmt.Errorf("make fields: %w", err)
		}
	}
	checked, err := s.engine.Check(ctx, c.Connections)
	if err != nil {
		return fmt.Errorf("check connections: %w", err)
	}
	waiting.Stop()
	code := exitOK
	for _, ch := range checked {
		line := a.checked(ch, added)
		code = max(code, line.code())
		if !line.OK {
			code = exitFailed
		}
		if err := a.tellChecked(line); err != nil {
			return err
		}
	}
	if code == exitFailed || len(c.Connections) > 0 {
		return exit(code)
	}
	return c.syncs(ctx, a, s, code)
}

// syncs resolves the syncs against what was found, so that all that a run would refuse
// is said now.
func (c *checkCmd) syncs(ctx context.Context, a *app, s *session, code int) error {
	err := s.engine.Prepare(ctx)
	var problems plan.Problems
	if errors.As(err, &problems) {
		if err := problemsError(problems); err != nil {
			return err
		}
	}
	if err != nil && problems == nil {
		return fmt.Errorf("check syncs: %w", err)
	}
	for _, problem := range s.engine.Warnings() {
		a.warnf("%s", problem.String())
	}
	if !a.json && code == exitOK && len(s.plan.Syncs) > 0 {
		return a.print(plural(len(s.plan.Syncs), "sync", "syncs") + " can run; tandem plan shows what would happen\n")
	}
	return exit(code)
}

func (a *app) checked(ch engine.Checked, added []engine.Added) checkedLine {
	line := checkedLine{Checked: jsonl.OfChecked(ch), title: ch.Title}
	if sys, err := a.system(ch.System); err == nil {
		line.notes = sys.Spec.Notes
	}
	for _, ad := range added {
		if ad.Connection != ch.Connection {
			continue
		}
		line.Created = append(line.Created, jsonl.OfAdded(ad))
	}
	return line
}

func (l checkedLine) code() int {
	for _, m := range l.Missing {
		if m.Sync != "" {
			return exitUsage
		}
	}
	return exitOK
}

func (a *app) tellChecked(l checkedLine) error {
	if a.json {
		return a.line(l)
	}
	return a.print(l.text())
}

func (l checkedLine) text() string {
	var b strings.Builder
	if !l.OK {
		fmt.Fprintf(&b, "✗ %s: %s\n", l.Connection, printable(l.Error))
		return b.String()
	}
	fmt.Fprintf(&b, "✓ %s: %s", l.Connection, l.title)
	if l.Version != "" {
		fmt.Fprintf(&b, " %s", oneLine(l.Version))
	}
	switch {
	case l.Name != "" && strings.Contains(l.Name, l.Account):
		b.WriteString(", " + oneLine(l.Name))
	case l.Name != "":
		fmt.Fprintf(&b, ", account %s (%s)", oneLine(l.Name), oneLine(l.Account))
	case l.Account != "":
		b.WriteString(", account " + oneLine(l.Account))
	}
	b.WriteByte('\n')
	if clock := time.Duration(l.ClockMS) * time.Millisecond; clock.Abs() > 5*time.Second {
		fmt.Fprintf(&b, "  its clock is %s; edit times are corrected by that\n", offset(clock))
	}
	for _, name := range sortedKeys(l.Facts) {
		fmt.Fprintf(&b, "  %s: %s\n", oneLine(name), oneLine(l.Facts[name]))
	}
	if len(l.Objects) > 0 {
		fmt.Fprintf(&b, "  objects: %s\n", strings.Join(l.Objects, ", "))
	}
	for _, lack := range l.Lacks {
		b.WriteString(lackText(lack))
	}
	for _, made := range l.Created {
		switch {
		case made.List != "" && made.Error != "":
			fmt.Fprintf(&b, "  ! the list %s was not made: %s\n", oneLine(made.List), printable(made.Error))
			continue
		case made.List != "":
			fmt.Fprintf(&b, "  + the list %s was made\n", oneLine(made.List))
			continue
		case made.Error != "":
			fmt.Fprintf(&b, "  ! %s.%s was not made: %s\n", made.Object, made.Field, printable(made.Error))
			continue
		}
		fmt.Fprintf(&b, "  + %s.%s was made\n", made.Object, made.Field)
	}
	b.WriteString(missingText(l.Missing))
	return b.String()
}

func offset(d time.Duration) string {
	if d < 0 {
		return took(-d) + " behind ours"
	}
	return took(d) + " ahead of ours"
}

func lackText(l connector.Lack) string {
	what := l.What
	if what == "schema" {
		what = "see or change field definitions"
	}
	if l.Object != "" {
		what += " (" + l.Object + ")"
	}
	text := fmt.Sprintf("  ! cannot %s: %s", what, oneLine(l.Why))
	if l.Remedy != "" {
		text += "; " + oneLine(l.Remedy)
	}
	return text + "\n"
}

// missingText names what a system lacks, and what to do about it.
func missingText(all []jsonl.Missing) string {
	var b strings.Builder
	for _, m := range all {
		why := "sync " + m.Sync + " needs it"
		if m.Sync == "" {
			why = "wanted, so that a lost answer never doubles a record"
		}
		if m.List != "" {
			fmt.Fprintf(&b, "  ! there is no list %s (%s)\n", oneLine(m.List), why)
			continue
		}
		fmt.Fprintf(&b, "  ! %s has no field %s (%s, %s)\n", m.Object, m.Field, m.Kind, why)
	}
	switch can := slices.ContainsFunc(all, func(m jsonl.Missing) bool { return m.Can }); {
	case can:
		b.WriteString("    tandem check --create-fields makes what the system lets us make\n")
	case len(all) > 0:
		b.WriteString("    make them in the system itself; its API cannot\n")
	}
	return b.String()
}
