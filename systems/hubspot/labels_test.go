package hubspot

import (
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

const (
	machines     = "2-17701501"
	linkMachines = "associations." + machines
	linkBilling  = "associations.companies.37" // "Billing contact" of a fresh twin
)

func texts(v record.Value) []string {
	var out []string
	for _, item := range v.Items() {
		out = append(out, item.Text())
	}
	return out
}

// labelOf returns the types of an association as people see them, in the order of their ids.
func (b *bench) labelsOf(object, id, with, other string) []string {
	b.Helper()
	got, err := b.account.Labels(object, id, with, other)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// A label is a field beside the main one: read, written and cleared per element, and it never
// takes the other labels of an association, nor the association (R12).
func TestLabelsAreFields(t *testing.T) {
	t.Parallel()
	for _, version := range []string{versionCurrent, versionLegacy} {
		inBubble(t, twin.Options{}, func(b *bench) {
			b.open(connector.Settings{settingVersion: version})
			legal, _, err := b.account.AddLabel(contacts, companies, "Lawyer", "Client")
			if err != nil {
				b.Fatal(err)
			}
			linkLegal := (link{to: companies, typ: legal, role: true}).field(contacts)
			o, _ := b.schema().Object(contacts)
			for field, name := range map[string]string{linkBilling: "Billing contact", linkLegal: "Lawyer"} {
				if f, ok := o.Field(field); !ok || f.Kind != record.KindReferences || f.To != companies || !f.Silent || !strings.Contains(f.Label, name) {
					b.Errorf("%s: %+v", field, f)
				}
			}
			firms := []string{b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal"), b.put(companies, "", "name", "Au")}
			made := b.write(connector.Create, contacts, connector.Op{Set: record.Fields{
				"email": record.Text("a@example.com"), propCompany: record.Text(firms[0]),
				linkBilling: record.Texts(firms[0], firms[1]), linkLegal: record.Texts(firms[0]),
			}})[0]
			if made.Err != nil || len(made.Refused) > 0 {
				b.Fatalf("%+v", made)
			}
			id := made.Ref.ID
			if got := b.labelsOf(contacts, id, companies, firms[0]); !slices.Equal(got, []string{"", "Billing contact", "Lawyer", "Primary"}) {
				b.Errorf("made with %q", got)
			}
			if err := b.account.AssociateAs(contacts, id, companies, firms[2], definedByUser, 37); err != nil { // a person, meanwhile
				b.Fatal(err)
			}
			r := b.change(contacts, id, linkBilling, record.Texts(firms[1]), record.Texts(firms[0], firms[1]))
			want := record.Texts(firms[1], firms[2])
			if r.Err != nil || !r.After.Fields[linkBilling].Equal(want) || !b.one(contacts, id)[linkBilling].Equal(want) {
				b.Errorf("one taken: %+v, read %v", r, b.one(contacts, id)[linkBilling])
			}
			if got := b.labelsOf(contacts, id, companies, firms[0]); !slices.Equal(got, []string{"", "Lawyer", "Primary"}) {
				b.Errorf("the others' labels: %q", got)
			}
			r = b.change(contacts, id, linkBilling, record.Value{}, want)
			if f := b.one(contacts, id); r.Err != nil || len(f[linkBilling].Items()) != 0 || f[propCompany].Text() != firms[0] {
				b.Errorf("cleared: %+v, %v", r, f[linkBilling])
			}
			if got := b.labelsOf(contacts, id, companies, firms[1]); !slices.Equal(got, []string{""}) {
				b.Errorf("without its label the association has %q", got)
			}
			if back := b.one(companies, firms[0])["associations.contacts.38"]; len(back.Items()) != 0 {
				b.Errorf("seen from the company: %v", back)
			}
		})
	}
}

// To clear the main company leaves what a person's label says (R12).
func TestClearingTheMainCompanyKeepsItsLabels(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		berg := b.put(companies, "", "name", "Berg")
		id := b.put(contacts, "", "email", "a@example.com", propCompany, berg)
		if err := b.account.Associate(id, berg, "billing"); err != nil {
			b.Fatal(err)
		}
		r := b.change(contacts, id, propCompany, record.Value{}, record.Text(berg))
		if r.Err != nil || b.companyOf(id) != "" {
			b.Errorf("%+v", r)
		}
		if got := b.labelsOf(contacts, id, companies, berg); !slices.Equal(got, []string{"", "Billing contact"}) {
			b.Errorf("left: %q", got)
		}
	})
}

// Labels between records of one object have a direction.
func TestPairedLabelsOfOneObject(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		there, back, err := b.account.AddLabel(contacts, contacts, "Mentor", "Mentee")
		if err != nil {
			b.Fatal(err)
		}
		mentors, mentees := (link{to: contacts, typ: there, role: true}).field(contacts), (link{to: contacts, typ: back, role: true}).field(contacts)
		o, _ := b.schema().Object(contacts)
		for _, name := range []string{mentors, mentees} {
			if f, ok := o.Field(name); !ok || f.To != contacts {
				b.Errorf("%s: %+v", name, f)
			}
		}
		p := b.contacts(3)
		if r := b.change(contacts, p[0], mentors, record.Texts(p[1], p[2]), record.Value{}); r.Err != nil {
			b.Fatal(r.Err)
		}
		if got := texts(b.one(contacts, p[2])[mentees]); !slices.Equal(got, p[:1]) || len(texts(b.one(contacts, p[2])[mentors])) != 0 {
			b.Errorf("from the other side: %v", got)
		}
		if r := b.change(contacts, p[2], mentees, record.Value{}, record.Texts(p[0])); r.Err != nil {
			b.Fatal(r.Err)
		}
		if got := texts(b.one(contacts, p[0])[mentors]); !slices.Equal(got, p[1:2]) {
			b.Errorf("in the end: %v", got)
		}
	})
}

// A label that was deleted leaves its fields absent: they are not empty (R11). What is to be
// written to it is refused, and the rest is written.
func TestLabelThatIsNoMore(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		s := b.schema()
		berg := b.put(companies, "", "name", "Berg")
		p := b.contacts(2)
		if err := b.account.Associate(p[0], berg, "billing"); err != nil {
			b.Fatal(err)
		}
		if err := b.account.RemoveLabel(contacts, companies, "Billing contact"); err != nil {
			b.Fatal(err)
		}
		b.open(nil)
		b.Recall.Recall(s) // the hub keeps a schema for a day
		for _, id := range p {
			if v, known := b.one(contacts, id)[linkBilling]; known {
				b.Errorf("the field shows %v (R11)", v)
			}
		}
		rows, _ := b.read(&connector.Query{Object: contacts, Fields: []string{"email", linkBilling}})
		for _, r := range rows {
			if _, known := r.Fields[linkBilling]; known {
				b.Errorf("the listing shows %v (R11)", r.Fields)
			}
		}
		ops := []connector.Op{
			{Ref: record.Ref{ID: p[0]}, Set: record.Fields{"city": record.Text("Athens"), linkBilling: record.Texts(berg)}},
			{Ref: record.Ref{ID: p[1]}, Set: record.Fields{linkBilling: record.Texts(berg)}},
		}
		got := b.write(connector.Update, contacts, ops...)
		if got[0].Err != nil || len(got[0].Refused) != 1 || got[0].Refused[0].Field != linkBilling || b.one(contacts, p[0])["city"].Text() != "Athens" {
			b.Errorf("with another field: %+v", got[0])
		}
		if e := b.wantKind(got[1].Err, connector.Invalid); e.Fix == "" {
			b.Errorf("alone: %+v", e)
		}
		made := b.write(connector.Create, contacts,
			connector.Op{Set: record.Fields{"email": record.Text("x@example.com"), linkBilling: record.Texts(berg)}},
			connector.Op{Set: set("email", "y@example.com")})
		if e := b.wantKind(made[0].Err, connector.Invalid); e.Fix == "" || made[1].Err != nil {
			b.Errorf("created: %+v", made)
		}
	})
}

// Objects of the customer's own are associated from both sides, and with each other.
func TestAssociationsOfCustomObjects(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		parts, err := b.account.AddObject("part", "Part", "Parts", companies, machines)
		if err != nil {
			b.Fatal(err)
		}
		s := b.schema()
		for object, to := range map[string]string{
			machines: contacts, companies: machines, contacts: machines, deals: machines, parts: machines,
		} {
			o, _ := s.Object(object)
			if f, ok := o.Field("associations." + to); !ok || f.To != to || f.ReadOnly || f.Label == "" {
				b.Errorf("%s to %s: %+v", object, to, f)
			}
		}
		if o, _ := s.Object(machines); len(o.Fields) == 0 {
			b.Fatal("no machines")
		} else if f, ok := o.Field("associations." + parts); !ok || f.To != parts {
			b.Errorf("machines to parts: %+v", f)
		}
		ann := b.contacts(2)
		made := b.write(connector.Create, machines, connector.Op{Set: record.Fields{
			"serial_number": record.Text("A1"), linkContacts: record.Texts(ann...),
		}})[0]
		if made.Err != nil || !b.one(machines, made.Ref.ID)[linkContacts].Equal(record.Texts(ann...)) {
			b.Fatalf("%+v", made)
		}
		b.open(nil)
		b.Recall.Recall(s) // the types are not in a schema
		r := b.change(contacts, ann[0], linkMachines, record.Value{}, record.Texts(made.Ref.ID))
		if r.Err != nil || !b.one(machines, made.Ref.ID)[linkContacts].Equal(record.Texts(ann[1])) {
			b.Errorf("%+v", r)
		}
		made = b.write(connector.Create, parts, connector.Op{Set: record.Fields{linkMachines: record.Texts(made.Ref.ID)}})[0]
		if made.Err != nil {
			b.Fatal(made.Err)
		}
		if r = b.change(parts, made.Ref.ID, linkCompanies, record.Texts(b.put(companies, "", "name", "Berg")), record.Value{}); r.Err != nil {
			b.Error(r.Err)
		}
		if f := b.one(parts, made.Ref.ID); len(f[linkMachines].Items()) != 1 || len(f[linkCompanies].Items()) != 1 {
			b.Errorf("%v", f)
		}
	})
}

// All fields that lead to one object take one reading.
func TestLabelsCostNoFurtherReading(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		berg := b.put(companies, "", "name", "Berg")
		id := b.put(contacts, "", "email", "a@example.com", propCompany, berg)
		if err := b.account.Associate(id, berg, "billing"); err != nil {
			b.Fatal(err)
		}
		fields := []string{propCompany, linkBilling}
		if n := b.count("/associations/", func() { b.read(&connector.Query{Object: contacts, Fields: fields}) }); n != 1 {
			b.Errorf("%d readings", n)
		}
	})
}
