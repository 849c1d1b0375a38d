package brevo

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/twin"
)

// A bench is a connection to a prepared account.
type bench struct {
	*connectortest.Bench
	*testing.T
	twin *brevotwin.Account
}

// play runs a test in a bubble of its own. The limits are the vendor's.
func play(t *testing.T, settings connector.Settings, test func(*bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := suite()
		s.Spec, s.Settings = Spec(), settings
		s.Twin = func(o twin.Options) twin.Twin {
			tw := prepared(o)
			twinOf(tw).Allow("other", 100, time.Hour)
			return tw
		}
		b := connectortest.Open(t, s, twin.Options{})
		defer b.Close()
		test(&bench{Bench: b, T: t, twin: twinOf(b.Twin)})
		if u := b.Twin.Kit().Unknowns(); len(u) > 0 {
			t.Errorf("the twin does not know %v", u)
		}
	})
}

func (b *bench) put(fields map[string]string) string {
	b.T.Helper()
	id, err := b.twin.Put(contacts, "", fields)
	if err != nil {
		b.T.Fatal(err)
	}
	return id
}

func (b *bench) write(ops ...connector.Op) []connector.Result {
	b.T.Helper()
	results, err := b.Writer.Write(b.T.Context(), ops)
	if err != nil {
		b.T.Fatalf("write: %v", err)
	}
	return results
}

func update(id string, set, was record.Fields) connector.Op {
	return connector.Op{Key: "k" + id, Verb: connector.Update, Ref: record.Ref{Object: contacts, ID: id}, Set: set, Was: was}
}

func create(key string, set record.Fields) connector.Op {
	return connector.Op{Key: key, Verb: connector.Create, Ref: record.Ref{Object: contacts}, Set: set}
}

func (b *bench) read(id string) record.Fields {
	b.T.Helper()
	got, err := b.Reader.Read(b.T.Context(), contacts, []string{id})
	if err != nil || got[0].Fate != connector.Present {
		b.T.Fatalf("read %s: %v %v", id, got, err)
	}
	return got[0].Fields
}

func refused(res connector.Result, field string) bool {
	return slices.ContainsFunc(res.Refused, func(r connector.Refusal) bool { return r.Field == field && r.Why != "" })
}

// Brevo takes a contact off the blocklist when its address changes (R32).
func TestTheAddressOfABlocklistedContactStays(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id := b.put(map[string]string{"email": "ann@example.com", "emailBlacklisted": "denied"})
		res := b.write(update(id, record.Fields{fieldEmail: record.Text("ann@example.org"), "FIRSTNAME": record.Text("Ann")}, nil))[0]
		if res.Err != nil || !refused(res, fieldEmail) {
			t.Errorf("the address was not refused: %+v", res)
		}
		got := b.read(id)
		if got[fieldEmail].Text() != "ann@example.com" || got[fieldMailNo].Text() != record.Denied || got["FIRSTNAME"].Text() != "Ann" {
			t.Errorf("the contact is %v", got)
		}
	})
}

// The trap itself: without the guard the twin resubscribes, as the vendor does.
func TestTheTwinResubscribesWithANewAddress(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id := b.put(map[string]string{"email": "ann@example.com", "emailBlacklisted": "denied"})
		yes := record.Fields{fieldEmail: record.Text("ann@example.org"), fieldMailNo: record.Text(record.Granted)}
		b.write(update(id, yes, nil))
		if got := b.read(id); got[fieldMailNo].Text() == record.Denied || got[fieldEmail].Text() != "ann@example.org" {
			t.Errorf("a person's own yes does not let the address change: %v", got)
		}
	})
}

// A no is always carried; nothing but a yes takes it away (R32).
func TestABlocklistingIsLiftedByAYesOnly(t *testing.T) {
	for _, field := range []string{fieldMailNo, fieldSMSNo} {
		t.Run(field, func(t *testing.T) {
			play(t, nil, func(b *bench) {
				t := b.T
				id := b.put(map[string]string{"email": "ann@example.com"})
				if got := b.read(id)[field]; !got.IsEmpty() {
					t.Errorf("who is not blocklisted has said %q", got)
				}
				b.write(update(id, record.Fields{field: record.Text(record.Denied)}, nil))
				if got := b.read(id)[field]; got.Text() != record.Denied {
					t.Errorf("a no reads %q", got)
				}
				res := b.write(update(id, record.Fields{field: {}}, nil))[0]
				if !refused(res, field) || b.read(id)[field].Text() != record.Denied {
					t.Errorf("nothing said lifts the no: %+v", res)
				}
				res = b.write(update(id, record.Fields{field: record.Text(record.Granted)}, nil))[0]
				if len(res.Refused) > 0 || res.Err != nil || !b.read(id)[field].IsEmpty() {
					t.Errorf("a yes does not lift the no: %+v", res)
				}
			})
		})
	}
}

func TestAContactIsMadeBlocklisted(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		res := b.write(create("k", record.Fields{fieldEmail: record.Text("ann@example.com"), fieldMailNo: record.Text(record.Denied)}))[0]
		if got := b.read(res.Ref.ID); got[fieldMailNo].Text() != record.Denied || got[fieldKey].Text() != "k" {
			t.Errorf("the contact is %v", got)
		}
	})
}

func TestAnUnsubscribedContactFlowsBack(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id := b.put(map[string]string{"email": "ann@example.com"})
		page, err := b.Source.Changes(t.Context(), connector.Query{Object: contacts})
		if err != nil || page.More {
			t.Fatalf("list: %v, more %v", err, page.More)
		}
		time.Sleep(time.Hour)
		if err := b.twin.Unsubscribe(id); err != nil {
			t.Fatal(err)
		}
		page, err = b.Source.Changes(t.Context(), connector.Query{Object: contacts, Cursor: page.Next})
		if err != nil || len(page.Changes) != 1 || page.Changes[0].Fields[fieldMailNo].Text() != record.Denied {
			t.Errorf("changes are %v, %v", page.Changes, err)
		}
	})
}

// A move between lists is one call, and other lists are not touched.
func TestAListMoveIsOneCall(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		var ids []string
		for _, name := range []string{"Leads", "Customers", "Others"} {
			id, err := b.twin.Put(lists, "", map[string]string{"name": name})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		id := b.put(map[string]string{"email": "ann@example.com", "listIds": ids[0]})
		was := record.Fields{fieldLists: record.Texts(ids[0])}
		if _, err := b.twin.Put(contacts, id, map[string]string{"listIds": ids[0] + "," + ids[2]}); err != nil {
			t.Fatal(err)
		}
		puts := b.twin.Count("PUT", "")
		res := b.write(update(id, record.Fields{fieldLists: record.Texts(ids[1])}, was))[0]
		if n := b.twin.Count("PUT", "") - puts; n != 1 || res.Err != nil || len(res.Refused) > 0 {
			t.Errorf("%d calls, %+v", n, res)
		}
		want := record.Texts(ids[1], ids[2])
		if got := b.read(id)[fieldLists]; !got.Equal(want) {
			t.Errorf("the contact is on %v, want %v", got, want)
		}
	})
}

// Brevo ignores a value that is not of the attribute's type without a word.
func TestAValueOfTheWrongTypeIsNotSent(t *testing.T) {
	for field, bad := range map[string]string{
		"LTV": "much", "VIP": "perhaps", "BIRTHDAY": "some day", "GENDER": "7", "SMS": "210 1234567",
	} {
		t.Run(field, func(t *testing.T) {
			play(t, nil, func(b *bench) {
				t := b.T
				id := b.put(map[string]string{"email": "ann@example.com"})
				res := b.write(update(id, record.Fields{field: record.Text(bad)}, nil))[0]
				e, ok := errors.AsType[*connector.Error](res.Err)
				if !ok || e.Kind != connector.Invalid || e.Field != field || e.Fix == "" {
					t.Errorf("the error is %v", res.Err)
				}
			})
		})
	}
}

// What Brevo drops all the same is found when the contact is read back.
func TestADroppedValueIsRefused(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id := b.put(map[string]string{"email": "ann@example.com", "LTV": "3"})
		c := b.Check.(*conn)
		c.mu.Lock()
		f := c.known[contacts].fields["LTV"]
		f.Kind = record.KindText // an administrator has changed its type since the schema was read
		c.known[contacts].fields["LTV"] = f
		c.mu.Unlock()
		res := b.write(update(id, record.Fields{"LTV": record.Text("much")}, record.Fields{"LTV": record.Text("3")}))[0]
		if res.Err != nil || !refused(res, "LTV") {
			t.Errorf("the result is %+v", res)
		}
		res = b.write(update(id, record.Fields{"SHOE_SIZE": record.Text("43")}, nil))[0]
		if !refused(res, "SHOE_SIZE") {
			t.Errorf("an attribute that is not there: %+v", res)
		}
	})
}

// A number that two people share is left out and shown (R29); an address is a duplicate (R17).
func TestASharedNumberIsLeftOut(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		b.put(map[string]string{"email": "ann@example.com", "SMS": "+302101234567"})
		res := b.write(create("k1", record.Fields{fieldEmail: record.Text("bob@example.com"), fieldSMS: record.Text("+30 210 1234567")}))[0]
		if res.Err != nil || !refused(res, fieldSMS) || !b.read(res.Ref.ID)[fieldSMS].IsEmpty() {
			t.Errorf("create: %+v", res)
		}
		res = b.write(update(res.Ref.ID, record.Fields{"FIRSTNAME": record.Text("Bob"), fieldSMS: record.Text("00302101234567")}, nil))[0]
		if res.Err != nil || !refused(res, fieldSMS) || b.read(res.Ref.ID)["FIRSTNAME"].Text() != "Bob" {
			t.Errorf("update: %+v", res)
		}
		res = b.write(create("k2", record.Fields{fieldSMS: record.Text("+302101234567")}))[0]
		if e := connector.ErrorOf(res.Err); e.Kind != connector.Duplicate || e.Existing.ID != "1" || e.Field != fieldSMS {
			t.Errorf("a contact that is nothing but a number: %v", res.Err)
		}
		found, err := b.Finder.Find(t.Context(), contacts, fieldSMS, []string{"+30 210-123 45 67", "no number"})
		if err != nil || len(found) != 1 || found[0].Fields[fieldSMS].Text() != "+302101234567" {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

// Updates of many contacts are one call in a hundred, and what is wrong with one is its own.
func TestUpdatesGoTogether(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		var ops []connector.Op
		for i := range callBatch {
			id := b.put(map[string]string{"email": "ann" + strconv.Itoa(i) + "@example.com"})
			ops = append(ops, update(id, record.Fields{"FIRSTNAME": record.Text("Ann " + id)}, nil))
		}
		before := b.twin.Count("", "")
		for _, res := range b.write(ops...) {
			if res.Err != nil || res.After == nil || res.After.Fields["FIRSTNAME"].Text() != "Ann "+res.Ref.ID {
				t.Fatalf("result %+v", res)
			}
		}
		if n := b.twin.Count("", "") - before; n != 1+callBatch/readBatch {
			t.Errorf("%d updates took %d calls", len(ops), n)
		}
		ops[3].Set = record.Fields{fieldExtID: record.Text("X")}
		ops[4].Set = record.Fields{fieldExtID: record.Text("X")}
		for i, res := range b.write(ops...) {
			if want := i == 4; (connector.KindOf(res.Err) == connector.Duplicate) != want {
				t.Errorf("operation %d: %v", i, res.Err)
			}
		}
	})
}

func TestAForeignAddressIsToldApartFromAWrongKey(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		b.twin.Foreign(true)
		_, err := b.Check.Check(t.Context())
		e := connector.ErrorOf(err)
		if e.Kind != connector.Unauthorized || e.Scope != connector.ScopeConnection || !strings.Contains(e.Fix, "Authorised IPs") {
			t.Errorf("the error is %+v", e)
		}
	})
}

// The hundredth call of an hour is the last; contacts go on meanwhile.
func TestOtherCallsAreAHundredAnHour(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		for {
			_, err := b.Source.Changes(t.Context(), connector.Query{Object: companies})
			if err == nil {
				continue
			}
			e := connector.ErrorOf(err)
			if e.Kind != connector.RateLimited || e.Limit != limitOther || e.Wait < 30*time.Minute {
				t.Errorf("the error is %+v", e)
			}
			break
		}
		for _, call := range b.twin.Calls() {
			if call.Status == 429 {
				t.Errorf("Brevo refused %s", call.Path)
			}
		}
		if _, err := b.Source.Changes(t.Context(), connector.Query{Object: contacts}); err != nil {
			t.Errorf("contacts: %v", err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := b.Source.Changes(t.Context(), connector.Query{Object: companies}); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// Others who use the account spend of the same hundred; Brevo says when there are more.
func TestAnExhaustedHourSaysHowLong(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		b.twin.Allow("other", 0, time.Hour)
		_, err := b.Check.Check(t.Context())
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Limit != limitOther || e.Wait < 50*time.Minute {
			t.Errorf("the error is %+v", e)
		}
	})
}
