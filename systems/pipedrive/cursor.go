package pipedrive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// A cursor is where reading goes on.
//
// A listing goes by id, or in version 1 by the time of creation; what is archived comes
// behind the rest. From then on changes are asked for by the time of the last one, in passes:
// each goes back behind the beginning of the last one by the overlap, to the second before
// which nothing can come any more. Within a pass Pipedrive's own cursor is followed, which is
// a place and not an offset, so that records of one second do not hold it up; the offsets of
// version 1 are watched, see anchor. All times are seconds of Pipedrive's clock.
type cursor struct {
	Mode  mode    `json:"m"`
	Shelf bool    `json:"s,omitempty"` // what is archived is read
	After string  `json:"a,omitempty"` // version 2: the vendor's cursor; users: the last id
	At    *anchor `json:"o,omitempty"` // version 1: the last row
	// Pick narrows a listing; it has no effect on what is read later.
	Pick  map[string]string `json:"q,omitempty"`
	Began int64             `json:"b,omitempty"` // when the listing or the pass under way began; 0 = none is under way
	Seen  int64             `json:"f,omitempty"` // when the last pass, or the listing, began
	Old   int64             `json:"r,omitempty"` // the same of the last pass that read what is archived
}

type mode string

const (
	modeList mode = "list"
	modeFeed mode = "feed"
)

func expired(why string) error {
	return &connector.Error{Kind: connector.Expired, Scope: connector.ScopeObject, Err: fmt.Errorf("read cursor: %s", why)}
}

// parseCursor reads a cursor that was stored, maybe by another version.
func parseCursor(text connector.Cursor) (cursor, error) {
	if text == "" {
		return cursor{Mode: modeList}, nil
	}
	var c cursor
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || d.More() {
		return cursor{}, expired("it is none of ours")
	}
	feed := c.Mode == modeFeed && c.Seen > 0
	if !feed && c.Mode != modeList || c.Began < 0 || c.Seen < 0 || c.Old < 0 || c.At != nil && c.At.Start < 0 ||
		feed && c.Pick != nil || !pickable(c.Pick) {
		return cursor{}, expired("it is none of ours")
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

// since is from when on changes are asked for in the pass under way.
func (c cursor) since() time.Time {
	from := c.Seen
	if c.Shelf {
		from = c.Old
	}
	return time.Unix(from, 0).Add(-overlap).UTC()
}

// next moves the cursor behind a page and says whether more can be read now. now is the
// vendor's time.
func (c cursor) next(k kind, more bool, now time.Time) (cursor, bool) {
	if more {
		return c, true
	}
	c.After, c.At = "", nil
	shelf := k.archives && !c.Shelf && (c.Mode == modeList || now.Sub(time.Unix(c.Old, 0)) >= archive)
	if shelf {
		c.Shelf = true
		return c, true
	}
	if c.Mode == modeList || c.Shelf {
		c.Old = c.Began
	}
	return cursor{Mode: modeFeed, Seen: c.Began, Old: c.Old}, false
}

// An anchor is the last row that was read of a list that goes by offset.
type anchor struct {
	Start int    `json:"n"` // rows before the next one
	ID    string `json:"i"`
	Key   int64  `json:"k"` // by what the list is sorted
}
