package brevo

import (
	"strconv"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// An import is taken, and told row by row when it is over (R36).
func TestAnImportIsToldRowByRow(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		b.put(map[string]string{"email": "there@example.com", "FIRSTNAME": "Kept"})
		b.put(map[string]string{"email": "phone@example.com", "SMS": "+302101234567"})
		var ops []connector.Op
		for i := range 30 {
			ops = append(ops, create("k"+strconv.Itoa(i), record.Fields{fieldEmail: record.Text("ann" + strconv.Itoa(i) + "@example.com"), "LTV": record.Int(int64(i))}))
		}
		ops[3].Set[fieldEmail] = record.Text("no address")
		ops[5].Set[fieldEmail] = record.Text("there@example.com")
		ops[7].Set[fieldSMS] = record.Text("+302101234567")
		ops[9].Set[fieldMailNo] = record.Text(record.Denied) // an import cannot say that of one
		results := b.write(ops...)
		if results[9].Pending != "" || results[9].Err != nil || results[9].Ref.ID == "" {
			t.Errorf("a contact to be blocklisted: %+v", results[9])
		}
		var pending []string
		for i, res := range results {
			if i != 9 {
				pending = append(pending, res.Pending)
			}
		}
		for i, res := range b.outcome(pending[:3]) {
			if res.Pending != pending[i] || res.Err != nil {
				t.Errorf("an import under way is told as %+v", res)
			}
		}
		time.Sleep(time.Minute)
		asked := b.twin.Count("GET", "/v3/processes")
		got := append(b.outcome(pending[:20]), b.outcome(pending[20:])...)
		if n := b.twin.Count("GET", "/v3/processes") - asked; n != 1 {
			t.Errorf("what became of one import took %d questions", n)
		}
		for i, res := range got {
			at := i
			if i >= 9 {
				at++
			}
			kind := map[int]connector.Kind{3: connector.Invalid, 5: connector.Duplicate, 7: connector.Duplicate}[at]
			if connector.KindOf(res.Err) != kind || res.Pending != "" {
				t.Errorf("row %d: %+v", at, res)
			}
			if kind == "" && (res.After == nil || res.After.Fields["LTV"].Text() != strconv.Itoa(at) || res.After.Fields[fieldKey].Text() != "k"+strconv.Itoa(at)) {
				t.Errorf("row %d is %+v", at, res.After)
			}
		}
		if got[5].Err != nil && connector.ErrorOf(got[5].Err).Existing.ID != "1" || b.read("1")["FIRSTNAME"].Text() != "Kept" {
			t.Errorf("the contact that was there: %v %v", got[5].Err, b.read("1"))
		}
	})
}

func (b *bench) outcome(pending []string) []connector.Result {
	b.T.Helper()
	results, err := b.Settler.Outcome(b.T.Context(), contacts, pending)
	if err != nil || len(results) != len(pending) {
		b.T.Fatalf("outcome: %d results, %v", len(results), err)
	}
	return results
}

// Without a list for them nothing is imported, and few contacts are not worth it.
func TestFewContactsAreMadeOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		n    int
	}{"few": {"2", importFrom - 1}, "no list": {"", importFrom + 5}} {
		t.Run(name, func(t *testing.T) {
			play(t, connector.Settings{settingImport: c.list}, func(b *bench) {
				t := b.T
				var ops []connector.Op
				for i := range c.n {
					ops = append(ops, create("k"+strconv.Itoa(i), record.Fields{fieldEmail: record.Text("ann" + strconv.Itoa(i) + "@example.com")}))
				}
				for _, res := range b.write(ops...) {
					if res.Err != nil || res.Pending != "" || res.Ref.ID == "" {
						t.Errorf("result %+v", res)
					}
				}
			})
		})
	}
}

// An import of which Brevo knows nothing any more is of unknown outcome (R16).
func TestAForgottenImportIsAmbiguous(t *testing.T) {
	play(t, connector.Settings{settingImport: "2"}, func(b *bench) {
		t := b.T
		for _, res := range b.outcome([]string{"99 1767225600000 ann@example.com", "nonsense"}) {
			if connector.KindOf(res.Err) != connector.Ambiguous {
				t.Errorf("the error is %v", res.Err)
			}
		}
	})
}
