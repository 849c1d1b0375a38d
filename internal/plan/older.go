package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// FromOlder turns a file of the older format, which has connectors, lists, person_mapping,
// deal_stage_mapping and webhooks for a Pipedrive and a Brevo account, into a tandem.yaml with
// comments. What it cannot take over is in the problems, with the line of the old file. No
// secret of the old file is in the new one, or in a problem (invariant 9).
func FromOlder(file string, src []byte) ([]byte, Problems) {
	o := &older{file: file}
	f, err := parser.ParseBytes(src, 0)
	if err != nil || len(f.Docs) == 0 || f.Docs[0].Body == nil {
		o.leftf(1, "it cannot be read as YAML")
		return nil, o.problems
	}
	top := pairsOf(f.Docs[0].Body)
	if !slices.ContainsFunc(top, func(p olderPair) bool { return slices.Contains(olderKeys(), p.key) }) {
		o.leftf(1, "it has none of %s: it is no file of the older format", strings.Join(olderKeys(), ", "))
		return nil, o.problems
	}
	for _, p := range top {
		o.take(p)
	}
	return o.write(), o.problems
}

func olderKeys() []string {
	return []string{"connectors", "lists", "person_mapping", "deal_stage_mapping", "webhooks"}
}

// An older is a file of the older format as far as it was understood.
type older struct {
	file     string
	problems Problems
	address  string
	objects  []string // of Pipedrive, that are to be synced
	lists    []olderPair
	fields   []string
	stages   []olderPair
	events   []string
}

type olderPair struct {
	key   string
	value ast.Node
	line  int
}

func (p olderPair) text() string {
	if p.value == nil || p.value.GetToken() == nil {
		return ""
	}
	return p.value.GetToken().Value
}

// pairsOf returns the entries of a map, whatever its size.
func pairsOf(n ast.Node) []olderPair {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	var all []olderPair
	for _, v := range values {
		t := v.Key.GetToken()
		all = append(all, olderPair{t.Value, v.Value, t.Position.Line})
	}
	return all
}

func (o *older) leftf(line int, format string, args ...any) {
	o.problems = append(o.problems, Problem{File: o.file, Line: line, Warning: true, Text: fmt.Sprintf(format, args...)})
}

func (o *older) take(p olderPair) {
	switch p.key {
	case "connectors":
		o.connectors(p)
	case "lists":
		o.takeLists(p)
	case "person_mapping":
		for _, m := range pairsOf(p.value) {
			o.field(m)
		}
	case "deal_stage_mapping":
		o.stages = pairsOf(p.value)
		o.leftf(p.line, "deal_stage_mapping: this version does not put contacts into lists yet; it is in the new file as a comment")
	case "webhooks":
		o.hooks(p)
	case "sync":
		o.sync(p)
	default:
		o.leftf(p.line, "%s: nothing in the new format is like it", p.key)
	}
}

func (o *older) connectors(p olderPair) {
	for _, c := range pairsOf(p.value) {
		if c.key != "pipedrive" {
			o.leftf(c.line, "connectors.%s: only pipedrive is converted; add the connection by hand", c.key)
			continue
		}
		for _, s := range pairsOf(c.value) {
			o.setting(s)
		}
	}
}

func (o *older) setting(s olderPair) {
	switch s.key {
	case "enabled":
		if s.text() != "true" {
			o.leftf(s.line, "enabled: a connection is switched off by leaving its syncs out")
		}
	case "api_token":
		o.leftf(s.line, "api_token: put it into the variable PIPEDRIVE_API_TOKEN or into tandem secret set; it is not copied")
	case "company_domain":
		if !word(s.text()) {
			o.leftf(s.line, "company_domain: it is not the first part of a host name")
			return
		}
		o.address = "https://" + s.text() + ".pipedrive.com"
	case "sync":
		o.sync(s)
	case "lists":
		o.takeLists(s)
	default:
		o.leftf(s.line, "%s: nothing in the new format is like it", s.key)
	}
}

// word reports whether a text is safe to stand in the file without quotes.
func word(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func (o *older) sync(p olderPair) {
	for _, s := range pairsOf(p.value) {
		switch {
		case s.text() != "true":
		case s.key == "activities":
			o.leftf(s.line, "sync.activities: this version does not send activities on as events yet")
		case slices.Contains([]string{"persons", "deals", "organizations", "leads"}, s.key):
			o.objects = append(o.objects, s.key)
		default:
			o.leftf(s.line, "sync.%s: no object of that name", s.key)
		}
	}
}

func (o *older) takeLists(p olderPair) {
	o.lists = pairsOf(p.value)
	o.leftf(p.line, "lists: this version does not put contacts into lists yet; they are in the new file as comments")
}

// field turns one line of person_mapping into a field of the sync of contacts.
func (o *older) field(m olderPair) {
	right := m.text()
	if !word(right) {
		o.leftf(m.line, "person_mapping.%s: it does not name an attribute", m.key)
		return
	}
	one := func(format string, args ...any) {
		o.fields = append(o.fields, "- { "+fmt.Sprintf(format, args...)+" }")
	}
	deals := map[string]string{"won_deals_count": `.status == "won"`, "lost_deals_count": `.status == "lost"`,
		"open_deals_count": `.status == "open"`, "closed_deals_count": `.status != "open"`}
	custom, isCustom := strings.CutPrefix(m.key, "custom_fields.")
	switch {
	case deals[m.key] != "":
		one("right: %s, from: 'count(deals, %s)'", right, deals[m.key])
	case isCustom && word(custom):
		one("left: custom_fields.%s, right: %s", custom, right)
	case m.key == "email", m.key == "name", m.key == "first_name", m.key == "last_name", m.key == "phone":
		one("left: %s, right: %s", m.key, right)
	case m.key == "org_id.name":
		one("right: %s, from: 'org_id.name'", right)
	default:
		o.leftf(m.line, "person_mapping.%s: there is no such field, and no way to compute it from one; write an expression for %s, or leave it out", m.key, right)
	}
}

func (o *older) hooks(p olderPair) {
	seq, ok := p.value.(*ast.SequenceNode)
	if !ok {
		o.leftf(p.line, "webhooks: it is no list")
		return
	}
	o.leftf(p.line, "webhooks: changes are reported without them (public_url); this version does not send events on yet: they are in the new file as comments")
	for _, item := range seq.Values {
		var action, object, event string
		for _, x := range pairsOf(item) {
			switch x.key {
			case "event_action":
				action = x.text()
			case "event_object":
				object = x.text()
			case "brevo_event":
				event = x.text()
			default:
				o.leftf(x.line, "webhooks.%s: nothing in the new format is like it", x.key)
			}
		}
		if word(action) && word(object) && word(event) {
			o.events = append(o.events, fmt.Sprintf("- { on: %ss.%s, send: %s }", object, action, event))
		}
	}
}

// write writes the new file.
func (o *older) write() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Converted from the older format. What could not be taken over was listed when this was")
	line("# written; tandem check says what the accounts lack, tandem plan what would happen.")
	line("version: 1\ntimezone: UTC # the older format had none: whose days and schedules are these?\n\nconnections:\n  pipedrive:\n    system: pipedrive")
	if o.address != "" {
		line("    url: %s", o.address)
	}
	line("    api_token: ${PIPEDRIVE_API_TOKEN} # the environment, a file .env beside this one, or ${secret:NAME}")
	line("  brevo:\n    system: brevo\n    api_key: ${BREVO_API_KEY}\n\nsyncs:")
	if len(o.objects) == 0 {
		o.objects = []string{"persons"}
	}
	if slices.Contains(o.objects, "organizations") {
		line("  companies:\n    left: pipedrive.organizations\n    right: brevo.companies\n    match: [name]")
	}
	if slices.Contains(o.objects, "persons") {
		line("  contacts:\n    left: pipedrive.persons\n    right: brevo.contacts\n    match: [email]")
		if len(o.fields) > 0 {
			line("    fields:\n      %s", strings.Join(o.fields, "\n      "))
		}
		o.writeLists(line)
	}
	if slices.Contains(o.objects, "leads") {
		line("  leads: # into the same contacts; one way, so that a lead never overwrites a person\n    left: pipedrive.leads\n    right: brevo.contacts\n    direction: left-to-right\n    match: [email]")
	}
	if slices.Contains(o.objects, "deals") {
		line("  deals:\n    left: pipedrive.deals\n    right: brevo.deals\n    match: [name]")
	}
	return []byte(b.String())
}

// writeLists keeps what this version does not do yet in the words of the one that will.
func (o *older) writeLists(line func(string, ...any)) {
	if len(o.stages)+len(o.lists) > 0 {
		line("    # lists:")
	}
	if len(o.stages) > 0 {
		var to []string
		for _, s := range o.stages {
			if word(s.key) && word(s.text()) {
				to = append(to, s.key+": "+s.text())
			}
		}
		line("    #   - { of: deals, pick: [open, won, lost], by: stage_id, to: { %s } }", strings.Join(to, ", "))
	}
	for _, l := range o.lists {
		if word(l.key) && word(l.text()) {
			line("    #   - { in: %s, when: \"true\" } # %s: who belongs there?", l.text(), l.key)
		}
	}
	if len(o.events) > 0 {
		line("    # events:\n    #   %s", strings.Join(o.events, "\n    #   "))
	}
}
