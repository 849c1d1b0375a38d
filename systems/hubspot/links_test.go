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
	linkContacts  = "associations.contacts"
	linkCompanies = "associations.companies"
	linkDeals     = "associations.deals"
)

func (b *bench) one(object, id string) record.Fields {
	b.Helper()
	got, err := b.Reader.Read(b.Context(), object, []string{id})
	if err != nil || got[0].Fate != connector.Present {
		b.Fatalf("read %s %s: %+v %v", object, id, got, err)
	}
	return got[0].Fields
}

// change updates one field that was known as was and returns the result.
func (b *bench) change(object, id, field string, to, was record.Value) connector.Result {
	b.Helper()
	op := connector.Op{Ref: record.Ref{ID: id}, Set: record.Fields{field: to}, Was: record.Fields{field: was}}
	return b.write(connector.Update, object, op)[0]
}

func (b *bench) deal(fields ...string) string {
	b.Helper()
	return b.put(deals, "", append([]string{"dealname", "Pump", "dealstage", "qualifiedtobuy"}, fields...)...)
}

// A deal's primary company, and its contact of which none is the main one, are set, changed
// and cleared; what else is associated stays.
func TestReferencesOfADeal(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		people := b.contacts(2)
		firms := []string{b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal")}
		made := b.write(connector.Create, deals, connector.Op{Set: set(
			"dealname", "Pump", "dealstage", "qualifiedtobuy", linkCompanies, firms[0], linkContacts, people[0])})[0]
		if made.Err != nil || made.After.Fields[linkContacts].Text() != people[0] {
			b.Fatalf("%+v", made)
		}
		id := made.Ref.ID
		for field, two := range map[string][]string{linkCompanies: firms, linkContacts: people} {
			now := two[0]
			for _, next := range []string{two[1], "", two[0], two[0]} {
				if got := b.one(deals, id)[field].Text(); got != now {
					b.Errorf("%s is %q, want %q", field, got, now)
				}
				r := b.change(deals, id, field, record.Text(next), record.Text(now))
				if r.Err != nil || len(r.Refused) > 0 || r.After.Fields[field].Text() != next {
					b.Errorf("%s to %q: %+v", field, next, r)
				}
				now = next
			}
		}
		if f := b.one(deals, id); f[linkCompanies].Text() != firms[0] || f[linkContacts].Text() != people[0] {
			b.Errorf("in the end: %v", f)
		}
	})
}

// Where HubSpot marks none of several as the main one, the field shows that with the lowest
// id; a write that could not make it show another is refused, and nothing of a person's is
// taken away.
func TestOneOfSeveralReferences(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		people := b.contacts(3)
		id := b.deal(linkContacts, people[1])
		if err := b.account.AssociateAs(deals, id, contacts, people[2], "", 0); err != nil {
			b.Fatal(err)
		}
		shown := func() string { return b.one(deals, id)[linkContacts].Text() }
		if shown() != people[1] {
			b.Errorf("shown: %s", shown())
		}
		r := b.change(deals, id, linkContacts, record.Value{}, record.Text(people[1]))
		b.wantKind(r.Err, connector.Invalid)
		r = b.change(deals, id, linkContacts, record.Text(people[0]), record.Text(people[2]))
		b.wantKind(r.Err, connector.Conflict)
		if shown() != people[1] {
			b.Errorf("a refused write changed it to %s", shown())
		}
		r = b.change(deals, id, linkContacts, record.Text(people[0]), record.Text(people[1]))
		if r.Err != nil || shown() != people[0] {
			b.Errorf("%+v, shown %s", r, shown())
		}
		err := b.account.Dissociate(deals, id, contacts, people[0])
		if err != nil || shown() != people[2] {
			b.Errorf("the third is gone: %s", shown())
		}
	})
}

// Lists of references merge per element (R12).
func TestContactsOfAMeeting(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		p := b.contacts(4)
		made := b.write(connector.Create, meetings, connector.Op{Set: record.Fields{
			"hs_meeting_title": record.Text("Lunch"), propStart: record.Text("2026-03-05T12:00:00Z"),
			linkContacts: record.Texts(p[0], p[1]), linkDeals: record.Text(b.deal()),
		}})[0]
		if made.Err != nil { // without hs_timestamp HubSpot refuses it
			b.Fatal(made.Err)
		}
		id := made.Ref.ID
		if err := b.account.AssociateAs(meetings, id, contacts, p[3], "", 0); err != nil { // a person, meanwhile
			b.Fatal(err)
		}
		r := b.change(meetings, id, linkContacts, record.Texts(p[1], p[2]), record.Texts(p[0], p[1]))
		want := record.Texts(p[1], p[2], p[3])
		if r.Err != nil || !r.After.Fields[linkContacts].Equal(want) || !b.one(meetings, id)[linkContacts].Equal(want) {
			b.Errorf("%+v, read %v", r, b.one(meetings, id)[linkContacts])
		}
		r = b.change(meetings, id, linkContacts, record.Value{}, want)
		if r.Err != nil || len(b.one(meetings, id)[linkContacts].Items()) != 0 || b.one(meetings, id)[linkDeals].Text() == "" {
			b.Errorf("cleared: %+v", b.one(meetings, id))
		}
	})
}

func TestLeadNeedsItsContact(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		o, _ := b.schema().Object(leads)
		if f, ok := o.Field(linkContacts); !ok || !f.Required || f.To != contacts || o.Common != "lead" {
			b.Errorf("%+v", f)
		}
		ann := b.contacts(1)[0]
		got := b.write(connector.Create, leads,
			connector.Op{Set: set("hs_lead_name", "Ann", linkContacts, ann)}, connector.Op{Set: set("hs_lead_name", "Bob")})
		if got[0].Err != nil || b.one(leads, got[0].Ref.ID)[linkContacts].Text() != ann {
			b.Errorf("%+v", got[0])
		}
		b.wantKind(got[1].Err, connector.Invalid)
		r := b.write(connector.Update, leads, connector.Op{Ref: got[0].Ref, Set: set("hs_lead_label", "HOT")})[0]
		if r.Err != nil || r.After.Fields["hs_lead_label"].Text() != "HOT" {
			b.Errorf("%+v", r)
		}
		q := connector.Query{Object: leads}
		if rows, _ := b.read(&q); len(rows) != 1 || rows[0].Fields[linkContacts].Text() != ann {
			b.Errorf("%+v", rows)
		}
	})
}

// An association that HubSpot refuses is a refusal of its field only.
func TestReferenceToNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		id := b.deal()
		op := connector.Op{Ref: record.Ref{ID: id}, Set: set("amount", "5", linkContacts, "4711")}
		r := b.write(connector.Update, deals, op)[0]
		if r.Err != nil || len(r.Refused) != 1 || r.Refused[0].Field != linkContacts || r.After.Fields["amount"].Text() != "5" {
			b.Errorf("%+v", r)
		}
		if e := b.wantKind(b.change(deals, id, linkContacts, record.Text("4711"), record.Value{}).Err, connector.Invalid); e.Field != linkContacts {
			b.Errorf("%+v", e)
		}
	})
}

func TestManyAssociationsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		id := b.put(meetings, "", "hs_timestamp", "2026-03-05T12:00:00Z")
		p := b.contacts(620)
		r := b.change(meetings, id, linkContacts, record.Texts(p...), record.Value{})
		if r.Err != nil {
			b.Fatal(r.Err)
		}
		var got []string
		for _, item := range b.one(meetings, id)[linkContacts].Items() {
			got = append(got, item.Text())
		}
		if !slices.Equal(got, p) {
			b.Errorf("%d of %d contacts", len(got), len(p))
		}
	})
}

// An invoice is a draft until it has a contact and a line, and then opened by its status.
func TestInvoiceIsOpened(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		ann := b.contacts(1)[0]
		inv := b.write(connector.Create, invoices, connector.Op{Set: set("hs_currency", "EUR", linkContacts, ann)})[0].Ref
		open := func() connector.Result {
			return b.change(invoices, inv.ID, "hs_invoice_status", record.Text("open"), record.Text("draft"))
		}
		b.wantKind(open().Err, connector.Invalid)
		line := b.write(connector.Create, lineItems, connector.Op{Set: set("name", "Pump", "price", "10", "quantity", "3", "associations.invoices", inv.ID)})[0]
		if line.Err != nil || line.After.Fields["amount"].Text() != "30" {
			b.Errorf("line: %+v", line)
		}
		if r := open(); r.Err != nil {
			b.Error(r.Err)
		}
		if f := b.one(invoices, inv.ID); f["hs_invoice_status"].Text() != "open" || f["hs_amount_billed"].Text() != "30" || f["hs_number"].IsEmpty() {
			b.Errorf("%v", f)
		}
	})
}

func TestStagesKnowTheirPipelineAndWhatTheyMean(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		o, _ := b.schema().Object(deals)
		f, _ := o.ByCommon("stage")
		kinds := map[string]record.ChoiceKind{}
		for _, c := range f.Choices {
			kinds[c.Parent+" "+c.Value] = c.Kind
		}
		for stage, want := range map[string]record.ChoiceKind{
			"default qualifiedtobuy": record.ChoiceOpen, "default closedwon": record.ChoiceWon, "default closedlost": record.ChoiceLost,
			"88273101 176200103": record.ChoiceWon,
		} {
			if got, ok := kinds[stage]; !ok || got != want {
				b.Errorf("%s: %q, there %v", stage, got, ok)
			}
		}
		p, _ := o.ByCommon("pipeline")
		if len(p.Choices) != 2 || p.Kind != record.KindChoice || p.Open {
			b.Errorf("%+v", p)
		}
		for name, common := range map[string]string{"deal_currency_code": "currency", "amount": "amount", linkContacts: "contact", linkCompanies: "company", "closedate": "close_date"} {
			if f, _ := o.Field(name); f.Common != common {
				b.Errorf("%s is %q", name, f.Common)
			}
		}
		l, _ := b.schema().Object(lineItems)
		if f, _ := l.Field("hs_product_id"); f.Kind != record.KindReference || f.To != products || f.Common != "product" {
			b.Errorf("%+v", f)
		}
	})
}

// All that says what a property is everywhere is known there, and names no property twice.
func TestMeaningsAreThoseOfCommonObjects(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		everywhere, ok := record.CommonOf(k.common)
		if !ok && k.common != "" {
			t.Errorf("%s: no common object %q", k.name, k.common)
		}
		used := map[string]string{}
		words := meaningsOf(k.means)
		for name, m := range words {
			if _, ok := everywhere.Field(m.common); !ok {
				t.Errorf("%s.%s means %q, which %s has not", k.name, name, m.common, k.common)
			}
			if other := used[m.common]; other != "" {
				t.Errorf("%s: %s and %s both mean %s", k.name, name, other, m.common)
			}
			used[m.common] = name
		}
		if n := len(strings.Fields(k.means)); n != len(words) {
			t.Errorf("%s: %d words for %d properties", k.name, n, len(words))
		}
		for _, l := range k.links {
			f := l.describe(k.name)
			c, ok := everywhere.Field(f.Common)
			if _, there := kindOf(l.to); !there || k.common != "" && (!ok || !slices.Contains(c.Kinds, f.Kind)) {
				t.Errorf("%s: link %+v", k.name, f)
			}
		}
	}
}

func TestCallsLastSeconds(t *testing.T) {
	t.Parallel()
	f := record.Field{Name: propDuration, Kind: record.KindNumber}
	for ms, want := range map[string]string{"42500": "42.5", "7": "0.007", "0": "0", "60000": "60", "-3500": "-3.5", "1.5": "1.5"} {
		v := decodeValue(f, ms)
		if v.Text() != want {
			t.Errorf("%s ms are %q s, want %s", ms, v, want)
		}
		if back, _ := encodeValue(f, v); back != ms && ms != "1.5" {
			t.Errorf("%s ms came back as %s", ms, back)
		}
	}
}

func TestProbabilitiesAreInPercent(t *testing.T) {
	t.Parallel()
	f := record.Field{Name: propChance, Kind: record.KindNumber}
	for wire, want := range map[string]string{
		"0.2": "20", "1.0": "100", "0.0": "0", "0.125": "12.5", "1": "100", "0.0005": "0.05", "-0.5": "-50", "likely": "likely",
	} {
		v := decodeValue(f, wire)
		if v.Text() != want {
			t.Errorf("%s is read as %q, want %s", wire, v, want)
		}
		back, _ := encodeValue(f, v)
		if again := decodeValue(f, back); !again.Equal(v) {
			t.Errorf("%s is written as %s, which is %s", v, back, again)
		}
	}
}

// A reference that was empty when it was last read, and that somebody has filled since, is no
// more taken over than one that was changed (R4).
func TestAReferenceThatWasFilledMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		people := b.contacts(2)
		made := b.write(connector.Create, deals, connector.Op{Set: set("dealname", "Pump", "dealstage", "qualifiedtobuy", linkContacts, people[0])})[0]
		if made.Err != nil {
			b.Fatal(made.Err)
		}
		b.wantKind(b.change(deals, made.Ref.ID, linkContacts, record.Text(people[1]), record.Value{}).Err, connector.Conflict)
		if got := b.one(deals, made.Ref.ID)[linkContacts].Text(); got != people[0] {
			b.Errorf("the deal has the contact %q, want %q", got, people[0])
		}
	})
}
