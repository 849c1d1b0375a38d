package tandem_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mutant is a line that keeps a promise, broken. Some test of ours has to notice.
type mutant struct {
	promise string // "Invariant 3", or the number of a rule
	file    string
	was, is string // was stands in the file once
	pkg     string // whose tests have to fail
	run     string // which of them: a pattern
}

// mutants are the promises of docs/invariants.md and some rules, broken where they are kept.
func mutants() []mutant {
	const (
		st    = "./internal/store"
		en    = "./internal/engine"
		lives = "./internal/sim"
	)
	return []mutant{
		{"Invariant 1", "internal/store/mirror.go", "return saved, t.place(object, p) //", "return saved, nil //", st, "ConformanceSQLite$"},
		{"Invariant 1", "internal/engine/pull.go", "Next: page.Next, Done", "Next: \"\", Done", en, "ACrashAtAnyVendorCall|ListingGoesOn|Invariant6|FirstSync"},
		{"Invariant 2", "internal/store/links.go", "if !explained && (!bytes", "if false && (!bytes", st, "ConformanceSQLite$"},
		{"Invariant 2", "internal/engine/settle_fields.go", "	s.journal(*link, store.Entry{Kind: store.Written, Field: of.Wire, Old", "	_ = (store.Entry{Kind: store.Written, Field: of.Wire, Old", en, "R8|R10|EditsOnBothSides"},
		{"Invariant 3", "internal/store/plan.go", "	for id := range left {\n		return 0, fmt", "	for id := range map[int64]bool{} {\n		return 0, fmt", st, "ConformanceSQLite$"},
		{"Invariant 4", "internal/engine/pending.go", "if op.State != store.OpUnknown {", "if true {", en, "R16|R27|Invariant|R15"},
		{"Invariant 4", "internal/engine/unknown.go", "	if !sure {\n", "	if sure {\n", lives, "TestLives"},
		{"Invariant 5", "internal/engine/gone.go", "	case f != \"\":\n\t\treturn b.editWins", "	case f == \"?\":\n\t\treturn b.editWins", en, "R22"},
		{"Invariant 5", "internal/engine/sweep.go", "if slices.ContainsFunc(changes, isHidden) {", "if slices.ContainsFunc(changes, isHidden) && len(changes) > 1<<20 {", "./cmd/tandem", "R21"},
		{"Invariant 5", "internal/engine/guard.go", `	tell(alarmDelete, "", "deleted", total.Deleted, g.Delete)`, ``, en, "R30"},
		{"Invariant 6", "internal/engine/settle_fields.go", "		case f.Echoes(got, sent) || f.Same(got, sent):\n			s.wrote(link, op, of, got)", "		case f.Echoes(got, sent) || f.Same(got, sent):\n			s.wrote(link, op, of, sent)", en, "Invariant6"},
		{"Invariant 6", "internal/merge/merge.go", "	case f.equal(c.Sent, f.Cells[to].Value):\n		return Outcome{State: StateAgreed, Rule: rule + \" to what", "	case false:\n		return Outcome{State: StateAgreed, Rule: rule + \" to what", "./internal/merge", "."},
		{"Invariant 7", "internal/engine/field.go", "		of.Lost = &store.Lost{Side: out.Lost.Side, Value: out.Lost.Value}\n", "		_ = of.Lost\n", en, "R8"},
		{"Invariant 7", "internal/engine/write.go", "		if s.moved(op) || !still {", "		if !still {", en, "R4|R27"},
		{"Invariant 8", "internal/engine/create.go", "			op.Claim = claim(k)\n			b.claimed[op.Claim] = op.ID\n", "", en, "R15|R16|Parallel|ManyAtATime|FirstSync|R14"},
		{"Invariant 8", "internal/engine/batch.go", "	return !since.IsZero() && (row", "	return false && !since.IsZero() && (row", en, "Invariant8|R15|R16"},
		{"Invariant 8", "internal/engine/run.go", `e.keysBegin() + strconv.FormatInt(id, 36)`, `e.keysBegin() + strconv.FormatInt(id%2, 36)`, lives, "TestLives"},
		{"Invariant 9", "rest/scrub.go", "forms = append(forms, s, url", "forms = append(forms, url", "./rest", "Secret|Scrub"},
		{"Invariant 10", "internal/engine/revert_kinds.go", "	case store.Rewritten:\n		return \"this is how the system keeps what was written; revert the change itself, the line before it\"\n", "", en, "Invariant10"},
		{"Invariant 11", "internal/store/outbox.go", "`UPDATE outbox SET state = 'unknown' WHERE workspace", "`UPDATE outbox SET state = 'ready' WHERE workspace", en, "R16"},
		{"Invariant 11", "internal/engine/push.go", "context.WithTimeout(context.WithoutCancel(ctx), writeFor)", "context.WithTimeout(ctx, writeFor)", en, "Invariant11"},
		{"Invariant 11", "internal/door/collect.go", "	case err := <-p.kept:\n		return err\n", "	case err := <-p.kept:\n		_ = err\n		return nil\n", "./internal/door", "."},
		{"Invariant 12", "internal/engine/pair.go", "for _, key := range d.link.Expected[side].Names() { // in order", "for key := range d.link.Expected[side] { // in order", en, "Invariant12"},
		{"R3", "internal/store/mirror.go", "if r.exists() && began < r.readAt {", "if false {", st, "ConformanceSQLite$"},
		{"R15", "internal/engine/batch.go", "		if !r.listed[side.Other()].Load() {\n			continue", "		if false {\n			continue", en, "R15"},
		{"R18", "internal/engine/match.go", `		b.stand(row.ID, standsClosed, "its partner is gone: "+link.Closed)
		return true, err`, `		return false, err`, en, "R18|Leaving"},
		{"R27", "internal/engine/pair.go", "		if _, busy := b.busy[store.Spot{Side: side, ID: link.IDs[side]}]; busy {", "		if false {", en, "R27"},
		{"R32", "internal/engine/gone.go", "	if b.optedOut(d.rows[survivor], survivor) {", "	if false {", en, "R32"},
		{"R32", "internal/merge/consent.go", "	case c.Says[other] == record.Granted && c.Firsthand[other] && !c.Later[denies]:", "	case c.Says[other] == record.Granted:", "./internal/merge", "R32"},
		{"R32", "internal/merge/consent.go", " && !c.Later[denies]:", ":", "./internal/merge", "R32"},
	}
}

// A mutant that does not fit any more is a promise whose enforcing line nobody has looked at
// since it moved.
func TestEveryInvariantHasAMutantThatFits(t *testing.T) {
	t.Parallel()
	var broken []string
	for _, m := range mutants() {
		broken = append(broken, m.promise)
		src, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(src), m.was); n != 1 {
			t.Errorf("%s: %q stands in %s %d times, want once", m.promise, m.was, m.file, n)
		}
	}
	for n := 1; n <= 12; n++ {
		if !slices.Contains(broken, "Invariant "+strconv.Itoa(n)) {
			t.Errorf("no mutant breaks invariant %d", n)
		}
	}
}

// TestMutantsAreNoticed breaks every promise in turn and runs the tests that prove it: they
// have to fail. It takes minutes: make mutants.
func TestMutantsAreNoticed(t *testing.T) {
	if os.Getenv("TANDEM_MUTANTS") == "" {
		t.Skip("takes minutes; make mutants runs it")
	}
	for _, m := range mutants() {
		t.Run(strings.ReplaceAll(m.promise, " ", "")+"/"+filepath.Base(m.file), func(t *testing.T) {
			began := time.Now()
			out, err := m.test(t)
			switch {
			case err == nil:
				t.Errorf("no test of %s that matches %s notices that %s is broken in %s", m.pkg, m.run, m.promise, m.file)
			case strings.Contains(out, "panic: test timed out"):
				t.Errorf("with %s broken in %s the tests never end, which says nothing", m.promise, m.file)
			case !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic: "):
				t.Errorf("the mutant cannot be run: %v\n%s", err, out)
			default:
				t.Logf("noticed after %s by %s", time.Since(began).Round(time.Second), firstFailure(out))
			}
		})
	}
}

// test runs the mutant's tests over a copy of its file, through an overlay: the tree stays
// as it is.
func (m mutant) test(t *testing.T) (string, error) {
	t.Helper()
	src, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed, list := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(src), m.was, m.is, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", "-timeout=4m", "-overlay", list, "-run", m.run, m.pkg).CombinedOutput()
	return string(out), err
}

func firstFailure(out string) string {
	_, rest, found := strings.Cut(out, "--- FAIL: ")
	if !found {
		return "a panic"
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}
