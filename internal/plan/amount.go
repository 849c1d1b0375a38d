package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// maxRecords bounds an absolute guard: more is a slip of the keyboard.
const maxRecords = 1_000_000_000

// amount reads a percentage or a number of records.
func (r *reader) amount(n node, into *Amount) {
	s, ok := r.text(n)
	if !ok {
		return
	}
	if percent, is := strings.CutSuffix(s, "%"); is {
		p, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if err == nil && p > 0 && p <= 1000 {
			*into = Amount{Percent: p}
			return
		}
		if err == nil && p == 0 {
			r.fail(n.place, fmt.Sprintf("%s: 0%% would still let %d records through; write 0 for none", n.label(), guardFloor))
			return
		}
	} else if records, err := strconv.Atoi(s); err == nil && records >= 0 && records <= maxRecords {
		*into = Amount{Records: records}
		return
	}
	r.fail(n.place, fmt.Sprintf("%s: %q is neither a percentage such as 10%% nor a number of records", n.label(), shown(n.text)))
}

func guardKeys() []key[Guard] {
	row := func(name, help string, of func(*Guard) *Amount) key[Guard] {
		return key[Guard]{name: name, help: help, schema: amountSchema(), read: func(r *reader, n node, g *Guard) { r.amount(n, of(g)) }}
	}
	return []key[Guard]{
		row("delete", "Most deletes in a run and in a day; default 10%.", func(g *Guard) *Amount { return &g.Delete }),
		row("create", "Most creates in a run and in a day; default 1000.", func(g *Guard) *Amount { return &g.Create }),
		row("update", "Most changes of one field in a run and in a day; default 50%.", func(g *Guard) *Amount { return &g.Update }),
		row("events", "Most events of one rule in a run and in a day; default 1000.", func(g *Guard) *Amount { return &g.Events }),
		{name: "canary", help: "A record that nobody may touch, such as crm.contacts/12: the sync stops when it was changed, is gone, or would be written.", schema: canarySchema(), read: func(r *reader, n node, g *Guard) {
			g.Canary = r.canary(n)
		}},
	}
}

func canarySchema() schema {
	return schema{"type": "string", "pattern": `^[A-Za-z][A-Za-z0-9_-]{0,63}\..+/.+$`}
}

// canary reads "connection.object/id"; that it is of the sync is checked when its ends are known.
func (r *reader) canary(n node) string {
	s, ok := r.text(n)
	if !ok {
		return ""
	}
	if of, id, found := strings.Cut(s, "/"); !found || id == "" || !strings.Contains(of, ".") {
		r.fail(n.place, fmt.Sprintf("%s: %q is not of the form connection.object/id, such as crm.contacts/12", n.label(), shown(n.text)))
		return ""
	}
	return s
}

// checkCanary wants the record that nobody may touch to be of one of the sync's ends.
func (r *reader) checkCanary(s *Sync, at place) {
	of, _, _ := strings.Cut(s.Guard.Canary, "/")
	if of != "" && of != s.Ends[0].String() && of != s.Ends[1].String() {
		r.fail(at, fmt.Sprintf("guard.canary: %s is neither %s nor %s", of, s.Ends[0], s.Ends[1]))
	}
}
