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
	o := &older{file: file, names: map[string]string{}}
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
	text := o.write()
	return text, o.problems.sorted()
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
	named    bool     // sync says which objects
	lists    []olderPair
	fields   []string
	names    map[string]string // attribute by field of a person: "first_name": "FIRSTNAME"
	rated    bool              // amounts are summed up
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
		o.takeStages(p)
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
	case "person_mapping", "deal_stage_mapping", "webhooks":
		o.take(s)
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
		o.named = true
		switch {
		case s.text() != "true":
		case s.key == "activities":
			o.objects = append(o.objects, s.key)
		case s.key == "deals":
			o.objects = append(o.objects, s.key)
			o.leftf(s.line, "sync.deals: what marketing needs of deals stands on their contacts, as numbers, lists and events; a sync of the deals themselves is in the new file as a comment")
		case slices.Contains([]string{"persons", "organizations", "leads"}, s.key):
			o.objects = append(o.objects, s.key)
		default:
			o.leftf(s.line, "sync.%s: no object of that name", s.key)
		}
	}
}

func (o *older) takeLists(p olderPair) {
	for _, l := range pairsOf(p.value) {
		if word(l.key) && word(l.text()) {
			o.lists = append(o.lists, l)
			continue
		}
		o.leftf(l.line, "lists: an entry is a name and the ID of a list")
	}
}

func (o *older) takeStages(p olderPair) {
	for _, s := range pairsOf(p.value) {
		if word(s.key) && word(s.text()) {
			o.stages = append(o.stages, s)
			continue
		}
		o.leftf(s.line, "deal_stage_mapping: an entry is the ID of a stage, won or lost, and the ID of a list")
	}
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
	counts := map[string]string{"won_deals_count": `.status == "won"`, "lost_deals_count": `.status == "lost"`,
		"open_deals_count": `.status == "open"`, "closed_deals_count": `.status in ["won", "lost"]`}
	custom, isCustom := strings.CutPrefix(m.key, "custom_fields.")
	switch {
	case counts[m.key] != "":
		one("right: %s, from: 'count(deals, %s)'", right, counts[m.key])
	case m.key == "total_revenue":
		one(`right: %s, from: 'round(sum(filter(deals, .status == "won"), convert(.value, .currency)), 2)'`, right)
		o.rated = true
	case isCustom && isHash(custom):
		one("left: %s, right: %s", custom, right)
	case isCustom && word(custom):
		o.leftf(m.line, "person_mapping.%s: a custom field is called by its key of 40 letters and digits, and this is none; tandem fields pipedrive.persons shows it, and the new file has the line as a comment", m.key)
		o.fields = append(o.fields, fmt.Sprintf("# - { left: the key of %s, right: %s }", custom, right))
	case m.key == "email":
		o.fields = append(o.fields, "- email")
	case m.key == "name", m.key == "phone":
		one("left: %s, right: %s", m.key, right)
		o.names[m.key] = right
	case m.key == "first_name", m.key == "last_name":
		one("left: %s, right: %s, direction: left-to-right", m.key, right)
		o.names[m.key] = right
	case m.key == "org_id.name":
		one("right: %s, from: org_id.name", right)
	default:
		o.leftf(m.line, "person_mapping.%s: there is no such field, and no way to compute it from one; write an expression for %s, or leave it out", m.key, right)
	}
}

// isHash reports whether a name may be the key of a custom field.
func isHash(name string) bool {
	return len(name) == 40 && strings.Trim(name, "0123456789abcdef") == ""
}

func (o *older) hooks(p olderPair) {
	seq, ok := p.value.(*ast.SequenceNode)
	if !ok {
		o.leftf(p.line, "webhooks: it is no list")
		return
	}
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
		o.event(item.GetToken().Position.Line, action, object, event)
	}
}

// event turns a webhook with the event that it sent on into a rule.
func (o *older) event(line int, action, object, event string) {
	done := map[string]string{"added": "created", "updated": "updated", "deleted": "deleted", "merged": "merged"}[action]
	objects := map[string]string{"person": "persons", "deal": "deals", "organization": "organizations", "activity": "activities",
		"lead": "leads", "note": "notes", "product": "products"}[object]
	switch {
	case !word(event):
		o.leftf(line, "webhooks: it names no event to send to Brevo")
	case done == "":
		o.leftf(line, "webhooks: an action is added, updated, deleted or merged")
	case objects == "":
		o.leftf(line, "webhooks: an object is person, deal, organization, activity, lead, note or product")
	default:
		o.events = append(o.events, fmt.Sprintf("- { on: %s.%s, send: %s }", objects, done, event))
	}
}
