package pipedrive

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// Parts of values that Pipedrive takes as a whole are written without losing the others
// (R1, R11).
func TestPartsAreWrittenWithoutTheOthers(t *testing.T) {
	t.Parallel()
	k, d := keys(persons), keys(deals)
	for _, c := range []struct {
		name, object string
		from, set    record.Fields
		want         map[string]string
	}{
		{"money and currency", persons, texts("name", "Ann", k["budget"]+".value", "10", k["budget"]+".currency", "USD"),
			texts(k["budget"]+".value", "12.5"), map[string]string{k["budget"] + ".value": "12.5", k["budget"] + ".currency": "USD"}},
		{"money is cleared", persons, texts("name", "Ann", k["budget"]+".value", "10", k["budget"]+".currency", "USD"),
			texts(k["budget"]+".value", ""), map[string]string{k["budget"] + ".value": "", k["budget"] + ".currency": ""}},
		{"an end", persons, texts("name", "Ann", k["season"]+".value", "2026-03-01"),
			texts(k["season"]+".until", "2026-04-01"), map[string]string{k["season"] + ".value": "2026-03-01", k["season"] + ".until": "2026-04-01"}},
		{"times of day", persons, texts("name", "Ann", k["shift"]+".value", "08:00:00", k["opens"]+".value", "09:00:00"),
			texts(k["shift"]+".until", "17:00:00"), map[string]string{k["shift"] + ".value": "08:00:00", k["shift"] + ".until": "17:00:00", k["opens"] + ".value": "09:00:00"}},
		{"an address of a custom field", persons, texts("name", "Ann"), texts(k["site"]+".value", "Ermou 1, Athens"),
			map[string]string{k["site"] + ".value": "Ermou 1, Athens", k["site"] + ".formatted_address": "Ermou 1, Athens"}},
		{"a city", organizations, texts("name", "Berg", "address.value", "Ermou 1", "address.postal_code", "10563"),
			texts("address.locality", "Athens"), map[string]string{"address.value": "Ermou 1", "address.postal_code": "10563", "address.locality": "Athens"}},
		{"a city alone", organizations, texts("name", "Berg"), texts("address.locality", "Athens"),
			map[string]string{"address.value": "", "address.locality": "Athens"}},
		{"a street is cleared and its city stays", organizations, texts("name", "Berg", "address.value", "Ermou 1", "address.locality", "Athens"),
			texts("address.value", ""), map[string]string{"address.value": "", "address.locality": "Athens"}},
		{"another city alone", organizations, texts("name", "Berg", "address.locality", "Athens"), texts("address.locality", "Patras"),
			map[string]string{"address.value": "", "address.locality": "Patras"}},
		{"an address is cleared", organizations, texts("name", "Berg", "address.value", "Ermou 1"), texts("address.value", ""),
			map[string]string{"address.value": "", "address.locality": ""}},
		{"the amount of a lead", leads, texts("title", "Pumps", "person_id", "1", "value.amount", "5", "value.currency", "USD"),
			texts("value.amount", "7"), map[string]string{"value.amount": "7", "value.currency": "USD"}},
		{"a deal is lost", deals, texts("title", "Pumps", d["fee"]+".value", "5", d["fee"]+".currency", "GBP"),
			texts("status", "lost", "lost_reason", "No budget"), map[string]string{"status": "lost", "lost_reason": "No budget", d["fee"] + ".currency": "GBP"}},
		{"a deal in another pipeline", deals, texts("title", "Pumps"), texts("stage_id", "6"), map[string]string{"pipeline_id": "2", "stage_id": "6"}},
		{"a price", products, texts("name", "Pump", "prices.price", "10", "prices.currency", "EUR", "prices.cost", "7"),
			texts("prices.price", "12"), map[string]string{"prices.price": "12", "prices.currency": "EUR", "prices.cost": "7"}},
		{"a person of an activity", activities, texts("subject", "Call"), texts("person_id", "1"), map[string]string{"person_id": "1"}},
		{"nobody", activities, texts("subject", "Call", "person_id", "1"), texts("person_id", ""), map[string]string{"person_id": ""}},
		{"a note", notes, texts("content", "<p>Called</p>", "person_id", "1"), texts("content", "<p>Wrote</p>"),
			map[string]string{"content": "<p>Wrote</p>", "person_id": "1"}},
	} {
		inBubble(t, twin.Options{}, func(b *bench) {
			made, err := b.write(connector.Op{Key: "tdm-1", Verb: connector.Create, Ref: record.Ref{Object: c.object}, Set: c.from})
			if err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			time.Sleep(time.Minute)
			fields := b.set(c.object, made.Ref.ID, c.set)
			got := map[string]string{}
			for name := range c.want {
				got[name] = fields[name].Text()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				b.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

// texts are fields of texts, as name and value in turn.
func texts(pairs ...string) record.Fields {
	f := record.Fields{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f[pairs[i]] = record.Text(pairs[i+1])
	}
	return f
}

func TestALeadsValueNeedsACurrency(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		_, err := b.write(connector.Op{Verb: connector.Create, Ref: record.Ref{Object: leads}, Set: texts("title", "Pumps", "person_id", "1", "value.amount", "5")})
		if e := want(b, "no currency", err, connector.Invalid, connector.ScopeRecord); e.Field != "value.currency" {
			b.Errorf("names %q", e.Field)
		}
	})
}

// A person's further addresses stay when the main one is written, in any order.
func TestFurtherAddressesStay(t *testing.T) {
	t.Parallel()
	was := ways{{"old@x.io", false, "home"}, {"ann@x.io", true, "work"}}
	for _, c := range []struct {
		field, value string
		from, want   ways
	}{
		{fieldEmails, "new@x.io", was, ways{{"old@x.io", false, "home"}, {"new@x.io", true, "work"}}},
		{fieldEmails, "", was, ways{{"old@x.io", true, "home"}}},
		{fieldEmails, "new@x.io", nil, ways{{"new@x.io", true, "work"}}},
		{fieldEmails, "", nil, ways{}},
		{fieldMobile, "2", ways{{"1", true, "work"}}, ways{{"1", true, "work"}, {"2", false, "mobile"}}},
		{fieldPhones, "2", ways{{"1", true, "mobile"}}, ways{{"1", true, "mobile"}, {"2", false, "work"}}},
		{fieldMobile, "", ways{{"1", true, "mobile"}, {"2", false, "work"}}, ways{{"2", true, "work"}}},
	} {
		if diff := cmp.Diff(c.want, c.from.with(c.field, c.value)); diff != "" {
			t.Errorf("%s %q into %v (-want +got):\n%s", c.field, c.value, c.from, diff)
		}
	}
}

// Whatever is written to one of the addresses is what is read of it, nothing else is lost,
// and one is the main one.
func TestWrittenAddressesAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{fieldEmails, fieldPhones, fieldMobile}).Draw(t, "field")
		var from ways
		for i := range rapid.IntRange(0, 4).Draw(t, "ways") {
			from = append(from, way{fmt.Sprint("v", i), i == 1, rapid.SampledFrom([]string{"work", labelMobile, "home"}).Draw(t, "label")})
		}
		value := rapid.SampledFrom([]string{"new", "v0", "v3"}).Draw(t, "value")
		got := from.with(key, value)
		if i := got.main(key); i < 0 || got[i].Value != value {
			t.Fatalf("%v with %q reads %v", from, value, got)
		}
		primaries := 0
		for _, w := range got {
			if w.Primary {
				primaries++
			}
		}
		if primaries != 1 || len(got) < len(from)-1 || len(got) > len(from)+1 {
			t.Fatalf("%v with %q became %v", from, value, got)
		}
	})
}

// FuzzCursor holds that no stored text breaks a connection: it is ours, or it has expired.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", `{"m":"list"}`, `{"m":"feed","f":7}`, `{"m":"feed","o":{"n":-1}}`, `{"m":"list"} x`, "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(connector.Cursor(text))
		if err != nil {
			if connector.KindOf(err) != connector.Expired {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := parseCursor(c.encode())
		if err != nil || cmp.Diff(c, again) != "" {
			t.Fatalf("%q: %+v became %+v, %v", text, c, again, err)
		}
	})
}

// What is a list and cannot be read is not written: the other addresses, participants and
// prices would be lost (R11).
func TestAListThatCannotBeReadIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		object, face, key string
		set               record.Fields
	}{
		{persons, "name", fieldEmails, texts("emails", "new@x.io")},
		{persons, "name", fieldPhones, texts("phones.mobile", "+30 210 1")},
		{activities, "subject", keyParticipants, texts("person_id", "1")},
		{products, "name", keyPrices, texts("prices.price", "7")},
	} {
		inBubble(t, twin.Options{}, func(b *bench) {
			id := b.put(c.object, "", c.face, "Ann")
			writes := 0
			b.tapped(func(r *http.Request) (int, string, string) {
				if r.Method == http.MethodPatch {
					writes++
				}
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, c.object+"/"+id) {
					return 0, "", ""
				}
				return 200, asJSON, fmt.Sprintf(`{"success":true,"data":{"id":%s,"%s":{"first":"a@x.io"}}}`, id, c.key)
			})
			_, err := b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: c.object, ID: id}, Set: c.set})
			if e := want(b, c.key, err, connector.Invalid, connector.ScopeRecord); e.Fix == "" || writes > 0 {
				b.Errorf("%s: %d writes, and the fix %q", c.key, writes, e.Fix)
			}
		})
	}
}
