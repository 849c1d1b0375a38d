package hubspot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// A cursor is where reading goes on.
//
// A listing (mode list) goes by the vendor's own cursor, which is ordered by id; one with
// conditions (mode pick) by a search in that order, see [definitions.conditions]. From then
// on changes are searched for (mode feed) by the time of the last modification, ascending.
// The vendor's cursor of a search counts rows, and rows move while they are read, so it
// could skip one; instead every page begins at the time at which the last one ended. That
// also never reaches the 10,000 results beyond which a search cannot be paged.
//
// The search's index is a few moments behind, and not in order. So passes are of two
// kinds: a whole one goes back behind the beginning of the last whole one by the overlap,
// and finds whatever was indexed late; one that begins within the overlap of the last
// whole one reads only what is new, so that a bulk load is not read again and again.
type cursor struct {
	Mode  mode   `json:"m"`
	After string `json:"a,omitempty"` // list and bin: the vendor's cursor; pick: the last id
	Pick  string `json:"q,omitempty"` // pick: the filters of a search

	// Feed. Times are milliseconds of HubSpot's clock.
	From  int64 `json:"f,omitempty"` // rows modified then or later are still to be read,
	ID    int64 `json:"i,omitempty"` // of those modified just then only the ones with a higher id
	Tie   bool  `json:"t,omitempty"` // more rows than a page holds share From: they are read by id
	Full  int64 `json:"w,omitempty"` // when the last whole pass, or the listing, began
	Pass  pass  `json:"p,omitempty"` // the pass that is under way
	Began int64 `json:"b,omitempty"` // when that began
}

type mode string

const (
	modeList mode = "list"
	modeFeed mode = "feed"
	modeBin  mode = "bin"  // a sweep
	modePick mode = "pick" // a listing of what satisfies conditions

	// Owners are always listed; From is since when a change is told, Full when the listing
	// began.
	modeOwners mode = "owners"
)

type pass string

const (
	passNone  pass = ""
	passNew   pass = "new"
	passWhole pass = "whole"
)

func expired(why string) error {
	return &connector.Error{
		Kind: connector.Expired, Scope: connector.ScopeObject,
		Err: fmt.Errorf("read cursor: %s", why),
	}
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
	if !c.sound() {
		return cursor{}, expired("it is none of ours")
	}
	return c, nil
}

// sound reports whether the parts fit the mode.
func (c cursor) sound() bool {
	if c.From < 0 || c.ID < 0 || c.Full < 0 || c.Began < 0 {
		return false
	}
	feed := c.ID != 0 || c.Tie || c.Pass != passNone || c.Began != 0
	if c.Mode == modePick {
		return !feed && c.From == 0 && pickable(c.Pick, c.After)
	}
	if c.Pick != "" {
		return false
	}
	switch c.Mode {
	case modeList, modeBin:
		return !feed && c.From == 0
	case modeOwners:
		return !feed
	case modeFeed:
		known := c.Pass == passNone || c.Pass == passNew || c.Pass == passWhole
		return known && c.After == "" && c.From > 0 && c.Full > 0
	}
	return false
}

func (c cursor) encode() connector.Cursor {
	text, err := json.Marshal(c) //nolint:gosec // its Pass is one over the records
	if err != nil {
		return "" // texts and numbers: it cannot fail, and listing again harms nobody
	}
	return connector.Cursor(text)
}

// start begins a pass if none is under way.
func (c cursor) start(now time.Time) cursor {
	if c.Pass != passNone {
		return c
	}
	c.Pass = passNew
	if now.UnixMilli()-c.Full >= overlap.Milliseconds() {
		c.Pass, c.From, c.ID, c.Tie = passWhole, c.Full-overlap.Milliseconds(), 0, false
	}
	return c
}

// search asks for the next rows.
func (c cursor) search(stamp string, limit int) searchInput {
	from := strconv.FormatInt(c.From, 10)
	same := []filter{
		{Property: stamp, Operator: "EQ", Value: from},
		{Property: propID, Operator: "GT", Value: strconv.FormatInt(c.ID, 10)},
	}
	in := searchInput{Sorts: []sortBy{{Property: stamp, Direction: "ASCENDING"}}, Limit: limit}
	switch {
	case c.Tie:
		in.Groups = []filterGroup{{same}}
		in.Sorts[0].Property = propID
	case c.ID > 0:
		in.Groups = []filterGroup{{[]filter{{Property: stamp, Operator: "GT", Value: from}}}, {same}}
	default:
		in.Groups = []filterGroup{{[]filter{{Property: stamp, Operator: "GTE", Value: from}}}}
	}
	return in
}

// next moves the cursor behind the rows that a search gave and says whether more can be
// read now. full says that the search has more of what it was asked.
func (c cursor) next(object string, rows []row, full bool) (cursor, bool) {
	last := c.From
	if len(rows) > 0 && !c.Tie {
		last = max(last, rows[len(rows)-1].stamp(object).UnixMilli())
	}
	switch {
	case c.Tie:
		c.ID = max(c.ID, highest(object, rows, c.From))
		c.Tie = full
		return c, true // what came after the tie is still to be read
	case full && last == c.From:
		c.Tie = true // their order is not known, so they are read again, by id
		return c, true
	case full:
		c.From, c.ID = last, 0
		return c, true
	case len(rows) > 0:
		if last > c.From {
			c.ID = 0
		}
		c.From, c.ID = last, max(c.ID, highest(object, rows, last))
	}
	if c.Pass == passWhole {
		c.Full = c.Began
	}
	c.Pass, c.Began = passNone, 0
	return c, false
}

// highest returns the highest id of the rows that were modified at that time.
func highest(object string, rows []row, at int64) int64 {
	var most int64
	for _, r := range rows {
		if id, err := strconv.ParseInt(r.ID, 10, 64); err == nil && r.stamp(object).UnixMilli() == at {
			most = max(most, id)
		}
	}
	return most
}
