package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A changed value is one field of one record that would be written, or was within the day.
type changed struct {
	source  string // the record it comes from; "" if it was written already
	was, is string
}

// A column is what became of one field: by record of the side that is written.
type column struct {
	field record.Field
	rows  map[string]changed
}

// columns puts together what is planned for a side and what was written there within the day:
// a disaster may come in small portions. Fields that nothing is planned for are left out.
func (r *run) columns(side record.Side, held []store.Op, d *day) map[string]*column {
	all := map[string]*column{}
	for _, op := range held {
		if op.Verb != connector.Update {
			continue
		}
		for _, f := range op.Fields {
			if byApproval(f) {
				continue
			}
			if all[f.Wire] == nil {
				own, _ := r.p.ends[side].object.Field(f.Wire)
				all[f.Wire] = &column{field: own, rows: map[string]changed{}}
			}
			all[f.Wire].rows[op.TargetID] = changed{op.SourceID, op.Was[f.Wire].String(), op.Set[f.Wire].String()}
		}
	}
	for _, e := range slices.Backward(d.lines) {
		c := all[e.Field]
		if c == nil || e.Side != side || e.Kind != store.Written || confirmed(e) {
			continue
		}
		// From the first value of the day to the last one: what went back did not change.
		if now, ok := c.rows[e.Record]; ok {
			now.was = e.Old.String()
			c.rows[e.Record] = now
		} else {
			c.rows[e.Record] = changed{"", e.Old.String(), e.New.String()}
		}
	}
	for _, c := range all {
		maps.DeleteFunc(c.rows, func(_ string, v changed) bool { return v.was == v.is })
	}
	return all
}

// shapes looks at the values that would be written to one side.
func (r *run) shapes(side record.Side, held []store.Op, d *day) []Alarm {
	var out []Alarm
	columns := r.columns(side, held, d)
	for _, wire := range slices.Sorted(maps.Keys(columns)) {
		c := columns[wire]
		if len(c.rows) <= strayed(r.linked) {
			continue
		}
		for _, look := range []func(*column, int) (string, []changed, string){oneShape, becameSame, emptied, shuffled} {
			if detector, hit, what := look(c, r.linked); len(hit) > 0 {
				ids := fromWhere(hit)
				out = append(out, r.alarm(detector, side, wire, ids, len(hit), fmt.Sprintf("%s of %d records of %s would be %s", wire, len(hit), r.p.ends[side].of, what)))
				break
			}
		}
	}
	return append(out, r.swapped(side, held)...)
}

func fromWhere(rows []changed) []string {
	var ids []string
	for _, c := range rows {
		if c.source != "" {
			ids = append(ids, c.source)
		}
	}
	slices.Sort(ids)
	return ids
}

// mostly is the share of a day's changes of a field that have to look the same.
func mostly(hit, all int) bool { return hit*5 >= all*4 }

// oneShape finds the same thing done to a value everywhere: hours added, capitals, zeros lost.
func oneShape(c *column, linked int) (string, []changed, string) {
	by := map[string][]changed{}
	for _, row := range c.rows {
		for _, name := range shaped(c.field.Kind, row.was, row.is) {
			by[name] = append(by[name], row)
		}
	}
	best := ""
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if best == "" || len(by[name]) > len(by[best]) {
			best = name
		}
	}
	least := strayed(linked)
	if c.field.Kind == record.KindDate && strings.HasPrefix(best, "moved by") {
		least = max(least, linked/10) // people put off what is due by a day
	}
	if hit := by[best]; len(hit) > least && mostly(len(hit), len(c.rows)) {
		return alarmShape, hit, best
	}
	return "", nil, ""
}

// becameSame finds values that were different and would all be one, or all be empty: what
// told the records apart is lost. Few values that many records share, such as an owner, may
// be changed at will.
func becameSame(c *column, linked int) (string, []changed, string) {
	to := map[string][]changed{}
	for _, row := range c.rows {
		if row.was != "" {
			to[row.is] = append(to[row.is], row)
		}
	}
	for _, value := range slices.Sorted(maps.Keys(to)) {
		hit := to[value]
		if len(hit) <= strayed(linked) || !diverse(hit) {
			continue
		}
		if value == "" {
			return alarmEmptied, hit, "emptied"
		}
		return alarmSame, hit, fmt.Sprintf("the same, %q, where they held different values", shortened(value))
	}
	return "", nil, ""
}

// diverse reports whether at least half of the former values were different ones.
func diverse(rows []changed) bool {
	were := map[string]bool{}
	for _, row := range rows {
		were[row.was] = true
	}
	return len(were)*2 >= len(rows)
}

func shortened(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// emptied finds a field of few values that would be emptied in more than a quarter of the pairs.
func emptied(c *column, linked int) (string, []changed, string) {
	var hit []changed
	for _, row := range c.rows {
		if row.is == "" {
			hit = append(hit, row)
		}
	}
	if len(hit) > max(strayed(linked), linked/4) {
		return alarmEmptied, hit, "emptied"
	}
	return "", nil, ""
}

// shuffled finds records that got each other's values, as after a table was sorted by one
// column only.
func shuffled(c *column, linked int) (string, []changed, string) {
	were := map[string]int{}
	var all []changed
	for _, row := range c.rows {
		were[row.was]++
		all = append(all, row)
	}
	var hit []changed
	for _, row := range all {
		if row.is != "" && were[row.is] > 0 {
			hit = append(hit, row)
		}
	}
	if len(hit) > strayed(linked) && mostly(len(hit), len(all)) && diverse(all) {
		return alarmShuffled, hit, "given the value that another one of them had"
	}
	return "", nil, ""
}

// swapped finds fields that got what another field of the same record held, as after an
// import with its columns mixed up.
func (r *run) swapped(side record.Side, held []store.Op) []Alarm {
	hit := map[string][]string{} // by the two fields
	for _, op := range held {
		if op.Verb != connector.Update {
			continue
		}
		for _, to := range slices.Sorted(maps.Keys(op.Set)) {
			for _, from := range slices.Sorted(maps.Keys(op.Was)) {
				v := op.Set[to]
				if to != from && !v.IsEmpty() && v.Equal(op.Was[from]) && !v.Equal(op.Set[from]) && !v.Equal(op.Was[to]) {
					hit[to+" "+from] = append(hit[to+" "+from], op.SourceID)
				}
			}
		}
	}
	var out []Alarm
	for _, pair := range slices.Sorted(maps.Keys(hit)) {
		to, from, _ := strings.Cut(pair, " ")
		ids := hit[pair]
		if len(ids) > strayed(r.linked) {
			out = append(out, r.alarm(alarmSwapped, side, to, ids, len(ids),
				fmt.Sprintf("%s of %d records of %s would get what %s held", to, len(ids), r.p.ends[side].of, from)))
		}
	}
	return out
}
