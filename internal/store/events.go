package store

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// sqlEvents keeps what happened to records as far as a rule of events asks for it: from the
// transaction that brought it into the mirror until it has been told, and a week more. The
// first index refuses a second row for one transition, whatever is read again.
func sqlEvents() []string {
	return []string{
		`CREATE TABLE events (id {auto}, workspace {int}, sync {int}, side {int}, object {int}, record {text}, seq {int}, rule {text},
			person {text}, ident {text}, at {int}, state {text}, taken {int}, approved {int}, attempts {int}, not_before {int},
			target {text}, error {text}, now_fields {blob}, old_fields {blob}, told {blob})`,
		`CREATE UNIQUE INDEX events_once ON events (sync, object, record, seq, rule, person)`,
		`CREATE INDEX events_due ON events (sync, state, at, id)`,
		`CREATE INDEX events_record ON events (object, record)`,
		`CREATE INDEX events_person ON events (sync, person)`,
		`CREATE INDEX events_taken ON events (sync, taken)`,
		`CREATE INDEX events_old ON events (workspace, state, taken)`,
	}
}

// A Transition is a way in which a record changes.
type Transition string

// The transitions.
const (
	HasCreated Transition = "created"
	HasUpdated Transition = "updated" // one of EventWatch.Fields
	HasChanged Transition = "changed" // EventWatch.Field
	HasDeleted Transition = "deleted" // or gone into the vendor's bin
	HasMerged  Transition = "merged"
)

// An EventWatch is one rule of events as far as the mirror's writes need it.
type EventWatch struct {
	Sync   string
	Side   record.Side // where the records are; the events go to the other one
	Rule   string      // tells it from the sync's other rules
	On     Transition
	Field  string   // of HasChanged
	Fields []string // of HasUpdated
	Now    []string // fields whose value is kept with the event
	Old    []string // fields whose former value is
	Ref    string   // the field that refers to whom it happened; "" = the record itself
}

// WatchEvents says which transitions the mirror's writes note from now on, in this process.
func (s *Store) WatchEvents(rules map[Object][]EventWatch) { s.watched.Store(&rules) }

func (s *Store) watches(of Object) []EventWatch {
	if rules := s.watched.Load(); rules != nil {
		return (*rules)[of]
	}
	return nil
}

// slowClock is how far a vendor's clock may be behind ours without a new record passing for one
// that was there when its object was first read.
const slowClock = 10 * time.Minute

// putEvents notes what a page has shown to have happened, in the page's own transaction: once
// per transition that the mirror saw, whatever becomes of the process.
func (t *tx) putEvents(object int64, p Page, changes []rowChange) error {
	if len(changes) == 0 {
		return nil
	}
	home, err := t.installation()
	if err != nil {
		return err
	}
	since := map[string]newness{}
	for _, c := range changes {
		x, err := t.transitionOf(object, p, c)
		if err != nil {
			return fmt.Errorf("events of %s: %w", c.row.id, err)
		}
		for _, w := range t.s.watches(p.Of) {
			if _, asked := since[w.Sync]; !asked {
				if since[w.Sync], err = t.listedSince(object, p, w.Sync); err != nil {
					return err
				}
			}
			if !x.fits(w, p, since[w.Sync]) {
				continue
			}
			if err := t.putEvent(object, x, w, home); err != nil {
				return fmt.Errorf("note an event of %s: %w", c.row.id, err)
			}
		}
	}
	return nil
}

// A newness says from when on a record that is new to the mirror is a new one; 0 = none is.
type newness struct {
	since    int64
	restored bool // only a time of creation can tell
}

// listedSince tells new records from those that were there. What is there when an object is read
// for the first time has not just been made; after a restore, what was made since the backup
// has (R34).
func (t *tx) listedSince(object int64, p Page, sync string) (newness, error) {
	var parts, listed int64
	query, a := `SELECT COUNT(*), COALESCE(MIN(listed_at), 0) FROM feeds WHERE object = ? AND kind = ?`, args(object, string(FeedChanges))
	if p.Feed != "" {
		query, a = query+` AND part = ?`, append(a, p.Partition)
	}
	if err := t.each(query, a, func(scan scanner) error { return scan(&parts, &listed) }); err != nil {
		return newness{}, fmt.Errorf("read how far the object was read: %w", err)
	}
	if parts > 0 && listed > 0 {
		return newness{since: listed - slowClock.Microseconds()}, nil
	}
	e, err := t.sync(sync)
	if err != nil {
		return newness{}, err
	}
	n := newness{restored: true}
	err = t.each(`SELECT taken FROM restores WHERE sync = ?`, args(e.id), func(scan scanner) error { return scan(&n.since) })
	return n, err
}

// A transition is what became of a record between two states of its row.
type transition struct {
	rowChange

	now, was record.Fields
	at       int64
}

func (t *tx) transitionOf(object int64, p Page, c rowChange) (x transition, err error) {
	x.rowChange = c
	if x.was, err = decode(c.before.fields); err != nil {
		return x, err
	}
	if x.now, err = decode(c.row.fields); err != nil {
		return x, err
	}
	switch {
	case !c.before.known && c.row.created != 0:
		x.at = c.row.created
	case c.before.known && c.row.editFrom == c.row.editTo && c.row.editTo != c.before.editTo && c.row.fate == connector.Present:
		x.at = c.row.editTo // the vendor's stamp
	default:
		x.at = micros(p.Began)
	}
	// What happened to one record is told in the order in which it was seen, whatever the stamps say.
	var last int64
	err = t.each(`SELECT COALESCE(MAX(at), 0) FROM events WHERE object = ? AND record = ?`, args(object, c.row.id), func(scan scanner) error { return scan(&last) })
	x.at = max(x.at, last)
	return x, err
}

// fits reports whether a rule asks for the transition.
func (x transition) fits(w EventWatch, p Page, n newness) bool {
	ours := p.OwnOf == w.Sync && w.Sync != ""
	was, is := x.before.known && x.before.fate == connector.Present, x.row.fate == connector.Present
	switch w.On {
	case HasCreated:
		return !ours && !x.before.known && is && n.since != 0 && (x.row.created >= n.since || x.row.created == 0 && !n.restored)
	case HasUpdated:
		return was && is && slices.ContainsFunc(w.Fields, func(name string) bool { return x.changed(name, w, p) })
	case HasChanged:
		return is && x.changed(w.Field, w, p)
	case HasDeleted:
		return !ours && was && (x.row.fate == connector.Deleted || x.row.fate == connector.Archived)
	case HasMerged:
		return !ours && was && x.row.fate == connector.Merged
	}
	return false
}

// changed reports whether a field had a value and has another one. A field that was not read
// before has not changed, and what the rule's own sync wrote is no news to whom it came from.
func (x transition) changed(name string, w EventWatch, p Page) bool {
	old, had := x.was[name]
	now, has := x.now[name]
	if !had || !has || old.Equal(now) {
		return false
	}
	return p.OwnOf != w.Sync || !slices.Contains(p.Wrote[x.row.id], name)
}

func (t *tx) putEvent(object int64, x transition, w EventWatch, home string) error {
	e, err := t.sync(w.Sync)
	if err != nil {
		return err
	}
	people, err := x.people(w)
	if err != nil {
		return err
	}
	for _, person := range people {
		key := "tandem-" + home + "-e" + strconv.FormatInt(x.row.seq, 36) + "-" + strconv.FormatUint(uint64(hash(w.Sync+"\n"+w.Rule+"\n"+person)), 36)
		_, err := t.exec(`INSERT INTO events (workspace, sync, side, object, record, seq, rule, person, ident, at, state, taken, approved, attempts,
			not_before, target, error, now_fields, old_fields) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'seen', 0, 0, 0, 0, '', '', ?, ?)
			ON CONFLICT (sync, object, record, seq, rule, person) DO NOTHING`, t.s.workspace, e.id, int64(w.Side), object, x.row.id, x.row.seq,
			w.Rule, person, key, x.at, encode(pickFields(x.now, w.Now)), encode(pickFields(x.was, w.Old)))
		if err != nil {
			return err
		}
	}
	return nil
}

// people are those to whom it happened; one empty id if the record refers to nobody.
func (x transition) people(w EventWatch) ([]string, error) {
	if w.Ref == "" && x.row.fate != connector.Merged {
		return []string{x.row.id}, nil
	}
	var ids []string
	if w.Ref == "" {
		into, err := decodeRefs(x.row.into)
		if err != nil {
			return nil, err
		}
		for _, ref := range into {
			ids = append(ids, ref.ID)
		}
	} else if v := x.now[w.Ref]; v.IsList() {
		for _, item := range v.Items() {
			ids = append(ids, item.Text())
		}
	} else if !v.IsEmpty() {
		ids = append(ids, v.Text())
	}
	if len(ids) == 0 {
		return []string{""}, nil
	}
	return ids, nil
}

func pickFields(f record.Fields, names []string) record.Fields {
	out := record.Fields{}
	for _, name := range names {
		if v, has := f[name]; has {
			out[name] = v
		}
	}
	return out
}
