package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestPreviewReadsLikeADiff(t *testing.T) {
	t.Parallel()
	erp, crm := store.Object{Connection: "erp", Name: "contacts"}, store.Object{Connection: "crm", Name: "contacts"}
	pv := engine.Preview{
		Sync: "contacts", Left: erp, Right: crm, Linked: 4812, Unchanged: 4790,
		Counts: map[engine.PreviewKind]int{
			engine.WouldCreate: 2, engine.WouldUpdate: 2, engine.WouldDelete: 1, engine.WouldAsk: 1, engine.WouldSkip: 3, engine.WouldLink: 1,
		},
		Blown: "11 of 12 records would be deleted, and the guard allows 10",
		Items: []engine.PreviewItem{
			{Kind: engine.WouldCreate, Side: record.Right, Of: crm, Partner: "7", Title: "Ελένη Νικολάου", Fields: []engine.PreviewField{
				{Name: "email", New: record.Text("eleni@example.gr")}, {Name: "fax"}, {Name: "city", New: record.Text("Αθήνα")},
			}},
			{Kind: engine.WouldCreate, Side: record.Right, Of: crm, Partner: "8", Title: "สมชาย ใจดี"},
			{Kind: engine.WouldUpdate, Side: record.Right, Of: crm, ID: "501", Title: "Jürgen Groß", Fields: []engine.PreviewField{
				{Name: "phone", Old: record.Text("+49 221 770"), New: record.Text("+49 221 771"), Rule: "left changed"},
				{Name: "mobilephone", Old: record.Text("0171"), Rule: "left changed"},
			}},
			{Kind: engine.WouldUpdate, Side: record.Left, Of: erp, ID: "12", Title: "Олена Шевченко", Fields: []engine.PreviewField{
				{Name: "town", New: record.Text("Київ"), Rule: "first match: empty is filled"},
			}},
			{Kind: engine.WouldDelete, Side: record.Right, Of: crm, ID: "502", Title: "gone", Note: "its partner was deleted"},
			{Kind: engine.WouldAsk, Side: record.Left, Of: erp, ID: "15", Title: "Ann", Note: "two records of crm.contacts have ann@example.com"},
			{Kind: engine.WouldLink, Side: record.Right, Of: crm, ID: "503", Title: "Ravi Patel"},
			{Kind: engine.WouldSkip, Side: record.Left, Of: erp, ID: "16", Note: "no e-mail"},
			{Kind: engine.WouldSkip, Side: record.Left, Of: erp, ID: "17", Note: "no e-mail"},
			{Kind: engine.WouldSkip, Side: record.Left, Of: erp, ID: "18", Note: "outside the filter"},
		},
	}
	want := `contacts: erp.contacts ↔ crm.contacts

  create in crm.contacts (2)
    + Ελένη Νικολάου  email=eleni@example.gr, city=Αθήνα
    + สมชาย ใจดี

  change in crm.contacts (1)
    ~ 501  Jürgen Groß
        phone        +49 221 770 → +49 221 771  (left changed)
        mobilephone  0171 → (empty)             (left changed)

  change in erp.contacts (1)
    ~ 12  Олена Шевченко
        town  (empty) → Київ  (first match: empty is filled)

  delete from crm.contacts (1)
    - 502  gone
        its partner was deleted

  ask you about erp.contacts (1)
    ? 15  Ann
        two records of crm.contacts have ann@example.com

  link, nothing to write, in crm.contacts (1)
    = 503  Ravi Patel

  stay alone
    2  erp.contacts: no e-mail
    1  erp.contacts: outside the filter

  2 to create, 2 to change, 1 to delete, 1 to ask, 1 to link, 3 alone; 4,812 linked, 4,790 unchanged
  the guard would stop it: 11 of 12 records would be deleted, and the guard allows 10
`
	if diff := cmp.Diff(want, previewText(plan.Sync{Direction: merge.Both}, pv, shortList)); diff != "" {
		t.Error(diff)
	}
}

func TestPreviewCutsLongLists(t *testing.T) {
	t.Parallel()
	crm := store.Object{Connection: "crm", Name: "contacts"}
	pv := engine.Preview{Sync: "contacts", Right: crm, Counts: map[engine.PreviewKind]int{engine.WouldCreate: 4832}}
	for i := range 30 {
		pv.Items = append(pv.Items, engine.PreviewItem{Kind: engine.WouldCreate, Side: record.Right, Of: crm, Title: fmt.Sprint("n", i)})
	}
	got := previewText(plan.Sync{}, pv, shortList)
	if !strings.Contains(got, "    ... and 4,812 more (--all shows them)\n") || strings.Contains(got, "n20") || !strings.Contains(got, "(4,832)") {
		t.Error(got)
	}
	if got := previewText(plan.Sync{}, pv, 0); !strings.Contains(got, "n29") || !strings.Contains(got, "    ... and 4,802 more\n") {
		t.Error(got)
	}
}

func TestPreviewOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	got := previewText(plan.Sync{}, engine.Preview{Sync: "contacts", Linked: 3, Unchanged: 3}, shortList)
	if !strings.Contains(got, "nothing to do; 3 linked, 3 unchanged") {
		t.Error(got)
	}
	failed := engine.Preview{Sync: "contacts", Err: errors.New("connection crm: refused")}
	if got := previewText(plan.Sync{}, failed, shortList); !strings.Contains(got, "failed: connection crm: refused") {
		t.Error(got)
	}
}
