package pipedrive

import (
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A marketing status says yes, no, or nothing, and only the vendor's own words say no (R32).
func TestMarketingStatusIsAConsent(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"no_consent": "", "subscribed": record.Granted, "archived": record.Granted, "pending_upgrade": record.Granted,
		"unsubscribed": record.Denied, "bounced": "", "pending_double_opt_in": "", "": "", "new word": "",
	} {
		if got := consentOf(status).Text(); got != want {
			t.Errorf("%q says %q, want %q", status, got, want)
		}
	}
	inBubble(t, twin.Options{}, func(b *bench) {
		b.fieldsKnown(persons)
		s, _, err := b.Describe.SchemaOf(b.Context(), []string{persons})
		if err != nil {
			b.Fatal(err)
		}
		f, ok := s.Objects[0].Field(fieldConsent)
		if !ok || f.Common != "email_consent" || f.Firsthand || !f.Silent || !f.NoClear {
			b.Errorf("%+v", f)
		}
	})
}

// Who unsubscribes by a mail's link does not move the person's time: the feed does not tell,
// a listing does (R35).
func TestANoByALinkIsSilent(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann", "emails", "ann@x.io", fieldConsent, record.Granted)
		q := &connector.Query{Object: persons}
		b.read(q)
		time.Sleep(time.Hour)
		b.read(q)
		b.put(persons, id, fieldConsent, record.Denied)
		if got := b.read(q); len(got) > 0 {
			b.Errorf("the feed tells %v; is it not silent?", ids(got))
		}
		for _, c := range b.read(&connector.Query{Object: persons}) {
			if v := c.Fields[fieldConsent].Text(); c.ID == id && v != record.Denied {
				b.Errorf("a listing shows %q", v)
			}
		}
		if v := b.one(persons, id).Fields[fieldConsent].Text(); v != record.Denied {
			b.Errorf("a read shows %q", v)
		}
	})
}

// A no is written with a person and to one, it follows the person to another address, and a
// yes does not.
func TestANoFollowsThePerson(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		says := func(object, id string) string { return b.one(object, id).Fields[fieldConsent].Text() }
		made, err := b.write(connector.Op{Verb: connector.Create, Ref: record.Ref{Object: persons},
			Set: texts("name", "Ann", "emails", "ann@x.io", fieldConsent, record.Denied)})
		if err != nil || says(persons, made.Ref.ID) != record.Denied {
			b.Fatalf("%v: %q", err, says(persons, made.Ref.ID))
		}
		got := b.set(persons, made.Ref.ID, texts("emails", "ann@y.io"))
		if got["emails"].Text() != "ann@y.io" || got[fieldConsent].Text() != record.Denied {
			b.Errorf("with another address: %v", got)
		}
		bob := b.put(persons, "", "name", "Bob", "emails", "bob@x.io", fieldConsent, record.Granted)
		if got = b.set(persons, bob, texts("emails", "bob@y.io")); got[fieldConsent].Text() != "" {
			b.Errorf("a yes for another address: %q", got[fieldConsent])
		}
		if got = b.set(persons, bob, texts("emails", "ann@x.io")); got[fieldConsent].Text() != record.Denied {
			b.Errorf("an address whose owner said no: %q", got[fieldConsent])
		}
		if got = b.set(persons, bob, texts("emails", "bob@z.io", fieldConsent, record.Granted)); got[fieldConsent].Text() != record.Granted {
			b.Errorf("a yes that is told with the address: %q", got[fieldConsent])
		}
	})
}

// Pipedrive turns a status from one to another once; after that it takes the call, and the
// answer shows that nothing changed, as R2 wants it.
func TestAStatusIsTurnedOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann", "emails", "ann@x.io")
		for i, c := range []struct{ set, want string }{
			{record.Granted, record.Granted}, {record.Denied, record.Denied}, {record.Granted, record.Granted},
			{record.Denied, record.Granted},
		} {
			r, err := b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: persons, ID: id}, Set: texts(fieldConsent, c.set)})
			if err != nil || r.After == nil || r.After.Fields[fieldConsent].Text() != c.want {
				b.Errorf("%d: %+v, %v; want %q", i, r.After, err, c.want)
			}
		}
		_, err := b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: persons, ID: id}, Set: texts(fieldConsent, "")})
		want(b, "a consent is not taken back to nothing", err, connector.Invalid, connector.ScopeRecord)
		nobody := b.put(persons, "", "name", "Ann")
		if got := b.set(persons, nobody, texts(fieldConsent, record.Denied)); !got[fieldConsent].IsEmpty() {
			b.Errorf("without an address it is %q", got[fieldConsent])
		}
	})
}

// A company that gives Campaigns up goes on, without the field (R11).
func TestCampaignsMayEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann", "emails", "ann@x.io", fieldConsent, record.Denied)
		b.fieldsKnown(persons)
		b.company.Campaigns(false)
		for range 2 {
			c := b.one(persons, id)
			if v, shown := c.Fields[fieldConsent]; c.Fate != connector.Present || shown {
				b.Errorf("fate %q, consent %q", c.Fate, v)
			}
		}
		if got := ids(b.read(&connector.Query{Object: persons})); len(got) != 2 {
			b.Errorf("listed %v", got)
		}
		refused := 0
		for _, c := range b.company.Calls() {
			if strings.Contains(c.Query, "include_fields") {
				refused++
			}
		}
		if refused != 1 {
			b.Errorf("it was asked for %d times", refused)
		}
		time.Sleep(time.Minute)
	})
}
