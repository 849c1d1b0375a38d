package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/internal/console"
)

const (
	// workEvery is how often somebody does something.
	workEvery = 4 * time.Second
	mostWork  = 12 // that is shown
)

// people work in all systems until ctx ends.
func (l *lab) people(ctx context.Context) error {
	ticker := time.NewTicker(workEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		l.mu.Lock()
		err := l.act()
		l.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// act does the next thing; it is called by who holds mu, as all that follows is.
func (l *lab) act() error {
	l.seq++
	switch l.seq % 5 {
	case 1, 3:
		return l.dragDeal()
	default:
		return l.editOffice()
	}
}

// did notes what somebody did, the newest first.
func (l *lab) did(s *side, right bool, who, field, value string) {
	w := console.Work{At: time.Now(), System: s.title, Right: right, Who: who, Field: field, Value: value}
	l.work = append([]console.Work{w}, l.work...)
	l.work = l.work[:min(len(l.work), mostWork)]
}

// editOffice lets somebody change a field of a person that both systems of the first pair have;
// now and then another one does that at the same time in the other system.
func (l *lab) editOffice() error {
	l.seq++
	d := l.demo
	towns := []string{"Πειραιάς", "Θεσσαλονίκη", "Köln", "Leeds", "Київ", "Πάτρα", "กรุงเทพ"}
	titles := []string{"Διευθύντρια πωλήσεων", "Einkauf", "Buyer", "Head of Sales", "Директор"}
	field, value := "city", towns[l.seq%len(towns)]
	if l.seq%2 == 0 {
		field, value = "job_title", titles[l.seq%len(titles)]+" "+strconv.Itoa(l.seq)
	}
	shared := 3 * (d.erp.lastNo - d.crm.firstNo) // people that both have had from the beginning
	n := (l.seq * 7) % shared
	s, right := &d.erp, false
	if l.seq%3 == 0 {
		s, right = &d.crm, true
	}
	id := s.people[3*(d.crm.firstNo-s.firstNo)+n]
	if err := d.edit(s, id, field, value); err != nil {
		return err
	}
	l.did(s, right, s.called(id), s.wire(field), value)
	if l.seq%8 != 0 {
		return nil
	}
	other := &d.erp
	if s == other {
		other = &d.crm
	}
	id = other.people[3*(d.crm.firstNo-other.firstNo)+n]
	if err := d.edit(other, id, field, value+" B"); err != nil {
		return err
	}
	l.did(other, !right, other.called(id), other.wire(field), value+" B")
	return nil
}

// called is how people know a record.
func (s *side) called(id string) string {
	row := s.row(id)
	return row[s.wire("first_name")] + " " + row[s.wire("last_name")]
}

// dragDeal lets a salesperson move a deal on; one that was won or lost begins anew.
func (l *lab) dragDeal() error {
	s := &l.demo.sales
	deal := s.parents[l.seq%len(s.parents)]
	row := s.fieldsOf("deals", deal)
	stage, err := strconv.Atoi(row["stage_id"])
	if err != nil {
		return fmt.Errorf("read the stage of a deal: %w", err)
	}
	var field, value string
	switch {
	case row["status"] != "open":
		field, value = "status", "open"
	case stage < 4:
		field, value = "stage_id", strconv.Itoa(stage+1)
	case l.seq%3 == 0:
		field, value = "status", "lost"
	default:
		field, value = "status", "won"
	}
	fields := map[string]string{field: value}
	if value == "open" {
		fields["stage_id"] = "1"
	}
	if _, err := s.twin.Put("deals", deal, fields); err != nil {
		return fmt.Errorf("drag a deal: %w", err)
	}
	l.did(s, false, row["title"], field, value)
	return nil
}

// question has somebody enter a person who is there already, so that something waits for whoever
// looks at the console.
func (l *lab) question() error {
	d := l.demo
	for _, n := range []int{10, 11} {
		known := d.erp.row(d.erp.people[n])
		if _, err := d.erp.twin.Put(d.erp.person.Name, "", map[string]string{
			d.erp.wire("last_name"): known[d.erp.wire("last_name")], d.erp.wire("first_name"): known[d.erp.wire("first_name")], d.erp.wire("email"): known[d.erp.wire("email")],
		}); err != nil {
			return fmt.Errorf("enter a person twice: %w", err)
		}
	}
	return nil
}
