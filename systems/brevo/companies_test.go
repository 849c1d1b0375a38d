package brevo

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// keyed is a bench whose companies have the attribute that check --create-fields makes.
func keyed(t *testing.T, test func(*bench)) {
	t.Helper()
	play(t, nil, func(b *bench) {
		if _, err := b.AddField.AddField(b.T.Context(), companies, record.Field{Name: keyProperty, Label: keyLabel, Kind: record.KindText, Key: true}); err != nil {
			b.T.Fatal(err)
		}
		test(b)
	})
}

// firms makes n creates of companies.
func firms(n int) []connector.Op {
	var ops []connector.Op
	for i := range n {
		ops = append(ops, connector.Op{Key: "k" + strconv.Itoa(i), Verb: connector.Create, Ref: record.Ref{Object: companies}, Set: record.Fields{
			"name": record.Text("Berg, Lee " + strconv.Itoa(i)), "revenue": record.Text("1200.5"),
		}})
	}
	return ops
}

func (b *bench) became(pending []string) []connector.Result {
	b.T.Helper()
	results, err := b.Settler.Outcome(b.T.Context(), companies, pending)
	if err != nil || len(results) != len(pending) {
		b.T.Fatalf("outcome: %d results, %v", len(results), err)
	}
	return results
}

// Many companies are one call, and each row is told (R36): by our key in the company. What a row
// cannot say goes by a call of its own, and a row that was not taken comes again by itself, which
// shows what is wrong with it.
func TestAnImportOfCompaniesIsToldRowByRow(t *testing.T) {
	keyed(t, func(b *bench) {
		t := b.T
		ann := b.put(map[string]string{"email": "ann@example.com"})
		ops := firms(40)
		ops[3].Set["revenue"] = record.Text("much")
		ops[5].Set["name"] = record.Text("Berg; Lee")
		ops[7].Set[fieldContacts] = record.Texts(ann)
		results := b.write(ops...)
		if res := results[5]; res.Err != nil || res.Ref.ID == "" || res.After.Fields["name"].Text() != "Berg; Lee" {
			t.Errorf("a name with a separator: %+v", res)
		}
		pending := pendingOf(results)
		if len(pending) != 39 || b.twin.Count("POST", "/v3/companies/import") != 1 {
			t.Fatalf("%d are pending after %d imports", len(pending), b.twin.Count("POST", "/v3/companies/import"))
		}
		before := b.twin.Count("GET", "")
		for _, res := range b.became(pending) {
			if res.Pending == "" || res.Err != nil {
				t.Errorf("an import under way is told as %+v", res)
			}
		}
		if n := b.twin.Count("GET", "") - before; n != 0 {
			t.Errorf("an import that has just begun is asked about %d times", n)
		}
		time.Sleep(2 * time.Minute)
		got := b.became(pending)
		if n := b.twin.Count("GET", "") - before; n > 5 {
			t.Errorf("what became of them took %d of a hundred calls", n)
		}
		for i, res := range got {
			at := i
			if i >= 5 {
				at++
			}
			switch {
			case at == 3:
				if res.Err != nil || res.Pending == "" {
					t.Errorf("a row that may be in no list yet: %+v", res)
				}
			case res.Err != nil || res.Pending != "" || !res.Fresh || res.Version == "" || res.After.Fields[keyProperty].Text() != "k"+strconv.Itoa(at) ||
				res.After.Fields["revenue"].Text() != "1200.5":
				t.Errorf("row %d is %+v", at, res)
			case at == 7 && (len(res.Refused) != 1 || res.Refused[0].Field != fieldContacts || !res.Refused[0].Again):
				t.Errorf("links are owed: %+v", res.Refused)
			}
		}
		time.Sleep(companyDoubt)
		if res := b.became(pending[3:4])[0]; connector.KindOf(res.Err) != connector.Unavailable || res.Pending != "" {
			t.Errorf("a row that was not taken: %+v", res)
		}
		if n := b.twin.Count("GET", "") - before; n > 8 {
			t.Errorf("what became of them took %d of a hundred calls", n)
		}
		again := slices.Concat(firms(70)[40:], ops[3:4])
		if res := b.write(again...)[30]; connector.KindOf(res.Err) != connector.Invalid {
			t.Errorf("made by itself it says %+v", res)
		}
		if n := len(b.twin.Rows(companies)); n != 39 {
			t.Errorf("%d companies", n)
		}
	})
}

// A list may show late what an import has made: no row counts as left out as long as that may be.
func TestImportedCompaniesMayBeListedLate(t *testing.T) {
	keyed(t, func(b *bench) {
		t := b.T
		b.twin.ListsLag(companyDoubt - time.Minute)
		pending := pendingOf(b.write(firms(25)...))
		for began := time.Now(); len(pending) > 0 && time.Since(began) < time.Hour; time.Sleep(30 * time.Second) {
			var left []string
			for _, res := range b.became(pending) {
				if res.Err != nil {
					t.Fatalf("after %v: %+v", time.Since(began), res)
				}
				if res.Pending != "" {
					left = append(left, res.Pending)
				}
			}
			pending = left
		}
		if len(pending) > 0 {
			t.Errorf("%d are not found", len(pending))
		}
	})
}

// Brevo's clock tells seconds: of two imports that were sent in the same one, each is over when Brevo says
// so of it. Rows of the other one would be made by themselves, and once more when it is carried out.
func TestTwoImportsOfOneMomentAreTwo(t *testing.T) {
	keyed(t, func(b *bench) {
		t := b.T
		all := firms(50)
		all[3].Set["revenue"] = record.Text("much") // of which the import says nothing
		first := pendingOf(b.write(all[:25]...))
		b.twin.ImportsTake(10 * time.Hour)
		second := pendingOf(b.write(all[25:]...))
		for began := time.Now(); time.Since(began) < 4*time.Hour; { // which of them Brevo is asked about first is up to chance
			time.Sleep(time.Since(began) + companyDoubt)
			got := b.became(append([]string{first[3]}, second...))
			if connector.KindOf(got[0].Err) != connector.Unavailable || got[1].Pending == "" || got[1].Err != nil {
				t.Fatalf("after %v of the first %+v, of the second %+v", time.Since(began), got[0], got[1])
			}
		}
		time.Sleep(12 * time.Hour)
		if got := b.became(second); got[0].Ref.ID == "" || len(b.twin.Rows(companies)) != 49 {
			t.Errorf("of the second %+v; there are %d", got[0], len(b.twin.Rows(companies)))
		}
	})
}

// Few companies are not worth an import, and one that Brevo refuses is none: they are made one by
// one then, and read back together. Without our key nobody could say what became of an import.
func TestCompaniesThatAreNotImported(t *testing.T) {
	for name, c := range map[string]struct {
		n       int
		refused bool
		imports int
	}{"few": {importFrom - 1, false, 0}, "refused": {importFrom + 5, true, 1}} {
		t.Run(name, func(t *testing.T) {
			keyed(t, func(b *bench) {
				if c.refused {
					b.twin.RefuseCompanies()
				}
				reads := b.twin.Count("GET", "/v3/companies")
				for i, res := range b.write(firms(c.n)...) {
					if res.Err != nil || res.Pending != "" || res.Ref.ID == "" || res.After == nil || res.After.Fields[keyProperty].Text() != "k"+strconv.Itoa(i) {
						b.T.Errorf("result %+v", res)
					}
				}
				if n := b.twin.Count("POST", "/v3/companies/import"); n != c.imports {
					b.T.Errorf("%d imports", n)
				}
				if n := b.twin.Count("GET", "/v3/companies") - reads; n != 1 {
					b.T.Errorf("they were read back by %d calls", n)
				}
			})
		})
	}
	t.Run("no key", func(t *testing.T) {
		play(t, nil, func(b *bench) {
			if o, err := b.Check.(*conn).describe(b.T.Context(), companies); err != nil || o.CreateBatch != 0 {
				b.T.Errorf("%d together, %v", o.CreateBatch, err)
			}
		})
	})
}

// Of what was cut off our key tells: an import may show late, so it is looked for late (R16), and
// what stands nowhere is not there.
func TestCompaniesAreFoundByOurKey(t *testing.T) {
	keyed(t, func(b *bench) {
		t := b.T
		b.write(firms(25)...)
		time.Sleep(companySettle)
		before := b.twin.Count("GET", "/v3/companies")
		got, err := b.Finder.Find(t.Context(), companies, keyProperty, []string{"k7", "k24", "k99", "k7"})
		if err != nil || len(got) != 2 || got[0].Fields["name"].Text() != "Berg, Lee 24" || got[1].Fields[keyProperty].Text() != "k7" {
			t.Errorf("found %v, %v", got, err)
		}
		if _, err := b.Finder.Find(t.Context(), companies, keyProperty, []string{"k8"}); err != nil || b.twin.Count("GET", "/v3/companies")-before > 2 {
			t.Errorf("%d calls, %v", b.twin.Count("GET", "/v3/companies")-before, err)
		}
		b.writeTo(companies, "", record.Fields{"name": record.Text("Late")}, nil)
		time.Sleep(companyAge + time.Second)
		if got, err := b.Finder.Find(t.Context(), companies, keyProperty, []string{"k"}); err != nil || len(got) != 1 {
			t.Errorf("a later one: %v, %v", got, err)
		}
	})
}

// another is a connection that knows only what is kept of the first one.
func (b *bench) another() *conn {
	b.T.Helper()
	was := b.Check.(*conn)
	now, err := open(connector.Env{Settings: was.settings, BaseURL: was.api.Base, HTTP: was.api.HTTP, State: was.state, Secret: was.secret})
	if err != nil {
		b.T.Fatal(err)
	}
	return now.(*conn)
}

// Whose answer was lost does not know what Brevo is at work on. While that may be the import, what is
// not there is no company that was not made (R16), also for a connection that was opened since. What
// does not end within a day is waited for no longer.
func TestCompaniesAreNotMissedWhileAnImportMayBeUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		takes, waits time.Duration
		there        int
	}{
		"it shows late":    {takes: 5 * time.Hour, waits: 5 * time.Hour, there: 2},
		"it does not end":  {takes: 1000 * time.Hour, waits: importEnds},
		"it is not listed": {takes: 1000 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			keyed(t, func(b *bench) {
				t := b.T
				b.twin.ImportsTake(c.takes)
				if c.waits == 0 {
					b.twin.HideProcesses()
				}
				b.twin.Kit().Inject(twin.Fault{Kind: twin.FaultLostReply, Method: "POST", Path: "/v3/companies/import", Times: 1})
				if res := b.write(firms(25)...)[0]; connector.KindOf(res.Err) != connector.Ambiguous {
					t.Fatalf("an import that was cut off is told as %+v", res)
				}
				b.twin.Kit().Inject(twin.Fault{Kind: twin.FaultSlow, Path: "/v3/companies", Wait: 20 * time.Second})
				began := time.Now()
				var got []record.Record
				err := error(&connector.Error{Kind: connector.Unavailable})
				for connector.KindOf(err) == connector.Unavailable && time.Since(began) < 100*time.Hour {
					time.Sleep(companySettle)
					asked, read := b.twin.Count("GET", "/v3/processes"), b.twin.Count("GET", "/v3/companies")
					c := b.another()
					for range 50 { // of a thousand that were cut off
						got, err = c.Find(t.Context(), companies, keyProperty, []string{"k7", "k24"})
					}
					if n, m := b.twin.Count("GET", "/v3/processes")-asked, b.twin.Count("GET", "/v3/companies")-read; n != 1 || m > 2 {
						t.Errorf("one look took %d questions and %d pages", n, m)
					}
				}
				if took := time.Since(began); err != nil || len(got) != c.there || took < c.waits || took > c.waits+2*companySettle {
					t.Errorf("after %v there are %d, %v", took, len(got), err)
				}
			})
		})
	}
}

// An import of companies that does not end, or of which Brevo knows nothing, is of unknown outcome,
// and few questions are spent on it.
func TestAnImportOfCompaniesThatDoesNotEndIsAmbiguous(t *testing.T) {
	keyed(t, func(b *bench) {
		t := b.T
		old := companyTicket{Process: 99, At: time.Now().Add(-2 * companyLost).UnixMilli(), Key: "gone"}.encode()
		for _, res := range b.became([]string{old, "nonsense"}) {
			if connector.KindOf(res.Err) != connector.Ambiguous {
				t.Errorf("the error is %v", res.Err)
			}
		}
		if n := b.endless(firms(25), "", b.became); n < 5 || n > 40 {
			t.Errorf("%d questions", n)
		}
	})
}
