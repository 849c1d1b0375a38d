package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// A cursor is where reading goes on.
//
// Brevo's pages are offsets in the order of creation, and every row that is deleted moves
// all behind it. So a page begins at the time of creation at which the last one ended, which
// Brevo can select by. Where more rows than a page holds were made in one moment, the pages
// within it are offsets that begin with the last row of the page before: if another row
// stands there, that moment is read again from its beginning. Pages repeat rows, and skip none.
// Pages by number cannot do that; there such a moment proves nothing about what is not there.
//
// A listing (mode list) reads everything, a sweep the same to learn what is gone; changes
// (mode feed) are what was modified since the last pass began, less the overlap.
type cursor struct {
	Mode   mode   `json:"m"`
	Since  int64  `json:"s,omitempty"` // rows created after that, in milliseconds
	Offset int    `json:"o,omitempty"` // so many of them have been read,
	Anchor string `json:"a,omitempty"` // the last of which is this one
	Pages  int    `json:"p,omitempty"` // where pages are numbered: how many of them have been read
	Loose  bool   `json:"x,omitempty"` // more rows than a page holds were made in one moment, and pages are numbered
	Last   string `json:"l,omitempty"` // the last row that was read
	From   int64  `json:"f,omitempty"` // feed: rows modified after that
	Began  int64  `json:"b,omitempty"` // when the pass that is under way began, by Brevo's clock
}

type mode string

const (
	modeList mode = "list"
	modeFeed mode = "feed"
)

// A row is what paging must know of a record.
type row struct {
	id      string
	created time.Time
	change  connector.Change
}

// A batch is what one call of a list gave.
type batch struct {
	rows []row
	more bool      // more may follow than the page holds
	at   time.Time // when the call began, by Brevo's clock
	// numbered says that the list has pages by number, which cannot begin where the one
	// before ended: a row that is deleted meanwhile could hide another.
	numbered bool
}

// A pager makes one call of a list, ordered by creation.
type pager func(ctx context.Context, c cursor, limit int) (batch, error)

func parseCursor(text connector.Cursor) (cursor, error) {
	if text == "" {
		return cursor{Mode: modeList}, nil
	}
	var c cursor
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || d.More() || c.Mode != modeList && c.Mode != modeFeed ||
		c.Since < 0 || c.Offset < 0 || c.Pages < 0 || c.From < 0 || c.Began < 0 || (c.Offset > 0) != (c.Anchor != "") {
		return cursor{}, &connector.Error{
			Kind: connector.Expired, Scope: connector.ScopeObject, Err: fmt.Errorf("read cursor: it is none of ours"),
		}
	}
	return c, nil
}

func (c cursor) encode() connector.Cursor {
	text, err := json.Marshal(c)
	if err != nil {
		return "" // texts and numbers: it cannot fail, and listing again harms nobody
	}
	return connector.Cursor(text)
}

// skip is how many rows a call passes over: it begins with the last one that was read.
func (c cursor) skip() int { return max(0, c.Offset-1) }

// next moves the cursor behind a batch, and says whether more can be read now. A row at the
// anchor's place that is another one means that rows before it are gone: again, then.
func (c cursor) next(b batch, limit int) (cursor, bool) {
	if c.Anchor != "" && (len(b.rows) == 0 || b.rows[0].id != c.Anchor) {
		c.Offset, c.Anchor = 0, ""
		return c, true
	}
	news := len(b.rows)
	if c.Anchor != "" {
		news--
	}
	if news == 0 || !b.more && len(b.rows) < limit {
		return c, false
	}
	last := b.rows[len(b.rows)-1]
	again := last.id == c.Last && len(b.rows) == 1 && c.Anchor == ""
	c.Last, c.Loose = last.id, c.Loose || c.Pages > 0
	if again {
		return c, false // nothing came after it
	}
	if since := last.created.UnixMilli() - 1; !last.created.IsZero() && since > c.Since {
		c.Since, c.Offset, c.Anchor, c.Pages = since, 0, "", 0
		return c, true
	}
	if b.numbered {
		c.Pages++
		return c, true
	}
	c.Offset, c.Anchor = c.skip()+len(b.rows), last.id
	return c, true
}

// finish ends a pass: the next one reads what was modified since this one began.
func (c cursor) finish() cursor {
	from := max(1, c.Began-overlap.Milliseconds())
	return cursor{Mode: modeFeed, From: from}
}

// pages reads one page of an object by its pager. Its last page proves what is not there
// (R21): no row was skipped.
func pages(ctx context.Context, q connector.Query, limit int, call pager) (connector.Page, error) {
	cur, err := parseCursor(q.Cursor)
	if err != nil {
		return connector.Page{}, err
	}
	if q.Sweep() && cur.Mode == modeFeed {
		cur = cursor{Mode: modeList}
	}
	if q.Limit > 0 {
		limit = max(2, min(limit, q.Limit)) // one row is the anchor
	}
	b, err := call(ctx, cur, limit)
	if err != nil {
		return connector.Page{}, err
	}
	if cur.Began == 0 {
		cur.Began = b.at.UnixMilli()
	}
	page := connector.Page{Changes: make([]connector.Change, 0, len(b.rows))}
	for i, r := range b.rows {
		if i > 0 || r.id != cur.Anchor {
			page.Changes = append(page.Changes, r.change)
		}
	}
	listing := cur.Mode == modeList
	if cur, page.More = cur.next(b, limit); !page.More {
		page.Complete = listing && !cur.Loose
		cur = cur.finish()
		if q.Sweep() {
			cur = cursor{Mode: modeList}
		}
	}
	page.Next = cur.encode()
	return page, nil
}
