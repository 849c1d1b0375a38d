package dolibarr

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// The ways in which Changes reads.
const (
	modeList  = "list"  // everything, by id
	modeSweep = "sweep" // every id
	modeNew   = "new"   // what changed since a moment, by id
)

// overlap is how far a reading of changes goes back behind the last one. Dolibarr stamps a
// row when it writes it and shows it when the transaction ends, and within the transaction
// it calls webhooks that may take their time (8 s each were recorded).
const overlap = time.Minute

// A cursor is where reading goes on. It holds all that the next request needs, so that an
// idle reading after a restart costs one request.
//
// Changes are read by id among what was stamped since a fixed moment, not by stamp: the
// stamp that the API shows is the later one of the record's and of its extrafields', or
// nothing at all, so that nothing safe can be said of the row's own.
type cursor struct {
	Format int               `json:"v"`
	Mode   string            `json:"m"`
	After  int64             `json:"a,omitempty"` // the last id that was shown
	Began  int64             `json:"b,omitempty"` // when this listing or reading began, by the server's clock
	Since  int64             `json:"s,omitempty"` // the moment that this reading of changes goes back to
	Zone   string            `json:"z,omitempty"` // PHP's
	Drift  drift             `json:"d,omitzero"`
	Where  string            `json:"w,omitempty"` // what narrows this listing
	Limit  int               `json:"n,omitempty"` // rows a page, where PHP's memory does not allow the usual
	Kinds  map[string]string `json:"x,omitempty"` // kinds of the extrafields that are no text
}

const cursorFormat = 1

func (c cursor) String() connector.Cursor {
	c.Format = cursorFormat
	b, err := json.Marshal(c)
	if err != nil { // nothing in it can fail
		return ""
	}
	return connector.Cursor(b)
}

// parseCursor reads a cursor. One of another format makes the hub list everything.
func parseCursor(s connector.Cursor) (cursor, error) {
	var c cursor
	err := json.Unmarshal([]byte(s), &c)
	if err == nil && (c.Format != cursorFormat || c.Mode != modeList && c.Mode != modeSweep && c.Mode != modeNew) {
		err = errors.New("it is of another format")
	}
	if err != nil {
		return cursor{}, &connector.Error{
			Kind: connector.Expired, Scope: connector.ScopeObject, Err: fmt.Errorf("read cursor: %w", err),
		}
	}
	return c, nil
}

// literal renders the moment from which changes are read as the database compares it: by
// its own wall clock and without a zone (recorded).
func (c cursor) literal(zone *time.Location) string {
	at := time.Unix(c.Since, 0).Add(-overlap)
	// In the night when the clocks go back, an hour comes twice: what was stamped in its
	// second round may read earlier than what was stamped in the first.
	at = at.Add(min(0, offset(at.Add(2*time.Hour), zone)-offset(at, zone)))
	return at.Add(c.Drift.worst(at, zone)).In(zone).Format(time.DateTime)
}

func offset(at time.Time, zone *time.Location) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// A drift is what is known of how far the database's wall clock is behind PHP's. Where the
// two zones differ, PHP takes the database's stamps for its own time, so that a record
// seems to be changed before it was made (recorded: by two hours in Athens). A record that
// was never changed since tells the difference exactly.
type drift struct {
	Known  bool  `json:"k,omitempty"`
	Behind int64 `json:"s,omitempty"` // seconds; 0 if it is not behind
}

const (
	// farthest is more than any two zones are apart; a stamp still older was imported.
	farthest = 15 * 3600
	// soon is how long after its making a record counts as not changed.
	soon = 120
)

// with adds the evidence of one row.
func (d drift) with(created, modified int64) drift {
	if created == 0 || modified == 0 {
		return d
	}
	late := modified - created
	if late < -farthest || late > soon {
		return d
	}
	return d.and(drift{Known: true, Behind: max(0, -late)})
}

// and takes the evidence of both.
func (d drift) and(e drift) drift {
	return drift{Known: d.Known || e.Known, Behind: max(d.Behind, e.Behind)}
}

// worst returns what to add to a moment so that nothing is missed. If nothing is known,
// the database may keep UTC, which is what most others than PHP's zone are.
func (d drift) worst(at time.Time, zone *time.Location) time.Duration {
	if !d.Known {
		year := at.In(zone).Year()
		summer := max(offset(time.Date(year, 1, 1, 0, 0, 0, 0, zone), zone), offset(time.Date(year, 7, 1, 0, 0, 0, 0, zone), zone))
		return min(0, -summer)
	}
	behind := time.Duration(d.Behind) * time.Second
	if behind > 10*time.Minute {
		behind += time.Hour // only one of the two zones may have a summer time
	}
	return -behind
}

// modified returns when a record was changed by the stamp that the API shows, or zero if
// that cannot be.
func (d drift) modified(stamp int64, created time.Time) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	const quarter = 15 * 60 // zones differ by whole ones
	at := time.Unix(stamp+(d.Behind+quarter/2)/quarter*quarter, 0).UTC()
	if at.Before(created.Add(-soon * time.Second)) {
		return time.Time{}
	}
	return at
}

// kinds returns what a cursor keeps of the extrafields.
func kinds(extras []field) map[string]string {
	m := map[string]string{}
	for _, f := range extras {
		if f.Kind != record.KindText {
			m[f.Name] = string(f.Kind)
		}
	}
	return m
}

// extras are the fields as far as they can be told from a cursor.
func (c cursor) extras() []field {
	var fields []field
	for name, kind := range c.Kinds {
		fields = append(fields, field{Field: record.Field{Name: name, Kind: record.Kind(kind)}})
	}
	return fields
}
