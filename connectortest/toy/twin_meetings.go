package toy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/twin"
)

// How the vendor keeps appointments: visits are rows as any other; of a meeting every guest
// who has a mailbox gets a copy, as calendars do.

func twinVisits() *twinTable {
	return &twinTable{
		name: "visits", tombstones: true, bin: true, rows: map[string]*twinRow{},
		columns: []twinColumn{
			{key: "name", label: "Name", kind: "text", must: true, cap: twinTextCap},
			{key: "at", label: "At", kind: "time"},
			{key: "guests", label: "Guests", kind: "list", parts: twinGuests()},
			{key: "tandem_key", label: "Tandem key", kind: "text", own: true, sole: true},
			{key: "host", label: "Host", kind: "email"},
		},
	}
}

func twinMeetings() *twinTable {
	t := twinVisits()
	t.columns = t.columns[:len(t.columns)-1]
	t.name, t.boxes = "meetings", []string{"ann@toy.example", "bob@toy.example", "cem@toy.example", "dee@toy.example", "eva@toy.example", "fay@toy.example"}
	t.columns = append(t.columns,
		twinColumn{key: "box", label: "Mailbox", kind: "pick", must: true, fixed: true, options: t.boxes},
		twinColumn{key: "uid", label: "UID", kind: "text", made: true},
		twinColumn{key: "main", label: "Organised here", kind: "bool", made: true},
		twinColumn{key: "answer", label: "Answer", kind: "text"},
		twinColumn{key: "remind", label: "Remind before", kind: "text"},
	)
	return t
}

func twinGuests() []twinPart {
	return []twinPart{{"mail", "email", true}, {"answer", "text", false}, {"remind", "text", false}}
}

// Track has the organiser's copy follow what guests answer in theirs.
func (a *Twin) Track(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tracks = on
}

// Invited puts a meeting from outside into mailboxes: its organiser has none here. It returns
// the ids of the copies.
func (a *Twin) Invited(uid string, cells map[string]string, boxes ...string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for _, box := range boxes {
		all := maps.Clone(cells)
		all["box"] = box
		a.outside = uid
		r, refusal := a.write(a.tables["meetings"], "person", "", 0, all)
		a.outside = ""
		if refusal != nil {
			return nil, fmt.Errorf("invite %s: %s", box, refusal.Text)
		}
		a.Ledger().Record(twin.Act{By: "person", Verb: "create", Object: "meetings", ID: r.id, Fields: all})
		ids = append(ids, r.id)
	}
	return ids, nil
}

// HandOver makes one copy of a meeting the organiser's.
func (a *Twin) HandOver(id string) error {
	return a.mark("meetings", id, "update", func(t *twinTable, next *twinRow) {
		for _, r := range t.copies(next.cells["uid"]) {
			r.cells["main"] = "false"
			a.invited[r.cells["uid"]+" "+r.cells["box"]] = true
			a.touch(r, "person")
		}
		next.cells["main"] = "true"
	})
}

// copies are the copies of a meeting that are there, in the order of their ids.
func (t *twinTable) copies(uid string) []*twinRow {
	var rows []*twinRow
	for _, r := range t.rows {
		if r.state == "" && r.cells["uid"] == uid {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(x, y *twinRow) int { return twinNumber(x.id) - twinNumber(y.id) })
	return rows
}

// spread has the vendor keep the copies of a meeting in step with one that somebody wrote.
func (a *Twin) spread(t *twinTable, r *twinRow, made bool) {
	if t.name != "meetings" {
		return
	}
	switch {
	case made && a.outside != "":
		r.cells["uid"], r.cells["main"] = a.outside, "false"
	case made:
		r.cells["uid"], r.cells["main"] = "u-"+r.id, "true"
	}
	switch {
	case r.cells["main"] == "true" && r.state != "":
		for _, c := range t.copies(r.cells["uid"]) {
			c.state = "purged"
			a.touch(c, "vendor")
			a.tell(t.name, c.id)
		}
	case r.cells["main"] == "true":
		a.invite(t, r)
	case a.tracks && r.state == "":
		a.track(t, r)
	}
}

// invite gives every guest who is new a copy, takes it from those who are no longer invited,
// and tells the others what has changed.
func (a *Twin) invite(t *twinTable, r *twinRow) {
	invited := map[string]bool{}
	for _, guest := range Lines(r.cells["guests"]) {
		invited[guest["mail"]] = true
		id := r.cells["uid"] + " " + guest["mail"]
		if a.invited[id] || !slices.Contains(t.boxes, guest["mail"]) || guest["mail"] == r.cells["box"] {
			continue
		}
		a.invited[id] = true
		a.lastID++
		c := &twinRow{id: fmt.Sprint(a.lastID), made: r.moved, cells: map[string]string{
			"uid": r.cells["uid"], "box": guest["mail"], "main": "false", "answer": guest["answer"], "remind": guest["remind"],
		}}
		maps.DeleteFunc(c.cells, func(_, text string) bool { return text == "" })
		t.rows[c.id] = c
	}
	for id := range a.invited {
		if uid, mail, _ := strings.Cut(id, " "); uid == r.cells["uid"] && !invited[mail] {
			delete(a.invited, id)
		}
	}
	for _, c := range t.copies(r.cells["uid"]) {
		if c == r {
			continue
		}
		if !a.invited[r.cells["uid"]+" "+c.cells["box"]] {
			c.state = "purged"
			a.touch(c, "vendor")
			continue
		}
		was := maps.Clone(c.cells)
		for _, key := range []string{"name", "at", "guests"} {
			if c.cells[key] = r.cells[key]; r.cells[key] == "" {
				delete(c.cells, key)
			}
		}
		if !maps.Equal(was, c.cells) || c.seq == 0 {
			a.touch(c, "vendor")
			a.tell(t.name, c.id)
		}
	}
}

// track notes a guest's answer in the organiser's copy.
func (a *Twin) track(t *twinTable, c *twinRow) {
	for _, r := range t.copies(c.cells["uid"]) {
		lines := Lines(r.cells["guests"])
		i := slices.IndexFunc(lines, func(l map[string]string) bool { return l["mail"] == c.cells["box"] })
		if r.cells["main"] != "true" || i < 0 || lines[i]["answer"] == c.cells["answer"] {
			continue
		}
		lines[i]["answer"] = c.cells["answer"]
		if kept, err := json.Marshal(lines); err == nil {
			r.cells["guests"] = string(kept)
			a.touch(r, "vendor")
			a.tell(t.name, r.id)
		}
	}
}
