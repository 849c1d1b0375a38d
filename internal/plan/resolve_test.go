package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// contacts is a sync of contacts; its rules begin in line 14.
const contacts = head + `syncs:
  contacts:
    left: erp.contacts
    right: crm.contacts
`

func resolve(t *testing.T, src string, change ...func(left, right *record.Object)) (*Resolved, Problems) {
	t.Helper()
	p := parse(t, src)
	left, right := testObjects()
	for _, c := range change {
		c(&left, &right)
	}
	s, _ := p.Sync("contacts")
	return p.Resolve(s, left, right)
}

func TestExampleOfDesignResolves(t *testing.T) {
	t.Parallel()
	r, problems := resolve(t, contacts+`    match: [email]
    where: { left: "email != ''" }
    delete: { left: ignore, right: archive }
    fields:
      - "*"
      - { left: note_private, right: notes, direction: left-to-right, enforce: true }
      - { left: array_options.options_segment, right: segment, values: { "1": vip, "2": trade }, prefer: ask }
      - { right: full_name, from: "firstname + ' ' + lastname" }
`)
	if r == nil || problems.HasErrors() {
		t.Fatal(problems)
	}
	got := make(map[string]Rule)
	for i, f := range r.Mapping.Fields() {
		got[f.Key] = r.Rules[i]
	}
	want := map[string]Rule{
		"email=email":                           {Direction: merge.Both, Prefer: merge.Newest},
		"firstname=firstname":                   {Direction: merge.Both, Prefer: merge.Newest},
		"lastname=lastname":                     {Direction: merge.Both, Prefer: merge.Newest},
		"note_private=notes":                    {Direction: merge.LeftToRight, Prefer: merge.Newest, Enforce: true},
		"array_options.options_segment=segment": {Direction: merge.Both, Prefer: merge.Ask},
		"=full_name":                            {Direction: merge.LeftToRight, Prefer: merge.Newest},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if !r.Create[0] || !r.Create[1] || r.Name != "contacts" {
		t.Errorf("got %+v", r.Sync)
	}
}

func TestProblemsOfTheMappingHaveTheirLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src  string
		want string // beginning of the only problem that is no warning
		near string
	}{
		"unknown field": {
			"    fields:\n      - \"*\"\n      - { left: note_privat, right: notes }\n",
			"tandem.yaml:16:17: ", "note_private",
		},
		"unknown match key":     {"    match: [emial]\n", "tandem.yaml:14:13: ", "email"},
		"filter with a mistake": {"    where:\n      right: emial != ''\n", "tandem.yaml:15:14: ", "email"},
		"value map two-way": { // R13
			"    fields:\n      - left: array_options.options_segment\n        right: segment\n        values: { \"1\": vip, \"2\": vip }\n",
			"tandem.yaml:17:", "",
		},
		"computed from unknown field": {
			"    fields:\n      - { right: full_name, from: \"fristname\" }\n",
			"tandem.yaml:15:35: ", "firstname",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, problems := resolve(t, contacts+c.src)
			var errs Problems
			for _, p := range problems {
				if !p.Warning {
					errs = append(errs, p)
				}
			}
			if r != nil || len(errs) != 1 || !strings.HasPrefix(errs[0].String(), c.want) || errs[0].Near != c.near {
				t.Errorf("resolved %v, problems:\n%v\nwant %s… near %q", r != nil, errs, c.want, c.near)
			}
		})
	}
}

func TestASyncIsHeldAgainstWhatItsObjectsCan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src    string
		change func(left, right *record.Object)
		want   string
	}{
		"archive where there is no bin": {
			"    delete: { left: archive }\n", func(_, _ *record.Object) {},
			"tandem.yaml:14:21: delete: records of erp.contacts cannot be archived through its API; it takes ignore, unlink, delete",
		},
		"delete on both where one cannot": {
			"    delete: delete\n", func(_, _ *record.Object) {},
			"tandem.yaml:14:13: delete: records of crm.contacts cannot be deleted through its API; it takes ignore, unlink, archive",
		},
		"delete that can never be proven": { // R21
			"    delete: { right: archive }\n", func(left, _ *record.Object) { left.Deletes = record.EvidenceNone },
			"tandem.yaml:14:22: warning: delete: erp.contacts cannot tell deleted records from invisible ones, so nothing is archived on the right",
		},
		"create that is asked for": {
			"    create: both\n", func(_, right *record.Object) { right.Create = false },
			"tandem.yaml:14:13: records of crm.contacts cannot be created; create must leave out the right",
		},
		"leave by archiving": {
			"    leave: archive\n    where: { right: \"email != ''\" }\n", func(_, _ *record.Object) {},
			"tandem.yaml:14:12: leave: records of erp.contacts cannot be archived through its API",
		},
		"an object that takes no writes": {
			"    direction: both\n", func(left, _ *record.Object) { left.Create, left.Update = false, false },
			`tandem.yaml:14:16: sync "contacts": erp.contacts takes no writes, so direction cannot be both; use left-to-right`,
		},
		"two objects that take no writes": {
			"    direction: both\n", func(left, right *record.Object) {
				left.Create, left.Update, right.Create, right.Update = false, false, false, false
			},
			`tandem.yaml:14:16: sync "contacts": erp.contacts takes no writes, so direction cannot be both; use none, which links what matches`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := resolve(t, contacts+c.src, c.change)
			var texts []string
			for _, p := range problems {
				texts = append(texts, p.String())
			}
			if !strings.Contains("\n"+strings.Join(texts, "\n")+"\n", "\n"+c.want+"\n") {
				t.Errorf("got:\n%s\nwant among them:\n%s", strings.Join(texts, "\n"), c.want)
			}
		})
	}
}

func TestCreateThatNobodyAskedForIsLeftOut(t *testing.T) {
	t.Parallel()
	r, problems := resolve(t, contacts, func(_, right *record.Object) { right.Create = false })
	if r == nil || r.Create != [2]bool{true, false} {
		t.Errorf("got %v, %v", r, problems)
	}
}

func TestOneWaySyncWritesNothingBack(t *testing.T) {
	t.Parallel() // R10
	for _, src := range []string{
		contacts + "    direction: left-to-right\n    enforce: true\n",
		contacts + "    direction: left-to-right\n    enforce: true\n    fields: [\"*\", { left: note_private, right: notes }]\n",
	} {
		r, problems := resolve(t, src)
		if r == nil {
			t.Fatal(problems)
		}
		if len(r.Rules) != len(r.Mapping.Fields()) || len(r.Rules) < 3 {
			t.Errorf("%d rules for %d fields", len(r.Rules), len(r.Mapping.Fields()))
		}
		for i, f := range r.Mapping.Fields() {
			if r.Rules[i].Direction.Allows(record.Left) || f.ToLeft {
				t.Errorf("%s may be written back: %+v", f.Key, r.Rules[i])
			}
			if r.Rules[i].Direction == merge.LeftToRight && !r.Rules[i].Enforce {
				t.Errorf("%s is not enforced", f.Key)
			}
		}
	}
}

func TestReferencesAreTranslatedThroughOtherSyncs(t *testing.T) {
	t.Parallel()
	src := contacts + "  companies: { left: crm.companies, right: erp.thirdparties, match: email }\n"
	p := parse(t, src)
	s, _ := p.Sync("contacts")
	in := p.input(s, [2]record.Object{}, Around{})
	if !in.Links("thirdparties", "companies") {
		t.Error("the sync of companies is the other way round and must count")
	}
	if in.Links("companies", "thirdparties") || in.Links("users", "owners") {
		t.Error("objects that no sync links")
	}
}

func TestNoResolvedProblemShowsASecret(t *testing.T) {
	t.Parallel()
	p := parse(t, contacts+"    where: { left: \"emial == '${HUBSPOT_TOKEN}' ${HUBSPOT_TOKEN}\" }\n    match: [\"${HUBSPOT_TOKEN}\"]\n")
	left, right := testObjects()
	s, _ := p.Sync("contacts")
	_, problems := p.Resolve(s, left, right)
	if !problems.HasErrors() {
		t.Fatal("want problems")
	}
	checkQuiet(t, problems.Error())
}
