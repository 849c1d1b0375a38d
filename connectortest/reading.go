package connectortest

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
)

// mostPages ends a listing that goes round in circles.
const mostPages = 2000

// A reading is how far an object has been read, and what is known of its records.
type reading struct {
	b        *Bench
	fields   []string
	limit    int
	between  func(page int) // called after every page
	cursors  map[string]connector.Cursor
	known    map[string]connector.Change // by id, as last seen
	shown    []connector.Change          // in order, with repetitions
	complete map[string]bool             // by part: its last page was complete
	pages    int
	total    int
}

func (b *Bench) reading() *reading {
	return &reading{
		b: b, cursors: map[string]connector.Cursor{},
		known: map[string]connector.Change{}, complete: map[string]bool{},
	}
}

// sweep is a reading of ids only.
func (b *Bench) sweep() *reading {
	r := b.reading()
	r.fields = []string{}
	return r
}

// list reads everything.
func (b *Bench) list() *reading {
	b.Helper()
	r := b.reading()
	r.more()
	return r
}

// parts returns the parts of the object.
func (b *Bench) parts() []string {
	b.Helper()
	if b.Partitioner == nil {
		return []string{""}
	}
	parts, err := b.Partitioner.Partitions(b.ctx, b.shape.Name)
	if b.note(err); err != nil {
		b.Fatalf("partitions: %v", err)
	}
	if len(parts) == 0 {
		b.Fatalf("partitions: none; an object without parts has one of empty name")
	}
	return parts
}

// more reads on until there is no further page and returns what came.
func (r *reading) more() []connector.Change {
	r.b.Helper()
	from := len(r.shown)
	r.total = 0
	for _, part := range r.b.parts() {
		for page := 1; ; page++ {
			if page > mostPages {
				r.b.Fatalf("more than %d pages", mostPages)
			}
			if !r.page(part) {
				break
			}
		}
	}
	return slices.Clone(r.shown[from:])
}

// page reads one page of a part and reports whether there is more.
func (r *reading) page(part string) bool {
	r.b.Helper()
	page, err := r.ask(part)
	if err != nil {
		r.b.Fatalf("changes: %v", err)
	}
	if r.between != nil {
		r.between(r.pages)
	}
	if !page.More {
		r.total += page.Total
	}
	return page.More
}

// ask reads one page of a part, and holds what every page promises.
func (r *reading) ask(part string) (connector.Page, error) {
	b := r.b
	b.Helper()
	q := connector.Query{
		Object: b.shape.Name, Partition: part, Cursor: r.cursors[part], Fields: r.fields, Limit: r.limit,
	}
	page, err := b.Source.Changes(b.ctx, q)
	if b.note(err); err != nil {
		return page, err
	}
	if page.Next == "" {
		b.Errorf("a page without a cursor to go on from")
	}
	if page.More && page.Next == q.Cursor {
		b.Fatalf("there is more, and the cursor stands still at %q", q.Cursor)
	}
	if page.Complete && page.More {
		b.Errorf("a page is complete although more follows")
	}
	for _, c := range page.Changes {
		b.sound(c)
		if c.Fate == connector.Present && !q.Sweep() && c.Fields == nil {
			b.Errorf("a page shows %s without fields", c.ID)
		}
		r.known[c.ID] = c
		r.shown = append(r.shown, c)
	}
	r.pages++
	r.cursors[part] = page.Next
	r.complete[part] = page.Complete
	return page, nil
}

// sound holds what every change promises.
func (b *Bench) sound(c connector.Change) {
	b.Helper()
	if c.Object != b.shape.Name || c.ID == "" {
		b.Errorf("a change of %q with id %q, while reading %s", c.Object, c.ID, b.shape.Name)
	}
	fates := []connector.Fate{connector.Present, connector.Archived, connector.Left, connector.Deleted, connector.Merged}
	if !slices.Contains(fates, c.Fate) {
		b.Errorf("%s has fate %q", c.ID, c.Fate)
	}
	if c.Fate == connector.Merged && len(c.Into) == 0 {
		b.Errorf("%s is merged into nothing", c.ID)
	}
}

// present returns the ids of the records that are there as far as the reading knows.
func (r *reading) present() []string {
	var ids []string
	for id, c := range r.known {
		if c.Fate == connector.Present {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
