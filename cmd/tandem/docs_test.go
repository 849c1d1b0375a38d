package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

var update = flag.Bool("update", false, "write the generated pages of docs/systems anew")

// TestGeneratedDocs compares docs/systems with what the systems say of themselves: Spec,
// the schema of a fresh account, the results of the conformance suite and the recorded
// exchanges. With -update it writes the pages.
func TestGeneratedDocs(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	matrix := newMatrix()
	for _, sys := range systems.All() {
		able, schema := fresh(t, sys)
		pages[sys.Spec.Name+".md"] = systemPage(t, sys.Spec, able, schema)
		matrix.add(sys.Spec, able)
	}
	pages["abilities.md"] = matrix.page()
	dir := filepath.Join("..", "..", "docs", "systems")
	for name, want := range pages {
		file := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; go test ./cmd/tandem -run TestGeneratedDocs -update writes it", err)
			continue
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("docs/systems/%s is stale; go test ./cmd/tandem -run TestGeneratedDocs -update writes it anew:\n%s", name, diff)
		}
	}
	written, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range written {
		if pages[filepath.Base(file)] == "" {
			t.Errorf("%s belongs to no system; remove it", file)
		}
	}
}

// fresh opens a connection to a fresh account and returns what it can do and has.
func fresh(t *testing.T, sys connector.System) (connector.Abilities, record.Schema) {
	t.Helper()
	account := sys.Twin(twin.Options{NoLimits: true})
	settings, secrets := connector.Settings{}, map[string]string{}
	for name, v := range account.Settings() {
		if slices.ContainsFunc(sys.Spec.Auth, func(a connector.Auth) bool { return a.Setting == name }) {
			secrets[name] = v
		} else {
			settings[name] = v
		}
	}
	able, handle, err := rest.Open(sys.Spec, rest.OpenOptions{
		Settings: settings, Secrets: secrets, URL: "http://" + sys.Spec.Name + ".invalid", Transport: twin.Transport(account),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handle.Close)
	if able.Source == nil {
		return able, record.Schema{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	schema, err := able.Source.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return able, schema
}

const generated = "<!-- Made by: go test ./cmd/tandem -run TestGeneratedDocs -update. Do not edit. -->\n\n"

func systemPage(t *testing.T, spec connector.Spec, able connector.Abilities, schema record.Schema) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s\n\nIn tandem.yaml: `system: %s`. Spoken is its API %s ([documentation](%s)).\nIt can: %s.\n",
		generated, spec.Title, spec.Name, spec.API, spec.Docs, strings.Join(able.Names(), ", "))
	b.WriteString("\n## Before you connect\n\n")
	for _, n := range spec.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	b.WriteString(settingsPart(spec))
	b.WriteString(limitsPart(spec))
	b.WriteString("\n## Objects\n\nAs a fresh account has them; `tandem fields CONNECTION` shows yours.\n\n")
	b.WriteString("| object | is | can | records per write | a deletion is learnt |\n|---|---|---|---|---|\n")
	for _, o := range schema.Objects {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d | %s |\n", o.Name, cell(orDash(o.Common)), objectVerbs(o), o.Batch, evidence(o.Deletes))
	}
	for _, o := range schema.Objects {
		b.WriteString(fieldsPart(o))
	}
	b.WriteString(testedPart(t, spec.Name))
	return b.String()
}

func settingsPart(spec connector.Spec) string {
	var b strings.Builder
	b.WriteString("\n## Settings\n\n| setting | | meaning |\n|---|---|---|\n")
	address := "Address of the API; instead of " + spec.BaseURL
	need := "optional"
	if spec.BaseURL == "" {
		address, need = "Address of the API", "required"
	}
	fmt.Fprintf(&b, "| `url` | %s | %s |\n", need, cell(address))
	for _, s := range plan.Settings(spec) {
		marks := []string{"optional"}
		if s.Required {
			marks[0] = "required"
		}
		if s.Secret {
			marks = append(marks, "secret")
		}
		if s.Default != "" {
			marks = append(marks, "default `"+s.Default+"`")
		}
		if len(s.Choices) > 0 {
			marks = append(marks, "one of "+strings.Join(s.Choices, ", "))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, cell(strings.Join(marks, ", ")), cell(s.Label+": "+s.Help))
	}
	return b.String()
}

func limitsPart(spec connector.Spec) string {
	var b strings.Builder
	b.WriteString("\n## Limits that are kept\n\n")
	var limits []connector.Limit
	if spec.Limits != nil {
		settings := connector.Settings{}
		for _, s := range spec.Settings {
			settings[s.Name] = s.Default
		}
		limits = spec.Limits(settings, connector.Identity{})
	}
	if len(limits) == 0 {
		return b.String() + "None.\n"
	}
	for _, l := range limits {
		var parts []string
		if l.Per > 0 {
			parts = append(parts, fmt.Sprintf("%d in %s", l.Units, span(l.Per)))
		}
		if l.Concurrent > 0 {
			parts = append(parts, fmt.Sprintf("%d at a time", l.Concurrent))
		}
		name := "every request"
		if l.Name != "" {
			name = l.Name
		}
		source := ""
		if l.Source != "" {
			source = " ([source](" + l.Source + "))"
		}
		fmt.Fprintf(&b, "- %s: %s%s\n", name, strings.Join(parts, ", "), source)
	}
	b.WriteString("\nWhat the account itself allows, and what answers say is left, corrects these.\n")
	return b.String()
}

// span writes a duration without its zero parts: 10s, 1m, 24h.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func fieldsPart(o record.Object) string {
	var b strings.Builder
	var notes rewriteNotes
	fmt.Fprintf(&b, "\n### %s\n\n| field | common field | kind | |\n|---|---|---|---|\n", o.Name)
	for _, f := range o.Fields {
		kind := string(f.Kind)
		if f.Format != "" {
			kind += " (" + string(f.Format) + ")"
		}
		if f.To != "" {
			kind += " to `" + f.To + "`"
		}
		var marks []string
		for _, x := range []struct {
			is   bool
			word string
		}{
			{f.ReadOnly, "read-only"}, {f.CreateOnly, "on create only"}, {f.Required, "required"}, {f.Unique, "unique"},
			{f.Key, "for Tandem's keys"}, {f.Silent, "silent"}, {f.NoClear, "cannot be emptied"},
		} {
			if x.is {
				marks = append(marks, x.word)
			}
		}
		if f.MaxLen > 0 {
			marks = append(marks, fmt.Sprintf("at most %d characters", f.MaxLen))
		}
		if len(f.Rewrites) > 0 {
			marks = append(marks, "rewritten "+notes.mark(f.Rewrites))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, orDash(f.Common), kind, cell(strings.Join(marks, "; ")))
	}
	b.WriteString(notes.text())
	return b.String()
}

// rewriteNotes gathers what a vendor does to texts, so that it is told once per table.
type rewriteNotes struct{ all []string }

func (n *rewriteNotes) mark(rewrites []record.Rewrite) string {
	var words []string
	for _, r := range rewrites {
		words = append(words, strings.ReplaceAll(string(r), "_", " "))
	}
	text := strings.Join(words, ", ")
	if !slices.Contains(n.all, text) {
		n.all = append(n.all, text)
	}
	return fmt.Sprintf("(%d)", slices.Index(n.all, text)+1)
}

func (n *rewriteNotes) text() string {
	var b strings.Builder
	for i, text := range n.all {
		fmt.Fprintf(&b, "\n(%d) What the vendor does to a text on its way in: %s.\n", i+1, text)
	}
	return b.String()
}

// testedPart counts what the conformance suite ran and which exchanges are recorded.
func testedPart(t *testing.T, system string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "systems", system, "testdata")
	golden, err := os.ReadFile(filepath.Join(dir, "conformance.golden"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	ran := 0
	var skipped []string
	for line := range strings.Lines(string(golden)) {
		switch words := strings.Fields(line); {
		case len(words) > 1 && words[0] == "run":
			ran++
		case len(words) > 1 && words[0] == "skip":
			skipped = append(skipped, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "skip")))
		}
	}
	exchanges, unverified := 0, 0
	err = filepath.WalkDir(filepath.Join(dir, "wire"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var head struct {
			Verified *bool `json:"verified"`
		}
		exchanges++
		if json.Unmarshal(b, &head) == nil && head.Verified != nil && !*head.Verified {
			unverified++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## How it is tested\n\n%d scenarios of the conformance suite run, %d are skipped with a reason. "+
		"%d exchanges are recorded or documented by the vendor", ran, len(skipped), exchanges)
	if unverified > 0 {
		fmt.Fprintf(&b, ", %d of them not verified against a running system", unverified)
	}
	b.WriteString(". Verified against a live account of a customer: never yet.\n")
	return b.String()
}

// A matrix is who can do what.
type matrix struct {
	names []string
	able  map[string][]string
	order []string
	title map[string]string
}

func newMatrix() *matrix { return &matrix{able: map[string][]string{}, title: map[string]string{}} }

func (m *matrix) add(spec connector.Spec, able connector.Abilities) {
	m.order, m.title[spec.Name], m.able[spec.Name] = append(m.order, spec.Name), spec.Title, able.Names()
	for _, n := range able.Names() {
		if !slices.Contains(m.names, n) {
			m.names = append(m.names, n)
		}
	}
}

func (m *matrix) page() string {
	var b strings.Builder
	b.WriteString(generated + "# What each system can do\n\n| system |")
	for _, n := range m.names {
		fmt.Fprintf(&b, " %s |", n)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(m.names)) + "\n")
	for _, s := range m.order {
		fmt.Fprintf(&b, "| [%s](%s.md) |", m.title[s], s)
		for _, n := range m.names {
			mark := " "
			if slices.Contains(m.able[s], n) {
				mark = "yes"
			}
			fmt.Fprintf(&b, " %s |", mark)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func objectVerbs(o record.Object) string {
	can := []string{"read"}
	for _, x := range []struct {
		can  bool
		word string
	}{{o.Create, "create"}, {o.Update, "update"}, {o.Archive, "archive"}, {o.Restore, "restore"}, {o.Delete, "delete"}, {o.Files, "files"}} {
		if x.can {
			can = append(can, x.word)
		}
	}
	return strings.Join(can, ", ")
}

func evidence(e record.Evidence) string {
	switch e {
	case record.EvidenceListing:
		return "by listing all ids, then asking for the missing one"
	case record.EvidenceBin:
		return "from the vendor's bin"
	case record.EvidenceFeed:
		return "with the changes"
	default:
		return "not at all: the record is left alone"
	}
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// cell makes a text safe within a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }
