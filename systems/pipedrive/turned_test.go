package pipedrive

import (
	"slices"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A lead that became a deal, and a deal that became a lead, are deleted and went on: that is no
// deletion (R24). It is learnt from the feed, from a webhook, or from the other object.
func TestAConvertedRecordIsNotDeleted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ object, other, learnt string }{
		{leads, deals, "by asking"}, {deals, leads, "by asking"},
		{leads, deals, "by a feed"}, {deals, leads, "by a feed"},
		{leads, deals, "by a webhook"}, {deals, leads, "by a webhook"},
	} {
		inBubble(t, twin.Options{}, func(b *bench) {
			id := b.put(c.object, "", "title", "Pumps", "person_id", "1")
			gone := b.put(c.object, "", "title", "Valves", "person_id", "1")
			own, others := &connector.Query{Object: c.object}, &connector.Query{Object: c.other}
			b.read(own)
			b.read(others)
			box := subscribed(b)
			time.Sleep(time.Hour)
			into, err := b.company.Convert(c.object, id)
			if err != nil {
				b.Fatal(err)
			}
			if err := b.company.Remove(c.object, gone); err != nil {
				b.Fatal(err)
			}
			former := record.Ref{Object: c.object, ID: id}
			switch c.learnt {
			case "by a feed":
				b.read(others)
			case "by a webhook":
				if box.deliver(twin.HookFaults{}); !slices.Contains(box.hints, former) {
					b.Errorf("hints: %v", box.hints)
				}
			}
			turned := func(what string, got connector.Change) {
				if got.Fate != connector.Converted || len(got.Into) != 1 || got.Into[0] != (record.Ref{Object: c.other, ID: into}) {
					b.Errorf("%s %s: %s reads %+v", c.object, c.learnt, what, got)
				}
			}
			asked := b.company.Count("GET", "/v1/leads") + b.company.Count("GET", "/api/v2/deals")
			turned("the former one", b.one(c.object, id))
			if n := b.company.Count("GET", "/v1/leads") + b.company.Count("GET", "/api/v2/deals") - asked; c.learnt == "by a webhook" && n > 2 {
				b.Errorf("%s %s: %d calls for what was known", c.object, c.learnt, n)
			}
			if got := b.one(c.object, gone).Fate; got == connector.Converted || got == connector.Present {
				b.Errorf("%s %s: what was deleted reads %q", c.object, c.learnt, got)
			}
			if c.object == deals { // its feed tells of deletions, too
				for _, got := range b.read(own) {
					if got.ID == id {
						turned("the feed", got)
					}
				}
			}
			b.open(nil) // after a restart it is still known
			turned("after a restart", b.one(c.object, id))
		})
	}
}

// Who may not see deals cannot tell a lead that became one from a lead that was deleted (R21).
func TestWhatALeadBecameMayBeHidden(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(leads, "", "title", "Pumps", "person_id", "1")
		b.fieldsKnown(leads)
		if _, err := b.company.Convert(leads, id); err != nil {
			b.Fatal(err)
		}
		b.company.Revoke("deals:read")
		if c := b.one(leads, id); c.Fate != connector.Left {
			b.Errorf("reads %+v", c)
		}
	})
}
