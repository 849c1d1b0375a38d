package hubspot

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func TestCheckNamesTheAccountAndWhatIsLacking(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, twin.Options{Zone: athens}, func(b *bench) {
		b.account.Revoke("crm.objects.companies.read")
		b.account.Kit().Skew(90 * time.Second)
		id, err := b.Check.Check(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if id.Account != "146000217" || id.Zone != "Europe/Athens" || id.Clock.Round(5*time.Second) != 90*time.Second {
			b.Errorf("identity: %+v", id)
		}
		if id.Facts[factBurst] != "190" || id.Facts["currency"] != "EUR" {
			b.Errorf("facts: %v", id.Facts)
		}
		if len(id.Lacks) != 1 || id.Lacks[0].Object != companies || !strings.Contains(id.Lacks[0].Remedy, "crm.objects.companies.read") {
			b.Errorf("lacks: %+v", id.Lacks)
		}
	})
}

func TestSchemaTellsPropertiesInOneCallEach(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingAssociations: associationsMain})
		var s record.Schema
		if n := b.count("/", func() { s, _, _ = b.Describe.SchemaOf(b.Context(), []string{owners, contacts, companies}) }); n != 2 {
			b.Errorf("the schema took %d requests", n)
		}
		c, _ := s.Object(contacts)
		for name, want := range map[string]record.Field{
			"email":            {Kind: record.KindEmail, Common: "email", Unique: true, Findable: true, MaxLen: maxText, Rewrites: []record.Rewrite{record.RewriteTrim, record.RewriteLower}},
			"mobilephone":      {Kind: record.KindPhone, Common: "mobile", Findable: true, MaxLen: maxText},
			"createdate":       {Kind: record.KindDateTime, Common: "created_at", ReadOnly: true},
			"hubspot_owner_id": {Kind: record.KindReference, Common: "owner", To: owners},
			propCompany:        {Kind: record.KindReference, Common: "company", To: companies, Silent: true},
			propKey:            {Kind: record.KindText, Unique: true, Findable: true, Key: true, Custom: true, MaxLen: maxText},
			"notes":            {Kind: record.KindText, Common: "notes", Custom: true, MaxLen: maxText},
			"vat_id":           {Kind: record.KindText, Format: record.FormatVATID, Common: "vat_id", Custom: true, Findable: true, MaxLen: maxText},
			"profile":          {Kind: record.KindText, Format: record.FormatHTML, Custom: true, MaxLen: maxText},
			"newsletter":       {Kind: record.KindBool, Custom: true},
			"birthday":         {Kind: record.KindDate, Custom: true},
		} {
			got, ok := c.Field(name)
			got.Label, want.Name = "", name
			if d := cmp.Diff(want, got); !ok || d != "" {
				b.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		if o, _ := s.Object(owners); o.Create || o.Update || o.Common != "user" {
			b.Errorf("owners: %+v", o)
		}
		b.account.Revoke("crm.schemas.contacts.read")
		if _, there := b.schema().Object(contacts); there {
			b.Error("an object that may not be seen is in the schema")
		}
	})
}

func TestListingHoldsItsBudget(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100, 101, 1001} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(b *bench) {
				company := b.put(companies, "", "name", "Berg")
				want := b.contacts(n)
				for _, id := range want {
					b.put(contacts, id, propCompany, company)
				}
				b.schema()
				for fields, most := range map[string]int{"email": 0, propCompany: (n + 999) / 1000} {
					q := connector.Query{Object: contacts, Fields: []string{fields}}
					var got []connector.Change
					var pages []connector.Page
					reads := b.count("/associations/", func() {
						calls := b.count("/objects/", func() { got, pages = b.read(&q) })
						if pagesOf := max(1, (n+99)/100); calls != pagesOf {
							b.Errorf("%s: %d list calls, want %d", fields, calls, pagesOf)
						}
					})
					if reads != most {
						b.Errorf("%s: %d association reads, want %d", fields, reads, most)
					}
					if !slices.Equal(ids(got), want) {
						b.Errorf("%s: %d of %d records", fields, len(got), n)
					}
					if last := pages[len(pages)-1]; !last.Complete || last.Total != 0 {
						b.Errorf("the last page: complete %v, total %d", last.Complete, last.Total)
					}
					if n > 0 && fields == propCompany && got[n-1].Fields[propCompany].Text() != company {
						b.Errorf("the primary company reads %q", got[n-1].Fields[propCompany])
					}
				}
			})
		})
	}
}

// A burst of writes is read once, not in every read while the overlap lasts; and an idle
// read is one request even then.
func TestIdleReadIsOneRequestRightAfterABurst(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{NoLimits: true}, func(b *bench) {
		b.schema()
		q := connector.Query{Object: contacts, Fields: []string{"email", propCompany}}
		b.read(&q)
		for i := range 700 {
			b.put(contacts, "", "email", fmt.Sprintf("b%d@example.com", i))
			time.Sleep(time.Duration(i%3) * time.Millisecond)
		}
		later()
		if got, _ := b.read(&q); len(unique(got)) != 700 {
			b.Fatalf("%d records of the burst", len(unique(got)))
		}
		for range 3 {
			time.Sleep(20 * time.Second)
			if n := b.count("/", func() { b.read(&q) }); n != 1 {
				b.Errorf("an idle read took %d requests", n)
			}
		}
		time.Sleep(overlap) // a whole pass looks back once
		b.read(&q)
		time.Sleep(2 * overlap)
		b.read(&q)
		time.Sleep(2 * overlap)
		if n := b.count("/", func() { b.read(&q) }); n != 1 {
			b.Errorf("an idle read after the overlap took %d requests", n)
		}
	})
}

func unique(changes []connector.Change) map[string]connector.Change {
	out := map[string]connector.Change{}
	for _, c := range changes {
		out[c.ID] = c
	}
	return out
}

// More rows than a search pages through share one millisecond; they are read by id.
func TestRowsOfTheSameInstantAreAllRead(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1, 7} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{NoLimits: true, PageSize: 20}, func(b *bench) {
				b.account.SetSearchCap(20) // a search ends with its first page
				b.schema()
				q := connector.Query{Object: contacts, Fields: []string{"email"}, Limit: limit}
				b.read(&q)
				time.Sleep(time.Minute)
				want := b.contacts(150) // in a bubble no time passes meanwhile
				time.Sleep(time.Minute)
				want = append(want, b.put(contacts, "", "email", "last@example.com"))
				later()
				got, _ := b.read(&q)
				if seen := unique(got); len(seen) != len(want) {
					b.Errorf("%d of %d records", len(seen), len(want))
				}
				if n := b.count("/", func() { b.read(&q) }); n != 1 {
					b.Errorf("an idle read took %d requests", n)
				}
			})
		})
	}
}

// What the index shows late, behind what was read already, is found by a whole pass.
func TestLateIndexedRowsAreFound(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{20 * time.Second, time.Minute, 7 * time.Minute, time.Hour} {
		t.Run(every.String(), func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(b *bench) {
				b.schema()
				old := b.contacts(1)[0]
				q := connector.Query{Object: contacts, Fields: []string{"city"}}
				b.read(&q)
				seen := map[string]string{}
				note := func() {
					got, _ := b.read(&q)
					for _, c := range got {
						seen[c.ID] = c.Fields["city"].Text()
					}
				}
				want := map[string]string{}
				for i := range 40 {
					id := b.put(contacts, "", "email", fmt.Sprintf("late%d@example.com", i), "city", "Athens")
					want[id], want[old] = "Athens", fmt.Sprint("city ", i)
					b.account.IndexLate(contacts, id, 4*time.Minute)
					b.put(contacts, old, "city", want[old])
					if i%2 == 0 {
						b.account.IndexLate(contacts, old, 3*time.Minute)
					}
					time.Sleep(every / 3)
					want[b.put(contacts, "", "email", fmt.Sprintf("now%d@example.com", i), "city", "Bonn")] = "Bonn"
					time.Sleep(every - every/3)
					note()
				}
				for range 4 {
					time.Sleep(overlap)
					note()
				}
				if d := cmp.Diff(want, seen); d != "" {
					b.Errorf("seen (-want +got):\n%s", d)
				}
			})
		})
	}
}

// Rows that move to the end while pages are read must not shift others past the reader.
func TestChangesWhilePagingAreNotSkipped(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{NoLimits: true, PageSize: 5}, func(b *bench) {
		b.schema()
		b.account.SetSearchLag(0)
		q := connector.Query{Object: contacts, Fields: []string{"lastname"}}
		b.read(&q)
		var want []string
		for i := range 60 {
			time.Sleep(time.Second)
			want = append(want, b.put(contacts, "", "email", fmt.Sprintf("p%d@example.com", i)))
		}
		seen := map[string]string{}
		for i := 0; ; i++ {
			p, err := b.Source.Changes(b.Context(), q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range p.Changes {
				seen[c.ID] = c.Fields["lastname"].Text()
			}
			if q.Cursor = p.Next; !p.More {
				break
			}
			time.Sleep(time.Second)
			if i < 10 {
				b.put(contacts, want[i*2], "lastname", "moved")
			}
		}
		if len(seen) != len(want) {
			b.Errorf("%d of %d records", len(seen), len(want))
		}
		for i := range 10 {
			if seen[want[i*2]] != "moved" {
				b.Errorf("the edit of %s is not known", want[i*2])
			}
		}
	})
}

func TestSweepShowsTheBin(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 2}, func(b *bench) {
		all := b.contacts(7)
		for _, id := range all[:5] {
			if err := b.account.Remove(contacts, id); err != nil {
				b.Fatal(err)
			}
		}
		q := connector.Query{Object: contacts, Fields: []string{}}
		for range 2 { // the cursor of the end begins again
			got, pages := b.read(&q)
			if !slices.Equal(ids(got), all[:5]) || pages[len(pages)-1].Complete {
				b.Errorf("the sweep: %v", ids(got))
			}
			for _, c := range got {
				if c.Fate != connector.Archived || c.Modified.IsZero() {
					b.Errorf("%s: fate %q of %v", c.ID, c.Fate, c.Modified)
				}
			}
		}
	})
}

func TestMergedRecordsAreFollowed(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint("the primary id is kept: ", keep), func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(b *bench) {
				b.account.KeepPrimaryID(keep)
				all := b.contacts(3)
				q := connector.Query{Object: contacts, Fields: []string{"email"}}
				b.read(&q)
				time.Sleep(2 * overlap)
				into, err := b.account.Merge(contacts, all[0], all[1])
				if err != nil {
					b.Fatal(err)
				}
				later()
				got, _ := b.read(&q)
				told := unique(got)
				if told[all[1]].Fate != connector.Merged || told[all[1]].Into[0].ID != into || told[into].Fate != connector.Present {
					b.Errorf("changes: %+v", got)
				}
				read, err := b.Reader.Read(b.Context(), contacts, []string{all[2], all[1], "999", all[0], "x1"})
				if err != nil {
					b.Fatal(err)
				}
				if !slices.Equal(ids(read), []string{all[2], all[1], "999", all[0], "x1"}) {
					b.Errorf("order: %v", ids(read))
				}
				if read[1].Fate != connector.Merged || read[1].Into[0] != (record.Ref{Object: contacts, ID: into}) {
					b.Errorf("the loser: %+v", read[1])
				}
				if read[2].Fate != connector.Deleted || read[4].Fate != connector.Deleted {
					b.Errorf("what never was: %q %q", read[2].Fate, read[4].Fate)
				}
				if (read[3].Fate == connector.Present) != keep {
					b.Errorf("the winner: %q", read[3].Fate)
				}
			})
		})
	}
}

func TestReadTellsTheBinFromTheGone(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		all := b.contacts(3)
		for _, id := range all[:2] {
			if err := b.account.Remove(contacts, id); err != nil {
				b.Fatal(err)
			}
		}
		if err := b.account.Purge(contacts, all[1]); err != nil {
			b.Fatal(err)
		}
		got, err := b.Reader.Read(b.Context(), contacts, all)
		if err != nil {
			b.Fatal(err)
		}
		if got[0].Fate != connector.Archived || got[1].Fate != connector.Deleted || got[2].Fate != connector.Present {
			b.Errorf("fates: %q %q %q", got[0].Fate, got[1].Fate, got[2].Fate)
		}
		if err := b.account.Restore(contacts, all[0]); err != nil {
			b.Fatal(err)
		}
		if got, err := b.Reader.Read(b.Context(), contacts, all[:1]); err != nil || got[0].Fate != connector.Present {
			b.Errorf("after a person restored it: %v %v", got, err)
		}
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		ann := b.put(contacts, "", "email", "Ann@Example.com", "phone", "+30 210", "vat_id", "EL1")
		bob := b.put(contacts, "", "email", "bob@example.com", "phone", "+30 210", propKey, "k7")
		second := b.put(contacts, "", "email", "ann2@example.com")
		kim := b.put(owners, "", "email", "kim@example.com")
		into, err := b.account.Merge(contacts, ann, second)
		if err != nil {
			b.Fatal(err)
		}
		later()
		for _, c := range []struct {
			object, field string
			values, want  []string
		}{
			{contacts, "email", []string{"ANN@example.com ", "nobody@example.com", "bob@example.com"}, []string{bob, into}},
			{contacts, "email", []string{"ann2@example.com"}, []string{into}}, // a second address
			{contacts, "email", []string{"ann@example.com", "ann2@example.com"}, []string{into}},
			{contacts, "email", nil, nil},
			{contacts, propKey, []string{"k7", "k8"}, []string{bob}},
			{contacts, "phone", []string{"+30 210"}, []string{bob, into}},
			{contacts, "vat_id", []string{"el1", "", "EL2"}, []string{into}},
			{owners, "email", []string{"KIM@example.com"}, []string{kim}},
		} {
			got, err := b.Finder.Find(b.Context(), c.object, c.field, c.values)
			if err != nil {
				b.Fatal(err)
			}
			var found []string
			for _, r := range got {
				found = append(found, r.ID)
			}
			slices.Sort(found)
			if !slices.Equal(found, c.want) {
				b.Errorf("%s by %s %v: %v, want %v", c.object, c.field, c.values, found, c.want)
			}
		}
		_, err = b.Finder.Find(b.Context(), contacts, "city", []string{"Athens"})
		b.wantKind(err, connector.Unsupported)
	})
}

func TestFindManyLongValues(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		var values []string
		for i := range 100 {
			values = append(values, fmt.Sprintf("%s%d.example", strings.Repeat("x", 60), i))
			b.put(companies, "", "domain", values[i])
		}
		later()
		got, err := b.Finder.Find(b.Context(), companies, "domain", values)
		if err != nil || len(got) != 100 {
			b.Errorf("%d records, %v", len(got), err)
		}
	})
}

// With very many properties neither an address nor a search holds all names.
func TestManyPropertiesAreAskedForById(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		for i := range 150 {
			name := fmt.Sprintf("a_property_with_quite_a_long_name_%d", i)
			if err := b.account.AddProperty(contacts, name, "string/text", false); err != nil {
				b.Fatal(err)
			}
		}
		b.schema()
		b.put(contacts, "", "email", "a@example.com", "a_property_with_quite_a_long_name_149", "yes")
		b.contacts(120)
		q := connector.Query{Object: contacts}
		got, _ := b.read(&q)
		if len(got) != 121 || got[0].Fields["a_property_with_quite_a_long_name_149"].Text() != "yes" {
			b.Errorf("%d records, %v", len(got), got[0].Fields)
		}
		time.Sleep(time.Second)
		b.put(contacts, got[0].ID, "a_property_with_quite_a_long_name_0", "also")
		later()
		changes, _ := b.read(&q)
		if unique(changes)[got[0].ID].Fields["a_property_with_quite_a_long_name_0"].Text() != "also" {
			b.Errorf("%d changes", len(changes))
		}
	})
}

func TestPropertyThatWasArchivedIsAbsentNotEmpty(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		b.put(contacts, "", "email", "a@example.com", "notes", "kept")
		b.account.ArchiveProperty(contacts, "notes") // after the schema was read
		q := connector.Query{Object: contacts}
		got, _ := b.read(&q)
		if v, known := got[0].Fields["notes"]; known {
			b.Errorf("an archived property reads %q (R11)", v)
		}
	})
}

func TestReadsStayWithinTheLimits(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		q := connector.Query{Object: contacts, Fields: []string{"email"}}
		b.read(&q)
		began := time.Now()
		for range 50 {
			b.read(&q)
		}
		if took := time.Since(began); took < 9*time.Second {
			b.Errorf("50 searches took %v, at five a second", took)
		}
		for range 400 {
			if _, err := b.Reader.Read(b.Context(), companies, []string{"1"}); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range b.account.Calls() {
			if c.Status == http.StatusTooManyRequests {
				b.Fatalf("%s %s was too much", c.Method, c.Path)
			}
		}
	})
}

// Other apps spend the same limit; the answers' headers tell.
func TestPaceFollowsTheHeaders(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		other := &bench{T: b.T, account: b.account}
		other.open(nil)
		for range 150 {
			if _, err := other.Source.Changes(b.Context(), connector.Query{Object: owners}); err != nil {
				b.Fatal(err)
			}
		}
		for range 100 {
			if _, err := b.Source.Changes(b.Context(), connector.Query{Object: owners}); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range b.account.Calls() {
			if c.Status == http.StatusTooManyRequests {
				b.Fatalf("%s %s was too much", c.Method, c.Path)
			}
		}
	})
}
