package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A PersonKey names a person: by an e-mail address, a telephone number or one of their records.
type PersonKey struct {
	Email string // in its normal form
	Phone string // in its normal form
	Of    store.Object
	ID    string
}

// PersonKeyOf understands what a person is named by. It reports false for what is neither
// an address, nor a number, nor CONNECTION.OBJECT/ID.
func (e *Engine) PersonKeyOf(text string) (PersonKey, bool) {
	if mail := record.NormalEmail(text); mail != "" {
		return PersonKey{Email: mail}, true
	}
	if of, id, ok := strings.Cut(text, "/"); ok && id != "" {
		connection, object, dotted := strings.Cut(of, ".")
		if _, known := e.plan.Connection(connection); dotted && known && object != "" {
			return PersonKey{Of: store.Object{Connection: connection, Name: object}, ID: id}, true
		}
	}
	phone := record.NormalPhone(text, e.plan.Country)
	return PersonKey{Phone: phone}, phone != ""
}

// String returns the key in the form whose hash is kept.
func (k PersonKey) String() string {
	switch {
	case k.Email != "":
		return "email " + k.Email
	case k.Phone != "":
		return "phone " + k.Phone
	}
	return "record " + k.Of.String() + "/" + k.ID
}

// A Person is everything that is known here of one.
type Person struct {
	Key      PersonKey
	Records  []PersonRecord
	Links    []store.LinkEver
	Journal  []store.Entry
	Reviews  []store.Review
	Events   []store.Event   // that were not told; what was told is in the journal
	Receipts []store.Erasure // of what was erased before, or has still to be
}

// A PersonRecord is a record of a person, or one that only mentions them.
type PersonRecord struct {
	Of     store.Object
	System string
	ID     string
	Title  string
	Row    store.Row // without fields if the mirror does not have it
	How    string    // why it was found
	Own    bool      // it is the person; else it mentions them, and is not erased
	Asks   string    // what an erasure asks of the system: erase, delete, archive, nothing

	object record.Object
	pos    spotOf
}

// marks are what the record's person is known by.
func (r PersonRecord) marks(country string) []string { return Marks(r.object, r.Row.Fields, country) }

// A spotOf names a record of any connection.
type spotOf struct {
	of store.Object
	id string
}

// Person finds everything that the mirror, the links, the journal and the review queue know of
// a person: the records that hold the address or the number, and through links, open and closed, of
// all syncs and through merges what belongs to them. except names records, as
// CONNECTION.OBJECT/ID, that are of somebody else: a colleague with the same telephone. It calls nobody.
func (e *Engine) Person(ctx context.Context, key PersonKey, except []string) (Person, error) {
	if err := e.recall(ctx); err != nil {
		return Person{}, err
	}
	known, err := e.store.Connections(ctx)
	if err != nil {
		return Person{}, err
	}
	w := &personWalk{e: e, key: key, found: map[spotOf]*PersonRecord{}, objects: map[store.Object]record.Object{}, systems: map[string]string{},
		links: map[int64]bool{}, mails: map[string]bool{}, except: except}
	for _, c := range known {
		w.systems[c.Name] = c.System
		for _, o := range c.Schema.Objects {
			w.objects[store.Object{Connection: c.Name, Name: o.Name}] = o
		}
	}
	if err := w.walk(ctx); err != nil {
		return Person{}, fmt.Errorf("look for the person: %w", err)
	}
	return w.out, nil
}

// A personWalk follows what belongs to a person.
type personWalk struct {
	e       *Engine
	key     PersonKey
	except  []string
	systems map[string]string // by connection, also of those that are no longer configured
	objects map[store.Object]record.Object
	found   map[spotOf]*PersonRecord
	order   []*PersonRecord
	todo    []*PersonRecord // own records whose links are to be followed
	links   map[int64]bool
	mails   map[string]bool // further addresses of the person's records
	out     Person
}

func (w *personWalk) walk(ctx context.Context) error {
	var err error
	w.out.Key = w.key
	if w.out.Receipts, err = w.e.store.Erasures(ctx, w.key.String()); err != nil {
		return err
	}
	for _, x := range w.out.Receipts { // of an erasure that was cut short
		if x.Answer == "" {
			w.add(spotOf{x.Of, x.Record}, store.Row{}, "its erasure was begun", true)
		}
	}
	if w.key.ID != "" {
		w.add(spotOf{w.key.Of, w.key.ID}, store.Row{}, "it was named", true)
	} else if err := w.scan(ctx, w.holds); err != nil {
		return err
	}
	for len(w.todo) > 0 {
		next := w.todo[0]
		w.todo = w.todo[1:]
		if err := w.follow(ctx, next); err != nil {
			return err
		}
	}
	for _, r := range w.order {
		for _, m := range r.marks(w.e.plan.Country) {
			if mail, ok := strings.CutPrefix(m, "email "); ok && r.Own && mail != w.key.Email {
				w.mails[mail] = true
			}
		}
	}
	if err := w.scan(ctx, w.refers); err != nil {
		return err
	}
	for _, r := range w.order {
		if !w.done(r) {
			w.out.Records = append(w.out.Records, *r)
		}
	}
	if err := w.journal(ctx); err != nil {
		return err
	}
	if err := w.events(ctx); err != nil {
		return err
	}
	return w.reviews(ctx)
}

// done reports whether a record was erased before, so that nothing is left of it.
func (w *personWalk) done(r *PersonRecord) bool {
	return r.Row.ID != "" && r.Row.Fate != connector.Present && len(r.Row.Fields) == 0 &&
		slices.ContainsFunc(w.out.Receipts, func(x store.Erasure) bool { return x.Answer != "" && x.Of == r.Of && x.Record == r.ID }) &&
		!slices.ContainsFunc(w.out.Receipts, func(x store.Erasure) bool { return x.Answer == "" && x.Of == r.Of && x.Record == r.ID })
}

// add notes a record.
func (w *personWalk) add(at spotOf, row store.Row, how string, own bool) {
	if slices.Contains(w.except, at.of.String()+"/"+at.id) {
		return
	}
	r := w.found[at]
	if r == nil {
		r = &PersonRecord{Of: at.of, ID: at.id, System: w.systems[at.of.Connection], How: how, object: w.objects[at.of], pos: at, Asks: "nothing"}
		w.found[at] = r
		w.order = append(w.order, r)
	}
	if row.ID != "" {
		r.Row, r.Title = row, title(row.Fields)
	}
	if own && !r.Own {
		r.Own = true
		r.Asks = w.e.asks(r)
		w.todo = append(w.todo, r)
	}
}

// asks says what an erasure will ask of the record's system.
func (e *Engine) asks(r *PersonRecord) string {
	c := e.conns[r.Of.Connection]
	o := r.object
	if c != nil {
		if masked, ok := c.objects[r.Of.Name]; ok {
			o = masked
		}
	}
	switch {
	case c == nil, r.Row.ID != "" && (r.Row.Fate == connector.Deleted || r.Row.Fate == connector.Merged || r.Row.Fate == connector.Converted):
		return "nothing"
	case c.able.Eraser != nil:
		return "erase"
	case o.Delete && len(o.Cascades) == 0 && c.able.Writer != nil:
		return "delete"
	case o.Archive && c.able.Writer != nil:
		return "archive"
	}
	return "nothing"
}

// isPerson reports whether records of an object are people: what only mentions one, such as a
// company, a meeting with its participants or a user, is shown and not erased.
func isPerson(o record.Object) bool {
	return o.Common == "contact" || o.Common == "lead" || o.Common == ""
}

// holds reports why a row is the person's by the key; "" if it is not.
func (w *personWalk) holds(of store.Object, o record.Object, row store.Row) (how string, own bool) {
	matches := func(f record.Field, v record.Value) bool {
		switch f.Kind {
		case record.KindEmail:
			return w.key.Email != "" && record.Normal(f, v, w.e.plan.Country) == w.key.Email
		case record.KindPhone:
			return w.key.Phone != "" && record.Normal(f, v, w.e.plan.Country) == w.key.Phone
		default:
			return false
		}
	}
	for _, f := range o.Fields {
		v := row.Fields[f.Name]
		if matches(f, v) {
			return f.Name + " holds it", isPerson(o)
		}
		for _, item := range v.Items() {
			for _, part := range f.Elem {
				if matches(part, item.Fields()[part.Name]) {
					return f.Name + " holds it", isPerson(o)
				}
			}
		}
	}
	return "", false
}

// refers reports whether a row refers to a record of the person, or holds another address of
// theirs: that may be a copy of them, or a colleague with the same address.
func (w *personWalk) refers(of store.Object, o record.Object, row store.Row) (how string, own bool) {
	for _, f := range o.Fields {
		if f.Kind == record.KindEmail && w.mails[record.Normal(f, row.Fields[f.Name], w.e.plan.Country)] {
			return f.Name + " holds another address of theirs; is it the same person? Then erase it by its own name", false
		}
		if f.To == "" {
			continue
		}
		to := store.Object{Connection: of.Connection, Name: f.To}
		ids := []string{row.Fields[f.Name].Text()}
		for _, item := range row.Fields[f.Name].Items() {
			ids = append(ids, item.Text())
		}
		for _, id := range ids {
			if r := w.found[spotOf{to, id}]; id != "" && r != nil && r.Own {
				return f.Name + " refers to " + to.String() + "/" + id, false
			}
		}
	}
	return "", false
}

// scan looks at every row of the mirror: an index has the keys of matching only, and the law
// asks for everything.
func (w *personWalk) scan(ctx context.Context, sees func(store.Object, record.Object, store.Row) (string, bool)) error {
	all := make([]store.Object, 0, len(w.objects))
	for of := range w.objects {
		all = append(all, of)
	}
	slices.SortFunc(all, func(a, b store.Object) int { return strings.Compare(a.String(), b.String()) })
	for _, of := range all {
		for after := int64(0); ; {
			rows, err := w.e.store.Changed(ctx, of, after, planBatch)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			after = rows[len(rows)-1].Seq
			for _, row := range rows {
				if how, own := sees(of, w.objects[of], row); how != "" && w.found[spotOf{of, row.ID}] == nil {
					w.add(spotOf{of, row.ID}, row, how, own)
				}
			}
		}
	}
	return nil
}

// follow finds what a record of the person is, was or became linked and merged with.
func (w *personWalk) follow(ctx context.Context, r *PersonRecord) error {
	if r.Row.ID == "" {
		rows, err := w.e.store.Rows(ctx, r.Of, []string{r.ID})
		if err != nil {
			return err
		}
		r.Row, r.Title = rows[r.ID], title(rows[r.ID].Fields)
		r.Asks = w.e.asks(r)
	}
	links, err := w.e.store.LinksEver(ctx, r.Of, r.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		if !w.links[l.ID] {
			w.links[l.ID] = true
			w.out.Links = append(w.out.Links, l)
		}
		for side, of := range l.Ends {
			w.add(spotOf{of, l.IDs[side]}, store.Row{}, "linked with "+r.Of.String()+"/"+r.ID+" in "+l.Sync, true)
		}
	}
	for _, ref := range r.Row.Into {
		if ref.Object == r.Of.Name {
			w.add(spotOf{r.Of, ref.ID}, store.Row{}, r.ID+" was merged into it", true)
		}
	}
	into, err := w.e.store.FindByKey(ctx, r.Of, []store.Key{store.IntoKey(r.ID)})
	if err != nil {
		return err
	}
	for _, id := range into[store.IntoKey(r.ID)] {
		w.add(spotOf{r.Of, id}, store.Row{}, "it was merged into "+r.ID, true)
	}
	return nil
}

// journal collects the lines about the person's records.
func (w *personWalk) journal(ctx context.Context) error {
	seen := map[int64]bool{}
	for _, r := range w.order {
		if !r.Own {
			continue
		}
		lines, err := w.e.store.History(ctx, store.HistoryQuery{Connection: r.Of.Connection, Object: r.Of.Name, Record: r.ID, Limit: 1 << 30})
		if err != nil {
			return err
		}
		for _, line := range lines {
			if !seen[line.ID] {
				seen[line.ID] = true
				w.out.Journal = append(w.out.Journal, line)
			}
		}
	}
	slices.SortFunc(w.out.Journal, func(a, b store.Entry) int { return int(a.ID - b.ID) })
	return nil
}

// events collects what happened to the person and was not told.
func (w *personWalk) events(ctx context.Context) error {
	for _, r := range w.order {
		for _, p := range w.e.syncs {
			for side, end := range p.ends {
				if !r.Own || end.of != r.Of {
					continue
				}
				events, err := w.e.store.EventsOf(ctx, p.Name, record.Side(side), r.ID, 1<<30)
				if err != nil {
					return err
				}
				w.out.Events = append(w.out.Events, events...)
			}
		}
	}
	return nil
}

// reviews collects the review items about the person's records, open or decided.
func (w *personWalk) reviews(ctx context.Context) error {
	all, err := w.e.store.Reviews(ctx, store.ReviewQuery{Limit: 1 << 30})
	if err != nil {
		return err
	}
	ends := map[string][2]store.Object{}
	for _, l := range w.out.Links {
		ends[l.Sync] = l.Ends
	}
	for _, p := range w.e.syncs {
		ends[p.Name] = [2]store.Object{p.ends[0].of, p.ends[1].of}
	}
	own := func(of store.Object, id string) bool {
		r := w.found[spotOf{of, id}]
		return r != nil && r.Own
	}
	for _, item := range all {
		about := item.Link != 0 && w.links[item.Link] || item.Record != "" && own(ends[item.Sync][item.Side], item.Record)
		for _, id := range item.Candidates {
			about = about || own(ends[item.Sync][item.Side.Other()], id)
		}
		if about {
			w.out.Reviews = append(w.out.Reviews, item)
		}
	}
	return nil
}
