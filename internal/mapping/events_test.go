package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// telling is a mapping whose right side takes events of the left.
func telling(rules ...mapping.EventRule) mapping.Input {
	for i := range rules {
		rules[i].Index = i
	}
	in := input(two("mail", "email"))
	in.Match, in.Kin, in.Events = []mapping.MatchKey{}, kin(), rules
	in.Takes, in.Ends = [2]bool{record.Right: true}, [2]string{"erp", "crm"}
	return in
}

func TestEventsReadWhatARecordIsAndWhatItWas(t *testing.T) {
	t.Parallel()
	m := compile(t, telling(mapping.EventRule{On: "deals.changed.status", Send: "moved", When: `stat != "open"`,
		With: map[string]string{"from": "old.stat", "was": "old.status", "to": "stat", "firm": "firm_id.name", "double": "value * 2", "bad": "value / 0"}}))
	e := m.Events()[0]
	if e.Object != "deals" || e.Ref != "person_id" || e.Field != "stat" || e.Source != record.Left || e.What != "changed" {
		t.Errorf("the event is %+v", e)
	}
	if d := cmp.Diff([][]string{{"firm_id", "stat", "value"}, {"stat"}, {"thirdparties"}}, [][]string{e.Now, e.Old, e.Lookups}); d != "" {
		t.Error(d)
	}
	if children := m.Children(record.Left); len(children) != 0 {
		t.Errorf("an event has people planned again when %v change", children)
	}
	old, now := record.Fields{"stat": record.Text("open")}, record.Fields{"stat": record.Text("won"), "firm_id": record.Text("7"), "value": record.Text("1.5")}
	for _, c := range []struct {
		now  record.Fields
		want bool
	}{{now, true}, {old, false}} {
		if is, err := e.Wanted(c.now, old, someLinks()); err != nil || is != c.want {
			t.Errorf("wanted of %v: %t, %v", c.now, is, err)
		}
	}
	got, err := e.Properties(now, old, someLinks())
	want := record.Fields{"from": record.Text("open"), "was": record.Text("open"), "to": record.Text("won"), "firm": record.Text("Acme SA"), "double": record.Text("3")}
	if d := cmp.Diff(want, got); d != "" || err == nil {
		t.Errorf("%s, fault %v, want one of bad", d, err)
	}
	// R11: what is not known of a record is left out.
	if got, err = e.Properties(record.Fields{"value": record.Text("1")}, nil, someLinks()); len(got) != 1 || err == nil {
		t.Errorf("of a record of which little is known: %v, %v", got, err)
	}
}

func TestEventsOfTheSyncsOwnRecords(t *testing.T) {
	t.Parallel()
	m := compile(t, telling(mapping.EventRule{On: "contacts.changed.array_options.options_segment", Send: "segment",
		With: map[string]string{"from": "old.array_options.options_segment", "name": "last_name"}}, mapping.EventRule{On: "tickets.from.created", Send: "asked"}))
	e := m.Events()
	if e[0].Ref != "" || e[0].Field != "array_options.options_segment" || len(e[0].Old) != 1 || e[1].Ref != "from" || e[1].Object != "tickets" {
		t.Errorf("events are %+v", e)
	}
	wire := m.Wire(record.Left)
	if d := cmp.Diff([]string{"array_options.options_segment", "lastname", "mail"}, wire); d != "" {
		t.Errorf("the fields that are read: %s", d)
	}
}

func TestRulesOfEventsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule             mapping.EventRule
		path, text, near string
	}{
		"object":  {mapping.EventRule{On: "deal.created"}, "events[0].on", `no object "deal"`, "deals"},
		"several": {mapping.EventRule{On: "tickets.created"}, "events[0].on", "write one of tickets.from, tickets.cc", ""},
		"field":   {mapping.EventRule{On: "deals.changed.movd"}, "events[0].on", "has no field", "moved"},
		"deaf":    {mapping.EventRule{On: "people.created"}, "events[0].on", "erp takes no events", ""},
		"when":    {mapping.EventRule{On: "deals.created", When: "titel == ''"}, "events[0].when", "has no field", "title"},
		"with":    {mapping.EventRule{On: "deals.created", With: map[string]string{"x": "old.titel"}}, "events[0].with.x", "has no field", "old.title"},
		"syntax":  {mapping.EventRule{On: "deals.created", With: map[string]string{"x": "title +"}}, "events[0].with.x", "column", ""},
		"arrays":  {mapping.EventRule{On: "contacts.created", With: map[string]string{"x": "len(deals)"}}, "events[0].with.x", `no field "deals"`, ""},
	} {
		if _, problems := mapping.Compile(telling(c.rule)); !hasProblem(problems, c.path, c.text, c.near, false) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
	in := telling(mapping.EventRule{On: "deals.created"})
	in.Takes = [2]bool{}
	if _, problems := mapping.Compile(in); !hasProblem(problems, "events[0].on", "crm takes no events", "", false) {
		t.Errorf("a system that takes none: %+v", problems)
	}
}
