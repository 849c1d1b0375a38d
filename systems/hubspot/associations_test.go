package hubspot

import (
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func (b *bench) companyOf(id string) string {
	b.Helper()
	got, err := b.Reader.Read(b.Context(), contacts, []string{id})
	if err != nil {
		b.Fatal(err)
	}
	v, known := got[0].Fields[propCompany]
	if !known {
		b.Error("the primary company is absent")
	}
	return v.Text()
}

func TestPrimaryCompanyIsSetChangedAndCleared(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		berg, tal := b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal")
		made := b.write(connector.Create, contacts,
			connector.Op{Set: set("email", "a@example.com", propCompany, tal)},
			connector.Op{Set: record.Fields{"email": record.Text("b@example.com"), propCompany: {}}},
		)
		a, c := made[0].Ref, made[1].Ref
		if made[0].After.Fields[propCompany].Text() != tal || b.companyOf(a.ID) != tal || b.companyOf(c.ID) != "" {
			b.Errorf("created: %v", made[0].After.Fields)
		}
		step := func(want string, f record.Fields, was string) {
			b.Helper()
			op := connector.Op{Ref: a, Set: f, Was: set(propCompany, was)}
			r := b.write(connector.Update, contacts, op)[0]
			if r.Err != nil || len(r.Refused) > 0 || r.After.Fields[propCompany].Text() != want || b.companyOf(a.ID) != want {
				b.Errorf("%v: company %q, %+v", f, b.companyOf(a.ID), r)
			}
		}
		if err := b.account.Associate(a.ID, berg, "billing"); err != nil {
			b.Fatal(err)
		}
		step(berg, set(propCompany, berg), tal)
		step(tal, set(propCompany, tal, "city", "Athens"), berg)
		step("", record.Fields{propCompany: {}}, tal)
		step("", record.Fields{propCompany: {}}, "") // again
	})
}

// R4: a person who chooses another primary company between our reading and our write keeps it;
// the conflict has the record read and decided anew. What shows already is not written.
func TestAPrimaryCompanyThatAPersonChoseMeanwhileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		firms := []string{b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal"), b.put(companies, "", "name", "See")}
		made := b.write(connector.Create, contacts, connector.Op{Set: set("email", "a@example.com", propCompany, firms[0])})[0]
		b.put(contacts, made.Ref.ID, propCompany, firms[1]) // a person
		change := func(to, was string) connector.Result {
			b.Helper()
			return b.write(connector.Update, contacts, connector.Op{Ref: made.Ref, Set: set(propCompany, to, "city", "Athens"), Was: set(propCompany, was)})[0]
		}
		b.wantKind(change(firms[2], firms[0]).Err, connector.Conflict)
		if got := b.companyOf(made.Ref.ID); got != firms[1] {
			b.Errorf("the company is %s, want the person's %s", got, firms[1])
		}
		n := b.count("/associations/", func() {
			if r := change(firms[1], firms[0]); r.Err != nil || r.After.Fields[propCompany].Text() != firms[1] {
				b.Errorf("what shows already: %+v", r)
			}
		})
		if n != 1 {
			b.Errorf("%d calls for what shows already, want one reading", n)
		}
		if r := change(firms[2], firms[1]); r.Err != nil || b.companyOf(made.Ref.ID) != firms[2] {
			b.Errorf("%+v, company %s", r, b.companyOf(made.Ref.ID))
		}
		if got := b.labelsOf(contacts, made.Ref.ID, companies, firms[1]); len(got) == 0 {
			b.Error("the former company is no longer associated")
		}
	})
}

func TestChangesOfTheCompanyAloneDoNotShowInTheFeed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) { // why the field is silent (R35)
		berg := b.put(companies, "", "name", "Berg")
		id := b.contacts(1)[0]
		q := connector.Query{Object: contacts, Fields: []string{propCompany}}
		b.read(&q)
		later()
		b.read(&q)
		b.put(contacts, id, propCompany, berg)
		later()
		if got, _ := b.read(&q); len(got) != 0 {
			b.Errorf("told: %+v", got)
		}
		full := connector.Query{Object: contacts, Fields: []string{propCompany}}
		if got, _ := b.read(&full); got[0].Fields[propCompany].Text() != berg {
			b.Errorf("a full listing shows %v", got[0].Fields)
		}
	})
}

func TestFailedAssociationIsARefusalOfTheField(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		all := b.contacts(3)
		berg := b.put(companies, "", "name", "Berg")
		got := b.write(connector.Update, contacts,
			connector.Op{Ref: record.Ref{ID: all[0]}, Set: set("city", "Athens", propCompany, "4711")},
			connector.Op{Ref: record.Ref{ID: all[1]}, Set: set(propCompany, "4711")},
			connector.Op{Ref: record.Ref{ID: all[2]}, Set: set("city", "Athens", propCompany, berg)},
		)
		if got[0].Err != nil || len(got[0].Refused) != 1 || got[0].Refused[0].Field != propCompany || got[0].After.Fields["city"].Text() != "Athens" {
			b.Errorf("with other fields: %+v", got[0])
		}
		if _, known := got[0].After.Fields[propCompany]; known {
			b.Error("the answer shows a company that was not written")
		}
		if e := b.wantKind(got[1].Err, connector.Invalid); e.Field != propCompany {
			b.Errorf("alone: %+v", e)
		}
		if got[2].Err != nil || len(got[2].Refused) > 0 || b.companyOf(all[2]) != berg {
			b.Errorf("beside them: %+v", got[2])
		}
		bad := b.write(connector.Create, contacts, connector.Op{Set: set("email", "x@example.com", propCompany, "4711")})[0]
		b.wantKind(bad.Err, connector.Invalid)
	})
}

// A person chose another company meanwhile: taking the old one away must not take theirs.
func TestClearDoesNotTakeAPersonsChoice(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		berg, tal := b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal")
		id := b.put(contacts, "", "email", "a@example.com", propCompany, tal)
		r := b.write(connector.Update, contacts, connector.Op{
			Ref: record.Ref{ID: id}, Set: record.Fields{propCompany: {}}, Was: set(propCompany, berg),
		})[0]
		b.wantKind(r.Err, connector.Conflict)
		if b.companyOf(id) != tal {
			b.Error("the person's choice is gone")
		}
	})
}

func TestAutomaticAssociationShows(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.account.AutoAssociate(true)
		berg := b.put(companies, "", "name", "Berg", "domain", "berg.example")
		r := b.write(connector.Create, contacts, connector.Op{Set: set("email", "a@berg.example")})[0]
		if r.Err != nil || b.companyOf(r.Ref.ID) != berg {
			b.Errorf("company %q, %v", b.companyOf(r.Ref.ID), r.Err)
		}
	})
}

func TestMergedCompaniesKeepTheirContacts(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		berg, tal := b.put(companies, "", "name", "Berg"), b.put(companies, "", "name", "Tal")
		id := b.put(contacts, "", "email", "a@example.com", propCompany, tal)
		into, err := b.account.Merge(companies, berg, tal)
		if err != nil {
			b.Fatal(err)
		}
		if got := b.companyOf(id); got != into {
			b.Errorf("company %s, want %s", got, into)
		}
	})
}
