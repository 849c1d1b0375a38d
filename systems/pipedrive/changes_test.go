package pipedrive

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// Records that changed in one second, more than a page holds, come once and all of them.
func TestManyChangesOfOneSecondAreAllRead(t *testing.T) {
	t.Parallel()
	for _, object := range []string{persons, leads, notes, products} {
		inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
			time.Sleep(time.Hour)
			q := &connector.Query{Object: object}
			b.read(q)
			time.Sleep(time.Hour)
			var all []string
			for i := range 20 {
				fields := []string{"name", fmt.Sprint("Ann ", i)}
				switch object {
				case leads:
					fields = []string{"title", "Lead", "person_id", "1"}
				case notes:
					fields = []string{"content", "Note", "person_id", "1"}
				}
				all = append(all, b.put(object, "", fields...))
			}
			slices.Sort(all)
			if got := ids(b.read(q)); !slices.Equal(got, all) {
				b.Errorf("%s: read %v, want %v", object, got, all)
			}
		})
	}
}

// Offsets move when rows are deleted or changed between two pages. Notes have offsets only.
func TestNoNoteIsSkippedWhateverHappensBetweenPages(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
		var all []string
		for range 12 {
			all = append(all, b.put(notes, "", "content", "<p>Note</p>", "person_id", "1"))
			time.Sleep(time.Second)
		}
		q := &connector.Query{Object: notes}
		seen := map[string]bool{}
		removed := 0
		for more := true; more; {
			page, err := b.Source.Changes(b.Context(), *q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range page.Changes {
				seen[c.ID] = true
			}
			if removed < 3 { // of those that were shown
				if err := b.company.Remove(notes, all[removed]); err != nil {
					b.Fatal(err)
				}
				removed++
			}
			q.Cursor, more = page.Next, page.More
		}
		for _, id := range all[removed:] {
			if !seen[id] {
				b.Errorf("%s was skipped", id)
			}
		}
		time.Sleep(time.Hour) // and in a feed, where a change moves a row to the end
		for _, id := range all[3:] {
			b.put(notes, id, "content", "<p>Edited</p>")
			time.Sleep(time.Second)
		}
		seen = map[string]bool{}
		for n, more := 0, true; more; n++ {
			page, err := b.Source.Changes(b.Context(), *q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range page.Changes {
				seen[c.ID] = c.Fields["content"].Text() == "<p>Edited</p>" || seen[c.ID]
			}
			if n == 0 {
				b.put(notes, all[3], "content", "<p>Edited</p>")
			}
			q.Cursor, more = page.Next, page.More
		}
		for _, id := range all[3:] {
			if !seen[id] {
				b.Errorf("the change of %s was skipped", id)
			}
		}
	})
}

// Records that show no time of change are in listings and sweeps, and when they are read.
func TestARecordWithoutATimeOfChangeIsRead(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann")
		if err := b.company.Forget(persons, id); err != nil {
			b.Fatal(err)
		}
		for _, fields := range [][]string{nil, {}} {
			if got := ids(b.read(&connector.Query{Object: persons, Fields: fields})); !slices.Contains(got, id) {
				b.Errorf("a listing of %v shows %v", fields, got)
			}
		}
		c := b.one(persons, id)
		if c.Fate != connector.Present || !c.Modified.Equal(c.Created) || c.Version == "" {
			b.Errorf("%+v", c)
		}
	})
}

// What was archived is not in the usual list. It is read with the listing, and from then on
// a quarter of an hour after the last time.
func TestArchivedDealsAndLeadsAreRead(t *testing.T) {
	t.Parallel()
	for object, face := range map[string]string{deals: "title", leads: "title"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			old := b.put(object, "", face, "Old", "is_archived", "true", "person_id", "1")
			live := b.put(object, "", face, "Live", "person_id", "1")
			time.Sleep(2 * overlap)
			q := &connector.Query{Object: object}
			all := []string{old, live}
			slices.Sort(all)
			if got := ids(b.read(q)); !slices.Equal(got, all) {
				b.Fatalf("%s: the listing shows %v, want %v", object, got, all)
			}
			if got := ids(b.read(&connector.Query{Object: object, Fields: []string{}})); !slices.Equal(got, all) {
				b.Errorf("%s: the sweep shows %v, want %v", object, got, all)
			}
			time.Sleep(5 * time.Minute)
			b.set(object, live, record.Fields{fieldArchived: record.Bool(true)})
			if got := b.read(q); len(got) != 0 {
				b.Errorf("%s: told too early: %v", object, ids(got))
			}
			time.Sleep(archive)
			if got := ids(b.read(q)); !slices.Equal(got, []string{live}) {
				b.Errorf("%s: %v, want what was archived", object, got)
			}
			if c := b.one(object, live); c.Fate != connector.Present || !c.Fields[fieldArchived].Bool() {
				b.Errorf("%s: archived reads %+v", object, c)
			}
		})
	}
}

// Call logs are listed from the beginning, and therefore once a day only.
func TestCallLogsAreReadOnceADay(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
		call := func() string {
			return b.put(callLogs, "", "to_phone_number", "1", "outcome", "busy", "start_time", "2026-03-05T09:30:00Z", "end_time", "2026-03-05T09:31:00Z")
		}
		all := []string{call(), call(), call(), call(), call()}
		q := &connector.Query{Object: callLogs}
		if got := ids(b.read(q)); !slices.Equal(got, all) {
			b.Fatalf("%v, want %v", got, all)
		}
		all = append(all, call())
		calls := b.company.Count("", "")
		for range 20 {
			time.Sleep(time.Hour)
			b.read(q)
		}
		if n := b.company.Count("", "") - calls; n != 0 {
			b.Errorf("%d calls within a day", n)
		}
		time.Sleep(5 * time.Hour)
		if got := ids(b.read(q)); !slices.Equal(got, all) {
			b.Errorf("a day later %v, want %v", got, all)
		}
	})
}

// Records that were never changed have no time, and stand before all others where the newest
// come first, as archived leads do: they end no reading of what is new.
func TestLeadsWithoutATimeHideNoChange(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 2}, func(b *bench) {
		put := func() string {
			return b.put(leads, "", "title", "Old", "person_id", "1", "is_archived", "true")
		}
		for range 5 {
			if err := b.company.Forget(leads, put()); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		q := &connector.Query{Object: leads}
		b.read(q)
		time.Sleep(time.Hour)
		made, changed := put(), put()
		if err := b.company.Forget(leads, made); err != nil {
			b.Fatal(err)
		}
		want := []string{made, changed}
		slices.Sort(want)
		if got := ids(b.read(q)); !slices.Equal(got, want) {
			b.Errorf("read %v, want %s that was made and %s that was changed", got, made, changed)
		}
	})
}

// A user without a time of change may have changed at any time, and is told each time.
func TestUsersWithoutATimeAreToldEachTime(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		time.Sleep(time.Hour)
		q := &connector.Query{Object: users}
		b.read(q)
		time.Sleep(time.Hour)
		if err := b.company.Forget(users, "1"); err != nil {
			b.Fatal(err)
		}
		if got := ids(b.read(q)); !slices.Equal(got, []string{"1"}) {
			b.Errorf("read %v", got)
		}
	})
}

// An archived deal that was deleted is told by the feed like any other.
func TestADeletedArchivedDealIsTold(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(deals, "", "title", "Old", "is_archived", "true")
		q := &connector.Query{Object: deals}
		b.read(q)
		time.Sleep(time.Hour)
		if err := b.company.Remove(deals, id); err != nil {
			b.Fatal(err)
		}
		if got := b.read(q); len(got) != 1 || got[0].ID != id || got[0].Fate != connector.Archived {
			b.Errorf("the feed tells %+v", got)
		}
	})
}

// Leads made in one moment, more than a page holds, are all listed although others go
// meanwhile: their ids are read in order, not their times.
func TestNoLeadIsSkippedWhateverHappensBetweenPages(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
		for range 12 {
			b.put(leads, "", "title", "Lead", "person_id", "1")
		}
		left := map[string]bool{}
		for _, r := range b.company.Rows(leads) {
			left[r.ID] = true
		}
		q := &connector.Query{Object: leads}
		for n, more := 0, true; more; n++ {
			page, err := b.Source.Changes(b.Context(), *q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range page.Changes {
				delete(left, c.ID)
				if n < 2 {
					if err := b.company.Remove(leads, c.ID); err != nil {
						b.Fatal(err)
					}
				}
			}
			q.Cursor, more = page.Next, page.More
		}
		if len(left) > 0 {
			b.Errorf("%d leads were skipped", len(left))
		}
	})
}
