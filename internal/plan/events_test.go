package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
)

func TestEventsAreRead(t *testing.T) {
	t.Parallel()
	src := strings.TrimRight(contacts, "\n") + `
    guard: { events: 20 }
    events:
      - { on: deals.changed.stage_id, send: deal_stage_changed, with: { from: old.stage_id, to: stage_id } }
      - { on: activities.changed.done, when: "done", send: activity_logged, with: { type: type, subject: subject } }
      - { on: contacts.merged, send: contact_merged }
`
	s, _ := parse(t, src).Sync("contacts")
	want := []mapping.EventRule{
		{On: "deals.changed.stage_id", Send: "deal_stage_changed", With: map[string]string{"from": "old.stage_id", "to": "stage_id"}},
		{On: "activities.changed.done", Send: "activity_logged", When: "done", With: map[string]string{"type": "type", "subject": "subject"}, Index: 1},
		{On: "contacts.merged", Send: "contact_merged", Index: 2},
	}
	if d := cmp.Diff(want, s.Events); d != "" {
		t.Error(d)
	}
	if s.Guard.Events != (Amount{Records: 20}) {
		t.Errorf("the guard is %+v", s.Guard.Events)
	}
	rules, err := s.RuleSet()
	s.Events = nil
	without, err2 := s.RuleSet()
	if err != nil || err2 != nil || rules != without {
		t.Errorf("R19: events write nothing to linked pairs, and would wait for approval: %v %v", err, err2)
	}
	object, what, field, ok := want[0].Split()
	if object != "deals" || what != "changed" || field != "stage_id" || !ok {
		t.Errorf("split into %q, %q, %q", object, what, field)
	}
}
