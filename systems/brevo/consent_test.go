package brevo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// Updates that go together are held to the same: nobody is taken off a blocklist by them, with
// another address, another number, or because nothing is said.
func TestR32ABatchUpdateResubscribesNobody(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		var sent []contactInput
		b.twin.Before(func(r *http.Request) {
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			in := struct{ Contacts []contactInput }{}
			if err == nil && r.URL.Path == "/v3/contacts/batch" && json.Unmarshal(body, &in) == nil {
				sent = append(sent, in.Contacts...)
			}
		})
		var ops []connector.Op
		for i := range 5 {
			n := strconv.Itoa(i)
			id := b.put(map[string]string{
				"email": "ann" + n + "@example.com", "SMS": "+30210123456" + n, fieldMailNo: record.Denied, fieldSMSNo: record.Denied,
			})
			ops = append(ops, update(id, record.Fields{
				fieldEmail: record.Text("ann" + n + "@example.org"), fieldSMS: record.Text("+30210999999" + n), fieldMailNo: {}, fieldSMSNo: {},
				"FIRSTNAME": record.Text("Ann"), fieldLists: record.Texts("2"),
			}, nil))
		}
		for _, res := range b.write(ops...) {
			for _, field := range []string{fieldEmail, fieldSMS, fieldMailNo, fieldSMSNo} {
				if res.Err != nil || !refused(res, field) {
					t.Errorf("%s is not refused: %+v", field, res)
				}
			}
			got := b.read(res.Ref.ID)
			if got[fieldMailNo].Text() != record.Denied || got[fieldSMSNo].Text() != record.Denied || got["FIRSTNAME"].Text() != "Ann" {
				t.Errorf("the contact is %v", got)
			}
		}
		for _, x := range sent {
			_, mail := x.Attributes["EMAIL"]
			_, number := x.Attributes[fieldSMS]
			if mail || number || x.MailNo != nil || x.SMSNo != nil {
				t.Errorf("sent is %+v", x)
			}
		}
		if len(sent) != 5 {
			t.Errorf("%d went together", len(sent))
		}
	})
}

// A person's no that comes while updates are tried one by one is heard.
func TestR32WhoSaysNoWhileABatchIsTriedAgainIsHeard(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id, other := b.put(map[string]string{"email": "ann@example.com"}), b.put(map[string]string{"email": "bob@example.com", "EXT_ID": "X"})
		third := b.put(map[string]string{"email": "eve@example.com"})
		said := false
		b.twin.After(func(r *http.Request) {
			if r.URL.Path == "/v3/contacts/batch" && !said {
				said = true
				if err := b.twin.Unsubscribe(id); err != nil {
					t.Error(err)
				}
			}
		})
		res := b.write(
			update(id, record.Fields{fieldEmail: record.Text("ann@example.org")}, nil),
			update(third, record.Fields{fieldExtID: record.Text("X")}, nil)) // which is Bob's, so that nothing of both is taken
		if !said || !refused(res[0], fieldEmail) || connector.KindOf(res[1].Err) != connector.Duplicate || connector.ErrorOf(res[1].Err).Existing.ID != other {
			t.Errorf("results %+v", res)
		}
		if got := b.read(id); got[fieldMailNo].Text() != record.Denied || got[fieldEmail].Text() != "ann@example.com" {
			t.Errorf("the contact is %v", got)
		}
	})
}

func TestR32NobodyIsPutOnAListAgainFromWhichTheyUnsubscribed(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		other, err := b.twin.Put(lists, "", map[string]string{"name": "Others"})
		if err != nil {
			t.Fatal(err)
		}
		id := b.put(map[string]string{"email": "ann@example.com", "listIds": "2"})
		if err := b.twin.LeaveList(id, 2); err != nil {
			t.Fatal(err)
		}
		res := b.write(update(id, record.Fields{fieldLists: record.Texts("2", other)}, nil))[0]
		if got := b.read(id); !refused(res, fieldLists) || !got[fieldLists].Equal(record.Texts(other)) || !got[fieldUnsubscribed].Equal(record.Texts("2")) {
			t.Errorf("%+v, the contact is on %v", res, got[fieldLists])
		}
	})
}

// A no that Brevo does not take is owed, not given up.
func TestR32ANoThatIsDroppedIsOwed(t *testing.T) {
	t.Parallel()
	s := shapeOf(record.Object{Name: contacts, Fields: contactFields()})
	op := update("1", record.Fields{fieldMailNo: record.Text(record.Denied)}, nil)
	w := &writing{op: op, sent: op.Set}
	w.dropped(s, s.record(contact{ID: 1}))
	if r := w.result.Refused; len(r) != 1 || !r[0].Again {
		t.Errorf("refused %+v", r)
	}
	for _, name := range []string{fieldMailNo, fieldSMSNo} {
		if !s.fields[name].Silent {
			t.Errorf("%s is not looked at anew, and no page says that it moves a stamp (R35)", name)
		}
	}
}

// A list of contacts that lags behind does not make a new contact one that is gone.
func TestR21AListThatLagsProvesNothing(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		b.twin.ListsLag(time.Minute)
		res := b.write(create("k", record.Fields{fieldEmail: record.Text("ann@example.com")}))[0]
		got, err := b.Reader.Read(t.Context(), contacts, []string{res.Ref.ID, "4711"})
		if err != nil || got[0].Fate != connector.Present || got[1].Fate != connector.Deleted {
			t.Errorf("read: %+v %v", got, err)
		}
		if res := b.write(update(res.Ref.ID, record.Fields{fieldMailNo: record.Text(record.Denied)}, nil))[0]; res.Err != nil {
			t.Errorf("update: %+v", res)
		}
	})
}

// A batch whose answer is lost may have been carried out, in part or whole: nothing of it is
// sent again before the contacts have been looked at (R16).
func TestR16ABatchWithoutAnAnswerIsLookedAt(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		var ops []connector.Op
		for i := range 3 {
			id := b.put(map[string]string{"email": "ann" + strconv.Itoa(i) + "@example.com"})
			ops = append(ops, update(id, record.Fields{"FIRSTNAME": record.Text("Ann")}, nil))
		}
		b.twin.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: "/v3/contacts/batch", Times: 1})
		for _, res := range b.write(ops...) {
			if connector.KindOf(res.Err) != connector.Ambiguous {
				t.Errorf("result %+v", res)
			}
		}
		if n := b.twin.Count("PUT", "") + b.twin.Count("POST", "/v3/contacts/batch"); n != 1 {
			t.Errorf("%d calls write", n)
		}
	})
}

// Brevo writes the names of events in two ways.
func TestEventsOfWebhooksAreUnderstoodInBothSpellings(t *testing.T) {
	t.Parallel()
	c := &conn{settings: connector.Settings{settingKeyName: "Tandem"}, secret: func(string) string { return "key" }}
	want := []record.Ref{connector.By(contacts, fieldEmail, "ann@example.com")}
	for _, name := range []string{"contact_updated", "contactUpdated", "list_addition", "listAddition", "contact_deleted", "contactDeleted", "unsubscribed", "hard_bounce", "hardBounce", "spam"} {
		d := c.delivery([]hookEvent{{Event: name, Email: "ann@example.com"}, {Event: name, Email: "own@example.com", KeyName: "Tandem"}})
		if !slices.Equal(d.Hints, want) || d.Lost {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := c.delivery([]hookEvent{{Event: "opened", Email: "ann@example.com"}}); len(d.Hints) > 0 || d.Lost {
		t.Errorf("an event that is not ours: %+v", d)
	}
}
