package store

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
)

// sqlEdits keeps when the content of a row was last changed by somebody else (R9): between
// edit_from and edit_to, which are one for a vendor's stamp; own_stamp is the stamp that our
// last write left. polled is when a feed was last read to its end.
func sqlEdits() []string {
	return []string{
		`ALTER TABLE mirror ADD COLUMN edit_from {int} DEFAULT 0`,
		`ALTER TABLE mirror ADD COLUMN edit_to {int} DEFAULT 0`,
		`ALTER TABLE mirror ADD COLUMN own_stamp {int} DEFAULT 0`,
		`ALTER TABLE feeds ADD COLUMN polled {int} DEFAULT 0`,
	}
}

// edited notes when the content that a page shows came to be (R9). A stamp tells it, unless
// our own write has set it; else it was between the last time that we looked and now. A stamp
// that moves while the content stays says nothing: that was a field that nobody asked for.
func (r *stored) edited(c *connector.Change, p *Page) error {
	if mapped, err := r.mapped(c, p); err != nil || !mapped {
		return err
	}
	stamp, now := micros(c.Modified), micros(p.Began)
	if p.Own && stamp != 0 {
		r.ownStamp = stamp
	}
	if stamp != 0 && stamp != r.ownStamp {
		r.editFrom, r.editTo = stamp, stamp
		return nil
	}
	r.editFrom, r.editTo = min(max(r.readAt, micros(p.After)), now), now
	return nil
}

// mapped reports whether any field has changed that counts.
func (r *stored) mapped(c *connector.Change, p *Page) (bool, error) {
	if len(p.Mapped) == 0 || !r.exists() {
		return true, nil
	}
	was, err := decode(r.fields)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(p.Mapped, func(name string) bool {
		v, shown := c.Fields[name]
		old, known := was[name]
		return shown && (!known || !v.Equal(old))
	}), nil
}
