package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

// flowFrom makes a flow from "name: a.x both b.y" (or ->, <-) that carries the field f.
func flowFrom(t *testing.T, text string) flow {
	t.Helper()
	name, rest, _ := strings.Cut(text, ": ")
	words := strings.Fields(rest)
	if len(words) < 3 {
		t.Fatalf("%q is no flow", text)
	}
	f := flow{name: name, fields: []flowField{{names: [2]string{"f", "f"}}}}
	for i, end := range []string{words[0], words[2]} {
		connection, object, _ := strings.Cut(end, ".")
		f.ends[i] = Endpoint{connection, object}
	}
	f.fields[0].to = map[string][2]bool{"<->": {true, true}, "->": {false, true}, "<-": {true, false}}[words[1]]
	for _, option := range words[3:] {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "left":
			f.where[0] = value
		case "right":
			f.where[1] = value
		case "parent":
			f.parents[0] = strings.Split(value, ",")
		}
	}
	return f
}

func TestConflictsBetweenSyncs(t *testing.T) {
	t.Parallel() // R31
	for name, c := range map[string]struct {
		flows []string
		want  []string
	}{
		"one two-way sync is no circle":   {[]string{"a: erp.x <-> crm.y"}, nil},
		"a star that is fed by one":       {[]string{"a: erp.x -> crm.y", "b: erp.x -> mail.z"}, nil},
		"a chain":                         {[]string{"a: erp.x -> crm.y", "b: crm.y -> mail.z"}, nil},
		"a chain whose end is two-way":    {[]string{"a: erp.x -> crm.y", "b: mail.z <- crm.y"}, nil},
		"other objects of one connection": {[]string{"a: erp.x <-> crm.y", "b: erp.w <-> crm.v"}, nil},
		"two that write one field": {
			[]string{"a: erp.x -> crm.y", "b: shop.p -> crm.y"},
			[]string{`1 syncs "a" and "b" both write f of crm.y; give them where filters that no record passes both, or take the fields out of one`},
		},
		"two that write one field from its left": {
			[]string{"a: erp.x -> crm.y", "b: crm.y <-> shop.p"},
			[]string{`1 syncs "a" and "b" both write f of crm.y; give them where filters that no record passes both, or take the fields out of one`},
		},
		"filters that exclude each other":       {[]string{"a: erp.x -> crm.y right=kind=='a'", "b: shop.p -> crm.y right=kind=='b'"}, nil},
		"filters of the shared source":          {[]string{"a: erp.x -> crm.y left=kind=='a'", "b: erp.x -> crm.y left=kind!='a'"}, nil},
		"filters of sources that are not alike": {[]string{"a: erp.x -> crm.y left=kind=='a'", "b: shop.p -> crm.y left=kind!='a'"}, []string{`1 syncs "a" and "b" both write f of crm.y; give them where filters that no record passes both, or take the fields out of one`}},
		"filters that nobody can tell apart": {
			[]string{"a: erp.x -> crm.y right=len(kind)>1", "b: shop.p -> crm.y right=len(kind)<1"},
			[]string{`1 warning: syncs "a" and "b" both write f of crm.y; it cannot be seen from their where filters that no record passes both`},
		},
		"the same sync twice": {
			[]string{"a: erp.x <-> crm.y", "b: crm.y <-> erp.x"},
			[]string{`1 syncs "a" and "b" both write f of erp.x, and f of crm.y; give them where filters that no record passes both, or take the fields out of one`},
		},
		"a circle of two": {
			[]string{"a: erp.x -> crm.y", "b: erp.x <- crm.y"},
			[]string{`1 syncs "a", "b" carry a field in a circle: erp.x.f to crm.y.f to erp.x.f; take it out of one of them`},
		},
		"a circle of three": {
			[]string{"a: erp.x -> crm.y", "b: crm.y -> mail.z", "c: erp.x <- mail.z"},
			[]string{`2 syncs "a", "b", "c" carry a field in a circle: erp.x.f to crm.y.f to mail.z.f to erp.x.f; take it out of one of them`},
		},
		"a circle that filters cut":   {[]string{"a: erp.x -> crm.y right=k=='1'", "b: crm.y -> mail.z left=k=='2'", "c: erp.x <- mail.z"}, nil},
		"a circle beside another way": {[]string{"o: erp.x -> other.o", "a: erp.x -> crm.y", "b: erp.x <- crm.y"}, []string{`2 syncs "a", "b" carry a field in a circle: erp.x.f to crm.y.f to erp.x.f; take it out of one of them`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var flows []flow
			for _, text := range c.flows {
				flows = append(flows, flowFrom(t, text))
			}
			var got []string
			for _, found := range conflicts(flows) {
				kind := ""
				if found.warning {
					kind = "warning: "
				}
				got = append(got, string(rune('0'+found.at))+" "+kind+found.text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParentsComeFirst(t *testing.T) {
	t.Parallel() // R28
	for name, c := range map[string]struct{ flows, want []string }{
		"file order without references": {[]string{"b: erp.x <-> crm.y", "a: erp.v <-> crm.w"}, []string{"b", "a"}},
		"parent below": {
			[]string{"deals: erp.d <-> crm.d parent=p,c", "contacts: erp.c <-> crm.c parent=p", "companies: erp.p <-> crm.p", "other: erp.o <-> crm.o"},
			[]string{"companies", "contacts", "deals", "other"},
		},
		"parent with its sides swapped": {[]string{"c: erp.c <-> crm.c parent=p", "p: crm.p <-> erp.p"}, []string{"p", "c"}},
		"parent towards another system": {[]string{"c: erp.c <-> crm.c parent=p", "p: erp.p <-> mail.p"}, []string{"c", "p"}},
		"references in a circle":        {[]string{"a: erp.a <-> crm.a parent=b", "b: erp.b <-> crm.b parent=a"}, []string{"b", "a"}},
		"an object that refers to itself": {
			[]string{"a: erp.a <-> crm.a parent=a", "b: erp.b <-> crm.b"}, []string{"a", "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var flows []flow
			for _, text := range c.flows {
				flows = append(flows, flowFrom(t, text))
			}
			var got []string
			for _, i := range parentsFirst(flows) {
				got = append(got, flows[i].name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrderKeepsEverySyncOnce(t *testing.T) {
	t.Parallel() // R28
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 8).Draw(t, "syncs")
		objects := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), n, n).Draw(t, "objects")
		var flows []flow
		for i, o := range objects {
			f := flow{name: o, ends: [2]Endpoint{{"l", o}, {"r", o}}}
			// Parents are of earlier letters only: then there is no circle.
			for _, p := range rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c"})).Draw(t, "parents") {
				if p < objects[i] {
					f.parents[0] = append(f.parents[0], p)
				}
			}
			flows = append(flows, f)
		}
		order := parentsFirst(flows)
		at := make(map[int]int)
		for position, i := range order {
			at[i] = position
		}
		if len(order) != n || len(at) != n {
			t.Fatalf("order %v of %d", order, n)
		}
		for i := range flows {
			for j := range flows {
				if i != j && flows[j].isParentOf(flows[i]) && at[j] > at[i] {
					t.Fatalf("%v comes after its child %v", flows[j], flows[i])
				}
			}
		}
	})
}

func TestCheckAllOfResolvedSyncs(t *testing.T) {
	t.Parallel()
	p := parse(t, head+`  mail: { system: hubspot, access_token: "${HUBSPOT_TOKEN}" }
syncs:
  contacts: { left: erp.contacts, right: crm.contacts }
  companies: { left: erp.thirdparties, right: crm.companies }
  letters: { left: mail.contacts, right: crm.contacts, direction: left-to-right }
`)
	left, right := testObjects()
	company := func(name string) record.Object {
		return record.Object{Name: name, Common: "company", Create: true, Update: true, Fields: []record.Field{
			{Name: "domain", Common: "domain", Kind: record.KindText, Format: record.FormatDomain},
		}}
	}
	var all []*Resolved
	for name, objects := range map[string][2]record.Object{
		"contacts": {left, right}, "companies": {company("thirdparties"), company("companies")}, "letters": {right, right},
	} {
		s, _ := p.Sync(name)
		r, problems := p.Resolve(s, objects[0], objects[1])
		if r == nil {
			t.Fatalf("%s: %v", name, problems)
		}
		all = append(all, r)
	}
	// Maps have no order: put them into that of the file.
	byName := map[string]*Resolved{}
	for _, r := range all {
		byName[r.Name] = r
	}
	ordered, problems := p.CheckAll([]*Resolved{byName["contacts"], byName["companies"], byName["letters"]})
	var names []string
	for _, r := range ordered {
		names = append(names, r.Name)
	}
	if diff := cmp.Diff([]string{"companies", "contacts", "letters"}, names); diff != "" {
		t.Errorf("R28: a contact refers to its company (-want +got):\n%s", diff)
	}
	want := `tandem.yaml:14: syncs "contacts" and "letters" both write email, firstname, lastname of crm.contacts; give them where filters that no record passes both, or take the fields out of one`
	if problems.Error() != want || !problems.HasErrors() {
		t.Errorf("R31: got %v\nwant %s", problems, want)
	}
}

func TestFiltersThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want verdict
	}{
		{"", "", overlapping},
		{"", "a == 1", overlapping},
		{"a == 1", "a == 1", overlapping},
		{"a == 1", "a == 2", disjoint},
		{"1 == a", "a == 2", disjoint},
		{"a == '1'", "a != '1'", disjoint},
		{"a == ''", "a != ''", disjoint},
		{"a in ['x','y']", "a == 'z'", disjoint},
		{"a in ['x','y']", "a in ['y','z']", perhaps},
		{"a in ['x','y']", "not (a in ['x','y'])", disjoint},
		{"a in ['x','y']", "a not in ['x','y','z']", disjoint},
		{"a in ['x','y'] and a != 'x'", "a == 'x'", disjoint},
		{"active", "not active", disjoint},
		{"active == true", "!active", disjoint},
		{"active and a == 1", "b == 3 and a == 2 and active", disjoint},
		{"a == 1 or b == 2", "a == 2", perhaps},
		{"not (a == 1)", "a == 1", disjoint},
		{"not not active", "not active", disjoint}, //nolint:dupword // the language has it
		{`f["a b"] == 1`, `f["a b"] == 2`, disjoint},
		{"org.name == 'x'", "org.name == 'y'", disjoint},
		{"a == 1", "b == 2", perhaps},
		{"a > 1", "a < 1", perhaps},
		{"a == b", "a != b", perhaps},
		{"a == ", "a == 1", perhaps},
	} {
		if got := filters(c.a, c.b); got != c.want {
			t.Errorf("filters(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
		if got := filters(c.b, c.a); got != c.want {
			t.Errorf("filters(%q, %q) = %v, want %v", c.b, c.a, got, c.want)
		}
	}
}
