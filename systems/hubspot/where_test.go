package hubspot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// satisfies is what the hub asks of a record.
func satisfies(f record.Fields, where []connector.Cond) bool {
	return !slices.ContainsFunc(where, func(c connector.Cond) bool {
		v := f[c.Field]
		switch c.Op {
		case connector.In:
			return !slices.Contains(c.Values, v.Text())
		case connector.NotIn:
			return !v.IsEmpty() && slices.Contains(c.Values, v.Text())
		case connector.Filled:
			return v.IsEmpty()
		default:
			return !v.IsEmpty()
		}
	})
}

// Too much may be returned, too little never: whatever the conditions, what was written
// just before, and however small the pages.
func TestConditionsNeverReturnTooLittle(t *testing.T) {
	t.Parallel()
	values := map[string][]string{
		"lifecyclestage": {"lead", "customer", "opportunity"}, "newsletter": {"true", "false"},
		"hubspot_owner_id": {"77001", "77002"}, "city": {"Athens", "athens"}, "interests": {"bath"}, "email": {"c1@example.com"},
	}
	cond := rapid.Custom(func(t *rapid.T) connector.Cond {
		field := rapid.SampledFrom([]string{"lifecyclestage", "newsletter", "hubspot_owner_id", "city", "interests", "email"}).Draw(t, "field")
		op := rapid.SampledFrom([]connector.CondOp{connector.In, connector.In, connector.NotIn, connector.Filled, connector.Empty}).Draw(t, "op")
		c := connector.Cond{Field: field, Op: op}
		if op == connector.In || op == connector.NotIn {
			c.Values = rapid.SliceOfNDistinct(rapid.SampledFrom(values[field]), 1, min(4, len(values[field])), rapid.ID).Draw(t, "values")
		}
		return c
	})
	rapid.Check(t, func(rt *rapid.T) {
		where := rapid.SliceOfN(cond, 1, 3).Draw(rt, "where")
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		missing := ""
		inBubble(t, twin.Options{NoLimits: true}, func(b *bench) { missing = b.missing(where, limit) })
		if missing != "" {
			rt.Fatal(missing)
		}
	})
}

// missing lists what satisfies conditions and returns what did not come.
func (b *bench) missing(where []connector.Cond, limit int) string {
	b.Helper()
	kim, lee := b.put(owners, "", "email", "kim@example.com"), b.put(owners, "", "email", "lee@example.com")
	b.account.SetSearchCap(5) // a search ends early
	stages := []string{"", "lead", "customer", "opportunity"}
	for i := range 24 {
		b.put(contacts, "", "email", fmt.Sprintf("c%d@example.com", i), "lifecyclestage", stages[i%4],
			"newsletter", []string{"", "true", "false"}[i%3], "hubspot_owner_id", []string{"", kim, lee}[i%5%3], "city", []string{"", "Athens"}[i%2])
	}
	if _, _, err := b.Describe.SchemaOf(b.Context(), []string{contacts}); err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * overlap) // the feed does not go back that far
	b.put(contacts, "", "email", "late@example.com", "lifecyclestage", "customer", "newsletter", "true")
	q := connector.Query{Object: contacts, Where: where, Limit: limit}
	got, pages := b.read(&q)
	q.Where = nil
	later()
	feed, _ := b.read(&q) // what the index did not show in time
	seen := unique(slices.Concat(got, feed))
	for _, r := range b.account.Rows(contacts) {
		f := record.Fields{}
		for name, text := range r.Fields {
			f[name] = record.Text(text)
		}
		if _, ok := seen[r.ID]; !ok && satisfies(f, where) {
			return fmt.Sprintf("%s is missing: %v", r.ID, r.Fields)
		}
	}
	if picked := len(b.matching("/search")) > 1; picked && len(got) < 24 && pages[len(pages)-1].Complete {
		return "what was picked proves nothing"
	}
	return ""
}

func TestConditionsAreSearched(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		all := b.contacts(250)
		b.put(contacts, all[7], "lifecyclestage", "customer", "newsletter", "true")
		b.put(contacts, all[9], "lifecyclestage", "lead", "newsletter", "true")
		b.put(contacts, all[11], "lifecyclestage", "lead")
		b.schema()
		later()
		list := func(where ...connector.Cond) (got []string, searches int) {
			searches = b.count("/search", func() {
				changes, _ := b.read(&connector.Query{Object: contacts, Fields: []string{"email"}, Where: where})
				got = ids(changes)
			})
			return got, searches
		}
		stage := connector.Cond{Field: "lifecyclestage", Op: connector.In, Values: []string{"lead", "customer"}}
		news := connector.Cond{Field: "newsletter", Op: connector.Filled}
		if got, n := list(stage, news); n != 1 || !slices.Equal(got, []string{all[7], all[9]}) {
			b.Errorf("%v in %d searches", got, n)
		}
		for _, c := range []connector.Cond{
			{Field: "city", Op: connector.In, Values: []string{"Athens"}},
			{Field: "lifecyclestage", Op: connector.NotIn, Values: []string{"lead"}},
			{Field: "lifecyclestage", Op: connector.Empty},
			{Field: "lifecyclestage", Op: connector.In, Values: []string{"lead", ""}},
			{Field: "lifecyclestage", Op: connector.In, Values: []string{"a", "b", "c", "d", "e", "f"}},
			{Field: propCompany, Op: connector.Filled}, {Field: "none", Op: connector.Filled},
		} {
			if got, n := list(c); n != 0 || len(got) != 250 {
				b.Errorf("%+v: %d records in %d searches", c, len(got), n)
			}
		}
	})
}
