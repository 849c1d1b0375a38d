package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/systems"
)

// A configKey is what the JSON Schema says of a key; a map of keys if it has properties.
type configKey struct {
	Description string               `json:"description"`
	Enum        []string             `json:"enum"`
	Type        any                  `json:"type"`
	Properties  map[string]configKey `json:"properties"`
	Required    []string             `json:"required"`
	Items       *configKey           `json:"items"`
	AnyOf       []configKey          `json:"anyOf"`
	Defs        map[string]configKey `json:"$defs"`
}

// TestGeneratedDocsOfTheConfiguration compares docs/configuration.md with the JSON Schema of the file,
// which is made from the tables that the file is read by. With -update it writes the page.
func TestGeneratedDocsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	want := configurationPage(t)
	file := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("docs/configuration.md is stale; go test ./cmd/tandem -run TestGeneratedDocs -update writes it anew:\n%s", diff)
	}
}

func allSpecs() []connector.Spec {
	var all []connector.Spec
	for _, s := range systems.All() {
		all = append(all, s.Spec)
	}
	return all
}

func configurationPage(t *testing.T) string {
	t.Helper()
	text, err := plan.JSONSchema(allSpecs())
	if err != nil {
		t.Fatal(err)
	}
	var root configKey
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(generated + "# Every key of tandem.yaml\n\nEditors check the file while you type with `tandem schema > tandem.schema.json`. Keys in bold must be there. " +
		"Which fields go where, and expressions: [mapping](guide/mapping.md).\n")
	b.WriteString(keysPart("The file", "", root))
	fmt.Fprintf(&b, "\n## A connection\n\n| key | takes | meaning |\n|---|---|---|\n| **`system`** | %s | Which system it is. |\n", choicesOf(root.Defs["connection"].Properties["system"]))
	b.WriteString(rows(everySystems(root)))
	b.WriteString("\nBeside these each system has its own, and the ways to sign in: ")
	var pages []string
	for _, s := range allSpecs() {
		pages = append(pages, fmt.Sprintf("[%s](systems/%s.md)", s.Title, s.Name))
	}
	b.WriteString(strings.Join(pages, ", ") + ".\n")
	b.WriteString(keysPart("A sync", "", root.Defs["sync"]))
	b.WriteString(keysPart("An entry of `fields`", "", root.Defs["field"]))
	return b.String()
}

// everySystems are the keys that a connection to any system has.
func everySystems(root configKey) configKey {
	keys := configKey{Properties: map[string]configKey{}}
	for i, s := range allSpecs() {
		of := root.Defs["system_"+s.Name].Properties
		if i == 0 {
			keys.Properties = maps.Clone(of)
		}
		maps.DeleteFunc(keys.Properties, func(name string, k configKey) bool { return of[name].Description != k.Description || name == "system" })
	}
	return keys
}

// keysPart is a table of keys, and after it those of what is within them.
func keysPart(title, path string, of configKey) string {
	if path != "" {
		title = "`" + path + "`"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| key | takes | meaning |\n|---|---|---|\n%s", title, rows(of))
	for _, name := range slices.Sorted(maps.Keys(of.Properties)) {
		inner := of.Properties[name]
		if inner.Items != nil {
			inner = *inner.Items
		}
		if !hasHelp(inner) {
			continue
		}
		b.WriteString(keysPart("", strings.TrimPrefix(path+"."+name, "."), inner))
	}
	return b.String()
}

func hasHelp(k configKey) bool {
	for _, p := range k.Properties {
		if p.Description != "" {
			return true
		}
	}
	return false
}

func rows(of configKey) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(of.Properties)) {
		k := of.Properties[name]
		word := "`" + name + "`"
		if slices.Contains(of.Required, name) {
			word = "**" + word + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", word, choicesOf(k), cell(k.Description))
	}
	return b.String()
}

// choicesOf are the words that a key takes, if there are only some.
func choicesOf(k configKey) string {
	if k.Type == "boolean" {
		return "`true`, `false`"
	}
	words := k.Enum
	for _, x := range k.AnyOf {
		words = append(words, x.Enum...)
	}
	if k.Items != nil {
		words = append(words, k.Items.Enum...)
	}
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

// Every function of expressions is told of, in the guide of mapping or in that of computed fields.
func TestEveryFunctionIsDocumented(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, name := range []string{"mapping.md", "marketing.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, name := range mapping.Functions() {
		if !strings.Contains(all.String(), name+"(") {
			t.Errorf("no guide shows %s(", name)
		}
	}
}

// The configurations that guides show are accepted, as far as the grammar goes.
func TestTheConfigurationsOfTheGuidesAreRead(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guide", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$")
	read := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range fence.FindAllStringSubmatch(string(text), -1) {
			read++
			whole := wholeOf(strings.ReplaceAll("\n"+part[2], "\n"+part[1], "\n"))
			env := func(name string) (string, bool) {
				if strings.HasSuffix(name, "_URL") {
					return "https://example.com", true
				}
				return "whsec_" + strings.Repeat("A", 44), true
			}
			_, problems := plan.ParseFrom("tandem.yaml", []byte(whole), plan.Sources{Env: env, Vault: func(string, string) (plan.Vault, error) { return anyVault{}, nil }}, allSpecs())
			for _, p := range problems {
				if !p.Warning {
					t.Errorf("%s: %s\n%s", filepath.Base(page), p, whole)
				}
			}
		}
	}
	if read < 15 {
		t.Errorf("only %d configurations were found", read)
	}
}

// wholeOf puts around a part of a configuration what it leaves out.
func wholeOf(part string) string {
	first := regexp.MustCompile(`(?m)^( *)[^ #\n]`).FindStringSubmatch(part)
	switch around := "syncs:\n  any:\n    left: erp.contacts\n    right: crm.contacts\n"; len(first[1]) {
	case 6:
		part = around + "    fields:" + part
	case 4:
		part = around + part
	case 2:
		part = "syncs:" + part
	}
	if !strings.Contains(part, "\nconnections:") {
		part = "connections:\n  erp: { system: dolibarr, url: https://erp.example.com, api_key: \"${KEY}\" }\n" +
			"  crm: { system: pipedrive, api_token: \"${KEY}\" }\n  mail: { system: brevo, api_key: \"${KEY}\" }\n" + part
	}
	if !strings.Contains(part, "\nversion:") {
		part = "version: 1\n" + part
	}
	return part
}

// anyVault has every secret.
type anyVault struct{}

func (anyVault) Names() []string                     { return nil }
func (anyVault) Secret(string) (string, bool, error) { return "x", true, nil }
