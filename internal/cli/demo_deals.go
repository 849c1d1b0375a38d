package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

// demoDeals is how many people have a deal each.
const demoDeals = 12

// deals shows the other pair: a deal is dragged through its stages, and its person is seen to move
// between lists and to be told about.
func (d *demo) deals(ctx context.Context) error {
	if err := d.head("A salesperson drags a deal, and marketing hears of it"); err != nil {
		return err
	}
	all := demoConfig(d.prefer, false, demoOffice(), demoSales())
	if err := d.configure(all); err != nil {
		return err
	}
	if err := d.print("Two more systems, and this below syncs:\n\n" + indented(strings.NewReplacer("PREFER", d.prefer, "EVERY", "").Replace(demoSales().syncs))); err != nil {
		return err
	}
	if err := d.fillSales(); err != nil {
		return err
	}
	added, err := d.engine.AddFields(ctx, []string{d.mail.name})
	if err != nil {
		return fmt.Errorf("make fields: %w", err)
	}
	if err := d.runPeople(ctx); err != nil {
		return err
	}
	if err := d.say("%s lacked %s, which were made. Then %s came over: %s.", d.mail.title, plural(len(added), "attribute or list", "attributes and lists"),
		plural(len(d.mail.twin.Rows("contacts")), "person", "people"), d.members()); err != nil {
		return err
	}
	return d.drag(ctx, d.sales.people[0], d.sales.parents[0])
}

// fillSales invents people with a deal each in the first stages.
func (d *demo) fillSales() error {
	s := &d.sales
	for i := range demoDeals {
		in := inventedPerson(3 * i)
		person, err := s.twin.Put("persons", "", map[string]string{"name": in.common["first_name"] + " " + in.common["last_name"], "emails": in.common["email"]})
		if err != nil {
			return fmt.Errorf("invent a person at %s: %w", s.title, err)
		}
		deal, err := s.twin.Put("deals", "", map[string]string{
			"title": inventedCompany(i).common["name"], "person_id": person, "value": strconv.Itoa(500 * (i + 1)), "currency": "EUR", "stage_id": strconv.Itoa(1 + i%3),
		})
		if err != nil {
			return fmt.Errorf("invent a deal at %s: %w", s.title, err)
		}
		s.people, s.parents = append(s.people, person), append(s.parents, deal)
	}
	return nil
}

func (d *demo) runPeople(ctx context.Context) error {
	reports, err := d.engine.Sync(ctx, []string{"people"}, engine.SyncOptions{})
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return reports[0].Err
}

// drag moves a deal to the next stages and to its end, and tells after each step what the other
// system holds.
func (d *demo) drag(ctx context.Context, person, deal string) error {
	var t table
	t.add("THE DEAL", "THE PERSON IS ON", "TOLD AS AN EVENT")
	email := d.sales.fieldsOf("persons", person)["emails"]
	stage := d.sales.fieldsOf("deals", deal)["stage_id"]
	t.add("in stage "+stage, d.listsOf(email), "-")
	for _, step := range []struct{ what, field, value string }{{"moved to stage 2", "stage_id", "2"}, {"moved to stage 3", "stage_id", "3"}, {"won", "status", "won"}} {
		before, err := d.told(ctx)
		if err != nil {
			return err
		}
		if _, err := d.sales.twin.Put("deals", deal, map[string]string{step.field: step.value}); err != nil {
			return fmt.Errorf("drag a deal: %w", err)
		}
		if err := d.runPeople(ctx); err != nil {
			return err
		}
		now, err := d.told(ctx)
		if err != nil {
			return err
		}
		t.add(step.what, d.listsOf(email), joined(fresh(before, now)))
	}
	if err := d.print("\n" + t.text("  ")); err != nil {
		return err
	}
	contact := d.contact(email)
	open, err := strconv.Atoi(contact["OPEN_DEALS"])
	if err != nil {
		return fmt.Errorf("read the number of deals: %w", err)
	}
	return d.say("  %s knows %s by now as somebody with a lifetime value of %s and %s.", d.mail.title, contact["FULLNAME"], contact["LTV"], plural(open, "open deal", "open deals"))
}

// fresh returns what is in now and was not before.
func fresh(before, now []string) []string {
	rest := slices.Clone(now)
	for _, x := range before {
		if i := slices.Index(rest, x); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		}
	}
	return rest
}

// fieldsOf returns a record as people see it here.
func (s *side) fieldsOf(object, id string) map[string]string {
	for _, r := range s.twin.Rows(object) {
		if r.ID == id {
			return r.Fields
		}
	}
	return nil
}

func (d *demo) contact(email string) map[string]string {
	for _, r := range d.mail.twin.Rows("contacts") {
		if r.Fields["email"] == email {
			return r.Fields
		}
	}
	return nil
}

// listNames returns the names of lists by their numbers.
func (d *demo) listNames() map[string]string {
	names := map[string]string{}
	for _, l := range d.mail.twin.Rows("lists") {
		names[l.ID] = l.Fields["name"]
	}
	return names
}

// listsOf names the lists that a person is on.
func (d *demo) listsOf(email string) string {
	names := d.listNames()
	var on []string
	for id := range strings.SplitSeq(d.contact(email)["listIds"], ",") {
		if names[id] != "" {
			on = append(on, names[id])
		}
	}
	slices.Sort(on)
	return joined(on)
}

// members counts who is on which list.
func (d *demo) members() string {
	count := map[string]int{}
	for _, r := range d.mail.twin.Rows("contacts") {
		count[d.listsOf(r.Fields["email"])]++
	}
	var parts []string
	for _, list := range sortedKeys(count) {
		parts = append(parts, fmt.Sprintf("%d on %q", count[list], list))
	}
	return strings.Join(parts, ", ")
}

// told returns the events that the mailing system holds, by its own API: there is no page of them
// that people could edit.
func (d *demo) told(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://mail.demo.invalid/v3/events", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", d.mail.secret())
	res, err := twin.Transport(d.mail.twin).RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask for events: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	var answer struct {
		Events []struct {
			Name string         `json:"event_name"`
			With map[string]any `json:"event_properties"`
		} `json:"events"`
	}
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var all []string
	for _, e := range answer.Events {
		words := []string{e.Name}
		for _, name := range sortedKeys(e.With) {
			if name != "title" && name != "tandem_key" {
				words = append(words, fmt.Sprintf("%s=%v", name, e.With[name]))
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return all, nil
}
