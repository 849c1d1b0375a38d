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
	}
}
