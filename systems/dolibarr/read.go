package dolibarr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// timezone returns PHP's zone, asked for once.
func (c *conn) timezone(ctx context.Context) (*time.Location, error) {
	c.mu.Lock()
	zone := c.zone
	c.mu.Unlock()
	if zone != nil {
		return zone, nil
	}
	s, err := c.status(ctx)
	if err != nil {
		return nil, err
	}
	return s.location(), nil
}

// A listing is a request for a list.
type listing struct {
	filter     string
	properties []string
	limit      int
}

// A list is an answer to it.
type list struct {
	rows  []wireRow
	began time.Time // a moment of the server's clock not later than the reading's beginning
	limit int       // the limit that was used at last
	asked int
}

// list reads one page, by id. It halves the page as long as PHP's memory is too small for
// it, and remembers.
func (c *conn) list(ctx context.Context, o object, l listing) (list, error) {
	got := list{limit: l.limit, asked: l.limit}
	for {
		query := url.Values{
			"limit": {strconv.Itoa(got.limit)}, "sortfield": {o.key}, "sortorder": {"ASC"},
			"properties": {strings.Join(l.properties, ",")},
		}
		filter := l.filter
		if o.only != nil {
			filter = both(o.only.filter, filter)
		}
		if filter != "" {
			query.Set("sqlfilters", filter)
		}
		began := time.Now()
		var rows []wireRow
		res, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: o.path, Query: query, Into: &rows})
		switch {
		case errors.Is(err, errTooMuch) && got.limit > 1:
			got.limit /= 2
			c.mu.Lock()
			c.most[o.Name] = got.limit
			c.mu.Unlock()
			continue
		case errors.Is(err, errNothing):
			rows = nil
		case err != nil:
			return list{}, err
		}
		got.rows, got.began = rows, serverClock(res, began)
		c.learn(o, rows)
		return got, nil
	}
}

// serverClock returns a moment by the server's clock that was not after the request
// began. The Date of an answer is of its end, in whole seconds.
func serverClock(res *rest.Response, began time.Time) time.Time {
	took := time.Since(began)
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return date.Add(-took - time.Second)
	}
	return began.Add(-time.Second)
}

// learn takes the evidence of how the clocks of PHP and the database differ.
func (c *conn) learn(o object, rows []wireRow) {
	var d drift
	for _, row := range rows {
		d = d.with(row.number(o.created), row.number(o.modified))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drift = c.drift.and(d)
}

// Read reads records by id in one call. Those that are missing from the answer are asked
// for one by one, because a list also leaves out what the key may not see (R21).
func (c *conn) Read(ctx context.Context, name string, ids []string) ([]connector.Change, error) {
	o, err := objectOf(name)
	if err != nil {
		return nil, err
	}
	changes, err := c.read(ctx, o, ids)
	if err != nil {
		return nil, fmt.Errorf("read %s by id: %w", o.Name, err)
	}
	return changes, nil
}

func (c *conn) read(ctx context.Context, o object, ids []string) ([]connector.Change, error) {
	decode, err := c.decoder(ctx, o)
	if err != nil {
		return nil, err
	}
	var numeric []string
	for _, id := range ids {
		if isID(id) {
			numeric = append(numeric, id)
		}
	}
	found := map[string]connector.Change{}
	if len(numeric) > 0 {
		got, err := c.listAll(ctx, o, "("+o.key+":in:"+strings.Join(numeric, ",")+")", len(numeric)+1) // a full page would be asked for its next
		if err != nil {
			return nil, err
		}
		for _, row := range got {
			found[row.text("id")] = decode(row)
		}
	}
	changes := make([]connector.Change, 0, len(ids))
	for _, id := range ids {
		ch, ok := found[id]
		if !ok {
			if ch, err = c.confirm(ctx, o, id, decode); err != nil {
				return nil, err
			}
		}
		changes = append(changes, ch)
	}
	return changes, c.addTags(ctx, o, changes)
}

// decoder returns what turns rows into changes.
func (c *conn) decoder(ctx context.Context, o object) (func(wireRow) connector.Change, error) {
	zone, err := c.timezone(ctx)
	if err != nil {
		return nil, err
	}
	extras, err := c.extrasOf(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	return func(row wireRow) connector.Change {
		c.mu.Lock()
		d := c.drift
		c.mu.Unlock()
		return change(o, row, extras, zone, d, false)
	}, nil
}

// listAll reads all records that a filter lets through.
func (c *conn) listAll(ctx context.Context, o object, filter string, limit int) ([]wireRow, error) {
	var all []wireRow
	for after := int64(0); ; {
		l := listing{filter: filter, properties: properties(o, nil), limit: limit}
		if after > 0 {
			if filter != "" {
				l.filter = "(" + filter + ")"
			}
			l.filter = both(l.filter, fmt.Sprintf("(%s:>:%d)", o.key, after))
		}
		got, err := c.list(ctx, o, l)
		if err != nil {
			return nil, err
		}
		all = append(all, got.rows...)
		if len(got.rows) < got.limit || len(got.rows) == 0 {
			return all, nil
		}
		limit = got.limit
		after = got.rows[len(got.rows)-1].number("id")
	}
}

// confirm asks for one record that a list did not show: unknown means deleted, forbidden
// means out of sight.
func (c *conn) confirm(ctx context.Context, o object, id string, decode func(wireRow) connector.Change) (connector.Change, error) {
	ref := record.Ref{Object: o.Name, ID: id}
	gone := connector.Change{Record: record.Record{Ref: ref}, Fate: connector.Deleted}
	if !isID(id) {
		return gone, nil
	}
	row, err := c.get(ctx, o, id)
	switch kind := connector.KindOf(err); {
	case err == nil:
		return decode(row), nil
	case kind == connector.NotFound:
		return gone, nil
	case kind == connector.Forbidden && connector.ErrorOf(err).Scope != connector.ScopeConnection:
		gone.Fate = connector.Left
		return gone, nil
	}
	return connector.Change{}, err
}

// isID reports whether a record can have that id. None has 0, for which the API answers
// 200 and a specimen (recorded).
func isID(id string) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return err == nil && n > 0
}

// get reads one record. An answer without that id is the empty shell that Dolibarr gives
// where it found nothing it likes (recorded).
func (c *conn) get(ctx context.Context, o object, id string) (wireRow, error) {
	var row wireRow
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: o.path + "/" + url.PathEscape(id), Into: &row}); err != nil {
		return nil, err
	}
	if row.text("id") != id {
		return nil, &connector.Error{Kind: connector.NotFound, Err: errors.New("the answer is of no record")}
	}
	return row, nil
}
