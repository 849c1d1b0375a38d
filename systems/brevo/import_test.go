package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// heap makes n creates of contacts that are on lists.
func heap(n int, on ...string) []connector.Op {
	var ops []connector.Op
	for i := range n {
		set := record.Fields{fieldEmail: record.Text("ann" + strconv.Itoa(i) + "@example.com"), "LTV": record.Int(int64(i))}
		if len(on) > 0 {
			set[fieldLists] = record.Texts(on...)
		}
		ops = append(ops, create("k"+strconv.Itoa(i), set))
	}
	return ops
}

func (b *bench) outcome(pending []string) []connector.Result {
	b.T.Helper()
	results, err := b.Settler.Outcome(b.T.Context(), contacts, pending)
	if err != nil || len(results) != len(pending) {
		b.T.Fatalf("outcome: %d results, %v", len(results), err)
	}
	return results
}

func pendingOf(results []connector.Result) []string {
	var out []string
	for _, res := range results {
		if res.Pending != "" {
			out = append(out, res.Pending)
		}
	}
	return out
}

// imports are the bodies of the imports that were sent.
func (b *bench) imports() *[]importInput {
	var all []importInput
	b.twin.Before(func(r *http.Request) {
		if r.URL.Path != "/v3/contacts/import" {
			return
		}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var in importInput
		if err == nil && json.Unmarshal(body, &in) == nil {
			all = append(all, in)
		}
	})
	return &all
}

// An import is taken, and told row by row when it is over (R36): a row that it rejects for a
// number that somebody else has comes again by itself, and goes without the number.
func TestAnImportIsToldRowByRow(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		b.put(map[string]string{"email": "there@example.com", "FIRSTNAME": "Kept"})
		b.put(map[string]string{"email": "phone@example.com", "SMS": "+302101234567"})
		ops := heap(30)
		ops[3].Set[fieldEmail] = record.Text("no address")
		ops[5].Set[fieldEmail] = record.Text("There@example.com")
		ops[7].Set[fieldSMS] = record.Text("+302101234567")
		ops[9].Set[fieldExtID] = record.Text("crm-9")
		results := b.write(ops...)
		if e := connector.ErrorOf(results[5].Err); e.Kind != connector.Duplicate || e.Existing.ID != "1" || b.read("1")["FIRSTNAME"].Text() != "Kept" {
			t.Errorf("a contact that is there: %+v", results[5])
		}
		pending := pendingOf(results)
		if len(pending) != 29 {
			t.Fatalf("%d are pending", len(pending))
		}
		for i, res := range b.outcome(pending) {
			if res.Pending != pending[i] || res.Err != nil {
				t.Errorf("an import under way is told as %+v", res)
			}
		}
		if n := b.twin.Count("GET", "/v3/processes"); n != 0 {
			t.Errorf("an import that has just begun is asked about %d times", n)
		}
		time.Sleep(2 * time.Minute)
		got := b.outcome(pending)
		if n := b.twin.Count("GET", "/v3/processes"); n != 1 {
			t.Errorf("what became of one import took %d questions", n)
		}
		for i, res := range got {
			at := i
			if i >= 5 {
				at++
			}
			kind := map[int]connector.Kind{3: connector.Invalid, 7: connector.Unavailable}[at]
			if connector.KindOf(res.Err) != kind || res.Pending != "" || len(res.Refused) > 0 {
				t.Errorf("row %d: %+v", at, res)
			}
			if kind == "" && (!res.Fresh || res.Version == "" || res.After.Fields["LTV"].Text() != strconv.Itoa(at) || res.After.Fields[fieldKey].Text() != "k"+strconv.Itoa(at)) {
				t.Errorf("row %d is %+v", at, res)
			}
		}
		if got[8].After.Fields[fieldExtID].Text() != "crm-9" {
			t.Errorf("the external ID is %v", got[8].After.Fields)
		}
		res := b.write(append(heap(60)[30:], ops[7])...)[30] // again, among many that are imported
		if res.Pending != "" || res.Err != nil || !refused(res, fieldSMS) || res.After.Fields["LTV"].Text() != "7" {
			t.Errorf("the contact with somebody else's number: %+v", res)
		}
	})
}

// Without a list for them nothing is imported, and few contacts are not worth it.
func TestFewContactsAreMadeOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		n    int
	}{"few": {"2", importFrom - 1}, "no list": {"", importFrom + 5}} {
		t.Run(name, func(t *testing.T) {
			play(t, connector.Settings{settingImport: c.list}, func(b *bench) {
				for _, res := range b.write(heap(c.n)...) {
					if res.Err != nil || res.Pending != "" || res.Ref.ID == "" {
						b.T.Errorf("result %+v", res)
					}
				}
			})
		})
	}
}

// Contacts that come with lists are imported straight onto these, those to be blocklisted by
// themselves. An import never says of anybody that they may be mailed, nor changes who is there
// (R32): left to itself Brevo updates them.
func TestR32AnImportSaysNoOfThoseWhoSaidItAndYesOfNobody(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		sent := b.imports()
		ops := heap(90, "2")
		for i := range 25 {
			ops[i].Set[fieldMailNo] = record.Text(record.Denied)
			ops[i+30].Set[fieldSMSNo] = record.Text(record.Denied)
			ops[i+60].Set[fieldMailNo] = record.Text(record.Granted)
		}
		pending := pendingOf(b.write(ops...))
		if len(pending) != len(ops) || len(*sent) != 3 {
			t.Fatalf("%d pending, %d imports", len(pending), len(*sent))
		}
		for _, in := range *sent {
			if in.Update || in.Empty || !in.Quiet || len(in.Lists) != 1 || in.Lists[0] != 2 {
				t.Errorf("an import says %+v", in)
			}
		}
		time.Sleep(time.Minute)
		for i, res := range b.outcome(pendingOf(b.outcome(pending))) {
			t.Errorf("row %d: %+v", i, res)
		}
		for _, row := range b.twin.Rows(contacts) {
			n, _ := strconv.Atoi(row.Fields["LTV"])
			mail, sms := row.Fields[fieldMailNo] == record.Denied, row.Fields[fieldSMSNo] == record.Denied
			if mail != (n < 25) || sms != (n >= 30 && n < 55) || row.Fields[fieldLists] != "2" {
				t.Errorf("contact %d is %v", n, row.Fields)
			}
		}
	})
}

// Somebody who has left a list is not put on it again by an import that meets them (R32). The
// twin does that, since Brevo does not say that it would not.
func TestR32AnImportMeetsNobodyWhoIsThere(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		gone := b.put(map[string]string{"email": "ann3@example.com", "listIds": "2"})
		if err := b.twin.LeaveList(gone, 2); err != nil {
			t.Fatal(err)
		}
		b.write(heap(40, "2")...)
		late := b.put(map[string]string{"email": "ann77@example.com", "listIds": "2"}) // between two imports
		if err := b.twin.LeaveList(late, 2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * censusAge)
		b.write(heap(80, "2")[40:]...)
		time.Sleep(time.Minute)
		for _, id := range []string{gone, late} {
			if got := b.read(id); !got[fieldLists].IsEmpty() || !got[fieldUnsubscribed].Equal(record.Texts("2")) {
				t.Errorf("who left the list is on %v, and left %v", got[fieldLists], got[fieldUnsubscribed])
			}
		}
		if n := len(b.twin.Rows(contacts)); n != 80 {
			t.Errorf("%d contacts", n)
		}
	})
}

// One of the same address whom a form has made meanwhile is not ours: without our key in the
// contact the import's own word decides.
func TestInvariant8WhoWasMadeMeanwhileIsNotTakenForImported(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		ops := heap(25)
		for i := range ops {
			ops[i].Key = "" // as in an account without the attribute for it
		}
		pending := pendingOf(b.write(ops...))
		b.put(map[string]string{"email": "ann4@example.com", "LTV": "99"})
		time.Sleep(2 * time.Minute)
		for i, res := range b.outcome(pending) {
			if want := i == 4; (connector.KindOf(res.Err) == connector.Duplicate) != want || res.Pending != "" {
				t.Errorf("row %d: %+v", i, res)
			}
		}
	})
}

// What an import drops without a word is refused, and what people do to a contact before anybody
// has asked is theirs (invariant 7): then no version says that it is as we wrote it.
func TestWhatAnImportDropsIsNoticed(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		c := b.Check.(*conn)
		ops := heap(25)
		c.mu.Lock()
		c.known[contacts].fields["VIP"] = record.Field{Name: "VIP", Kind: record.KindText} // its type was changed since
		c.mu.Unlock()
		ops[2].Set["VIP"] = record.Text("perhaps")
		pending := pendingOf(b.write(ops...))
		time.Sleep(30 * time.Second)
		if _, err := b.twin.Put(contacts, "2", map[string]string{"FIRSTNAME": "Edited"}); err != nil {
			t.Fatal(err)
		}
		got := b.outcome(pending)
		if !refused(got[2], "VIP") || got[2].Refused[0].Again || got[2].Version == "" {
			t.Errorf("a dropped value: %+v", got[2])
		}
		if got[1].Version != "" || got[1].After.Fields["FIRSTNAME"].Text() != "Edited" {
			t.Errorf("a contact that a person has changed: %+v", got[1])
		}
		gone := asked{ticket: ticket{Sent: []string{fieldExtID, fieldMailNo}}, result: &connector.Result{}}
		gone.found(c.known[contacts], contact{ID: 1})
		if r := gone.result.Refused; len(r) != 2 || !r[0].Again || !r[1].Again {
			t.Errorf("what an ordinary call would write is owed: %+v", r)
		}
	})
}

// An import of which Brevo knows nothing any more, or that does not end, is of unknown outcome
// (R16). Few questions are spent on it: there are a hundred calls an hour.
func TestAnImportThatDoesNotEndIsAmbiguous(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		for _, res := range b.outcome([]string{ticket{Process: 99, At: time.Now().Add(-time.Hour).UnixMilli(), Email: "a@example.com"}.encode(), "nonsense"}) {
			if connector.KindOf(res.Err) != connector.Ambiguous {
				t.Errorf("the error is %v", res.Err)
			}
		}
		if n := b.endless(heap(25), "/v3/processes", b.outcome); n < 5 || n > 15 {
			t.Errorf("%d questions", n)
		}
	})
}

// endless sends an import that does not end, asks for it until it is of unknown outcome, which has to be
// after a day, and returns how many calls that took.
func (b *bench) endless(ops []connector.Op, path string, ask func([]string) []connector.Result) int {
	b.T.Helper()
	b.twin.ImportsTake(100 * time.Hour)
	pending := pendingOf(b.write(ops...))
	before := b.twin.Count("GET", path)
	for wait := time.Duration(0); wait < 20*time.Hour; wait += 10 * time.Minute {
		if got := ask(pending); got[0].Pending == "" {
			b.T.Fatalf("after %v: %+v", wait, got[0])
		}
		time.Sleep(10 * time.Minute)
	}
	calls := b.twin.Count("GET", path) - before
	time.Sleep(24 * time.Hour)
	for _, res := range ask(pending) {
		if connector.KindOf(res.Err) != connector.Ambiguous {
			b.T.Errorf("after a day: %+v", res)
		}
	}
	return calls
}

// Who asks in parts is answered from where the part before ended, and no part is taken for missing
// because pages of other parts come before its own.
func TestAnImportThatIsAskedAboutInPartsIsFound(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		pending := pendingOf(b.write(heap(5000, "2")...))
		time.Sleep(2 * time.Minute)
		for _, part := range [][]string{pending[4000:], pending[:1000], pending[1000:2000], pending[2000:3000], pending[3000:4000]} {
			before := b.twin.Count("GET", "/v3/contacts")
			for i, res := range b.outcome(part) {
				if res.Pending != "" || res.Err != nil || !res.Fresh {
					t.Fatalf("row %d: %+v", i, res)
				}
			}
			if n := b.twin.Count("GET", "/v3/contacts") - before; n > 8 {
				t.Errorf("a part of a thousand took %d pages", n)
			}
		}
		if n := b.twin.Count("GET", "/v3/processes"); n != 0 {
			t.Errorf("contacts that are there were asked for %d times", n)
		}
	})
}

// An import is parted where it would be larger than Brevo takes.
func TestALargeImportIsParted(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		sent := b.imports()
		ops := heap(40, "2")
		for i := range ops {
			ops[i].Set["NOTES"] = record.Text(strings.Repeat("x", 300_000))
		}
		if n := len(pendingOf(b.write(ops...))); n != len(ops) || len(*sent) != 2 {
			t.Errorf("%d rows in %d imports", n, len(*sent))
		}
	})
}

// What there is no time for is left, and comes again: nothing of it was sent.
func TestABatchThatRunsOutOfTimeLeavesTheRest(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		ops := heap(100)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		results, err := b.Writer.Write(ctx, ops)
		if err != nil {
			t.Fatal(err)
		}
		made, left := 0, 0
		for _, res := range results {
			switch {
			case res.Err == nil && res.Ref.ID != "":
				made++
			case connector.KindOf(res.Err) == connector.Unavailable:
				left++
			}
		}
		if made == 0 || left == 0 || made+left != len(ops) || len(b.twin.Rows(contacts)) != made || time.Since(began) > 15*time.Second {
			t.Errorf("%d made, %d left in %v", made, left, time.Since(began))
		}
	})
}
