package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// couple returns the ids of the n-th person that both sides have.
func (d *demo) couple(ctx context.Context, n int) (erp, crm string, err error) {
	erp = d.erp.people[3*(d.crm.firstNo-d.erp.firstNo)+n]
	links, err := d.store.LinksOf(ctx, "contacts", record.Left, []string{erp})
	if err != nil {
		return "", "", fmt.Errorf("find a pair: %w", err)
	}
	l, ok := links[erp]
	if !ok || l.Closed != "" {
		return "", "", fmt.Errorf("person %d has no partner", n)
	}
	return erp, l.IDs[record.Right], nil
}

// edit lets a person change one field.
func (d *demo) edit(s *side, id, common, value string) error {
	if _, err := s.twin.Put(s.person.Name, id, map[string]string{s.wire(common): value}); err != nil {
		return fmt.Errorf("edit at %s: %w", s.title, err)
	}
	return nil
}

// edits shows that edits of different fields on both sides survive.
func (d *demo) edits(ctx context.Context) error {
	if err := d.head("Two people edit the same contact, each in their own system"); err != nil {
		return err
	}
	left, right, err := d.couple(ctx, 1)
	if err != nil {
		return err
	}
	if err := d.edit(&d.erp, left, "job_title", "Διευθύντρια πωλήσεων"); err != nil {
		return err
	}
	if err := d.edit(&d.crm, right, "mobile", "+30 694 123 4567"); err != nil {
		return err
	}
	since := time.Now()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.changes(ctx, since); err != nil {
		return err
	}
	erp, crm := d.erp.row(left), d.crm.row(right)
	for _, common := range []string{"job_title", "mobile"} {
		l, r := erp[d.erp.wire(common)], crm[d.crm.wire(common)]
		verdict := "so both have it"
		if l == "" || r == "" {
			verdict = "so somebody lost an edit"
		}
		if err := d.say("  %s: %s has %q, %s has %q, %s.", common, d.erp.title, l, d.crm.title, r, verdict); err != nil {
			return err
		}
	}
	return d.agreed(reports)
}

// conflict shows two edits of one field: who wins, why, and that the loser is kept.
func (d *demo) conflict(ctx context.Context) error {
	if err := d.head("Two people edit the same field"); err != nil {
		return err
	}
	left, right, err := d.couple(ctx, 4)
	if err != nil {
		return err
	}
	kit := d.erp.twin.Kit()
	kit.Skew(-time.Minute) // the first edit was a minute ago
	if err := d.edit(&d.erp, left, "city", "Πειραιάς"); err != nil {
		return err
	}
	kit.Skew(0)
	if err := d.edit(&d.crm, right, "city", "Θεσσαλονίκη"); err != nil {
		return err
	}
	if err := d.say("In %s the city became %q a minute ago, in %s %q just now.", d.erp.title, d.erp.row(left)[d.erp.wire("city")], d.crm.title, d.crm.row(right)[d.crm.wire("city")]); err != nil {
		return err
	}
	since := time.Now()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.verdict(ctx, since); err != nil {
		return err
	}
	return d.agreed(reports)
}

// verdict tells from the journal how a conflict ended.
func (d *demo) verdict(ctx context.Context, since time.Time) error {
	entries, err := d.store.History(ctx, store.HistoryQuery{Sync: "contacts", Since: since.Add(-time.Millisecond), Limit: 50})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	told := false
	for _, e := range entries {
		if e.Kind != store.Overruled {
			continue
		}
		told = true
		if err := d.say("  %s holds now (%s). %s's %s is not lost: it is in the journal, and tandem revert %d brings it back.", quote(e.New), e.Why, entryRecord(e), quote(e.Old), e.ID); err != nil {
			return err
		}
	}
	if !told {
		return d.say("  There was no conflict.")
	}
	return nil
}

func quote(v record.Value) string { return fmt.Sprintf("%q", v.String()) }

// duplicate shows a person who is entered a second time: nothing is doubled, somebody is
// asked, and the question goes away when the duplicate does.
func (d *demo) duplicate(ctx context.Context) error {
	if err := d.head("Somebody enters a person who is there already"); err != nil {
		return err
	}
	left, _, err := d.couple(ctx, 7)
	if err != nil {
		return err
	}
	fields := d.erp.row(left)
	again, err := d.erp.twin.Put(d.erp.person.Name, "", map[string]string{
		d.erp.wire("last_name"): fields[d.erp.wire("last_name")], d.erp.wire("email"): fields[d.erp.wire("email")]})
	if err != nil {
		return fmt.Errorf("enter a person twice: %w", err)
	}
	people := len(d.crm.twin.Rows(d.crm.person.Name))
	if _, err := d.run(ctx); err != nil {
		return err
	}
	if err := d.say("%s has %s more than before. In the review queue:", d.crm.title, plural(len(d.crm.twin.Rows(d.crm.person.Name))-people, "person", "people")); err != nil {
		return err
	}
	items, err := d.store.Reviews(ctx, store.ReviewQuery{Sync: "contacts", Open: true})
	if err != nil {
		return fmt.Errorf("read the review queue: %w", err)
	}
	for _, item := range items {
		if err := d.say("  %s.\n  What to do: %s.", item.Text, item.Fix); err != nil {
			return err
		}
	}
	if err := d.edit(&d.erp, again, "email", "another."+fields[d.erp.wire("email")]); err != nil {
		return err
	}
	since := time.Now()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	if err := d.say("It turns out to be a relative of the same name, who gets an address of their own:"); err != nil {
		return err
	}
	if err := d.changes(ctx, since); err != nil {
		return err
	}
	return d.agreed(reports)
}

// outage shows a vendor that is busy, then breaks off in the middle of a write.
func (d *demo) outage(ctx context.Context) error {
	if err := d.head("The CRM has a bad minute"); err != nil {
		return err
	}
	for n := range 12 {
		if err := d.edit(&d.erp, d.erp.people[n], "job_title", "Einkauf "+count(n+1)); err != nil {
			return err
		}
	}
	kit := d.crm.twin.Kit()
	busy := kit.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: time.Second, Times: 1})
	down := kit.Inject(twin.Fault{Kind: twin.FaultUnavailable, Method: http.MethodPost, Wait: time.Second, After: 1, Times: 1})
	since, written := time.Now(), d.written()
	reports, err := d.run(ctx)
	if err != nil {
		return err
	}
	busy.Remove()
	down.Remove()
	for _, r := range reports {
		if r.Right.Updated == 0 {
			continue
		}
		if err := d.say("%s told us %s to come back later and was %s out of order. After %s, %s had been changed there in %s, none of them twice: its ledger has %s.",
			d.crm.title, times(busy.Hits()), times(down.Hits()), took(time.Since(since)),
			plural(r.Right.Updated, "person", "people"), plural(r.Right.Calls, "call", "calls"), plural(d.written()-written, "write", "writes")); err != nil {
			return err
		}
	}
	return d.agreed(reports)
}

// An officeSync is a sync of the first pair, with the objects of both sides.
type officeSync struct {
	name        string
	left, right record.Object
}

func (d *demo) officeSyncs() []officeSync {
	return []officeSync{{"companies", d.erp.company, d.crm.company}, {"contacts", d.erp.person, d.crm.person}}
}

// compare reads both twins as people see them, past everything that Tandem believes, and
// compares every pair in every field that both have.
func (d *demo) compare(ctx context.Context) error {
	if err := d.head("In the end"); err != nil {
		return err
	}
	for _, sync := range d.officeSyncs() {
		left, right := rowsByID(d.erp.twin, sync.left.Name), rowsByID(d.crm.twin, sync.right.Name)
		pairs, values, differ, err := d.comparePairs(ctx, d.store, sync.name, sync.left, sync.right, left, right)
		if err != nil {
			return err
		}
		if err := d.say("%s: %s in %s, %s in %s, %s. Read from the two systems themselves: %s compared, %s.", sync.name,
			count(len(left)), d.erp.title, count(len(right)), d.crm.title, plural(pairs, "pair", "pairs"), plural(values, "value", "values"), differing(differ)); err != nil {
			return err
		}
	}
	return nil
}

// times is how often in a sentence.
func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return count(n) + " times"
	}
}

func differing(n int) string {
	if n == 0 {
		return "all of them equal"
	}
	return plural(n, "of them differs", "of them differ")
}

func rowsByID(t twin.Twin, object string) map[string]map[string]string {
	rows := map[string]map[string]string{}
	for _, r := range t.Rows(object) {
		rows[r.ID] = r.Fields
	}
	return rows
}

func (d *demo) comparePairs(ctx context.Context, st *store.Store, sync string, lo, ro record.Object, left, right map[string]map[string]string) (pairs, values, differ int, err error) {
	links, err := st.Links(ctx, sync, 0, 1<<20)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("read links: %w", err)
	}
	for _, l := range links {
		if l.Closed != "" {
			continue
		}
		pairs++
		for _, lf := range lo.Fields {
			rf, ok := ro.ByCommon(lf.Common)
			if lf.Common == "" || !ok || lf.To != "" || !lf.Writable() || !rf.Writable() {
				continue
			}
			values++
			if same := sameText(lf, rf, left[l.IDs[0]][lf.Name], right[l.IDs[1]][rf.Name], d.plan.Country); !same {
				differ++
			}
		}
	}
	return pairs, values, differ, nil
}

func sameText(lf, rf record.Field, l, r, country string) bool {
	return l == r || record.Normal(lf, record.Text(l), country) == record.Normal(rf, record.Text(r), country)
}
