package pipedrive

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/twin"
)

// A condition that the vendor can select by narrows the listing, proves nothing about what
// is not shown, and has no effect on what is read later (C4, R21).
func TestConditionsNarrowTheListingOnly(t *testing.T) {
	t.Parallel()
	in := func(field string, values ...string) connector.Cond {
		return connector.Cond{Field: field, Op: connector.In, Values: values}
	}
	for _, c := range []struct {
		object string
		other  []string // what a record has that does not satisfy them
		mine   []string
		where  []connector.Cond
		asked  string // of the vendor
	}{
		{deals, []string{"title", "A", "stage_id", "1"}, []string{"title", "B", "stage_id", "6"}, []connector.Cond{in(fieldStage, "6")}, "stage_id=6"},
		{deals, []string{"title", "A", "status", "won"}, []string{"title", "B"}, []connector.Cond{in(fieldStatus, "open", "lost")}, "status=open%2Clost"},
		{leads, []string{"title", "A", "person_id", "2"}, []string{"title", "B", "person_id", "1"}, []connector.Cond{in(fieldPerson, "1")}, "person_id=1"},
		{activities, []string{"subject", "A", "done", "true"}, []string{"subject", "B"}, []connector.Cond{in("done", "false")}, "done=false"},
		{notes, []string{"content", "A", "person_id", "2"}, []string{"content", "B", "person_id", "1"}, []connector.Cond{in(fieldPerson, "1")}, "person_id=1"},
		{deals, nil, []string{"title", "B"}, []connector.Cond{in("title", "B"), in(fieldStage, "1", "2"), {Field: "probability", Op: connector.Empty}}, ""},
	} {
		inBubble(t, twin.Options{PageSize: 2}, func(b *bench) {
			b.put(persons, "", "name", "Second")
			mine := []string{b.put(c.object, "", c.mine...), b.put(c.object, "", c.mine...), b.put(c.object, "", c.mine...)}
			slices.Sort(mine)
			other := ""
			if c.other != nil {
				other = b.put(c.object, "", c.other...)
			}
			q := connector.Query{Object: c.object, Where: c.where}
			var got []connector.Change
			for more := true; more; {
				page, err := b.Source.Changes(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				if page.Complete && c.asked != "" {
					b.Errorf("%s: what was narrowed is no proof", c.object)
				}
				got, q.Cursor, more = append(got, page.Changes...), page.Next, page.More
			}
			if !slices.Equal(ids(got), mine) {
				b.Errorf("%s: %v, want %v", c.object, ids(got), mine)
			}
			asked := slices.ContainsFunc(b.company.Calls(), func(call twin.Call) bool { return strings.Contains(call.Query, c.asked) })
			if !asked {
				b.Errorf("%s: %s was not asked", c.object, c.asked)
			}
			if other == "" {
				return
			}
			time.Sleep(time.Hour)
			b.put(c.object, other, c.other[0], "Changed")
			if got := ids(b.read(&q)); !slices.Contains(got, other) {
				b.Errorf("%s: a change of another record is not told: %v", c.object, got)
			}
		})
	}
}
