package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// place remembers where reading goes on after a page.
func (t *tx) place(object int64, p Page) error {
	f, err := t.s.feed(t.ctx, t.run, object, p.Partition, p.Feed)
	if err != nil {
		return err
	}
	f.Cursor = p.Next
	if p.Total > 0 {
		f.Total = p.Total
	}
	if !p.Listing.IsZero() {
		f.Began, f.Fields = p.Listing, p.Fields
		if p.Done {
			f.ListedAt = p.Listing
		}
	}
	if p.Done {
		f.Began, f.Polled = fromMicros(0), p.Began
	}
	if p.Done && p.Feed != FeedChanges {
		f.Cursor = "" // the next one begins anew
	}
	return t.putFeed(object, p.Partition, p.Feed, f)
}

func (t *tx) putFeed(object int64, part string, kind FeedKind, f Feed) error {
	_, err := t.exec(`INSERT INTO feeds (workspace, object, part, kind, place, began, listed_at, fields, total, polled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (object, part, kind) DO UPDATE SET place = excluded.place,
		began = excluded.began, listed_at = excluded.listed_at, fields = excluded.fields, total = excluded.total,
		polled = excluded.polled`,
		t.s.workspace, object, part, string(kind), string(f.Cursor), micros(f.Began), micros(f.ListedAt), f.Fields, f.Total, micros(f.Polled))
	if err != nil {
		return fmt.Errorf("keep the place: %w", err)
	}
	return nil
}

func (s *Store) feed(ctx context.Context, q runner, object int64, part string, kind FeedKind) (Feed, error) {
	var f Feed
	var began, listed, polled int64
	err := q.each(ctx, `SELECT place, began, listed_at, fields, total, polled FROM feeds WHERE object = ? AND part = ? AND kind = ?`,
		args(object, part, string(kind)), func(scan scanner) error {
			return scan(&f.Cursor, &began, &listed, &f.Fields, &f.Total, &polled)
		})
	if err != nil {
		return Feed{}, fmt.Errorf("read the place: %w", err)
	}
	f.Began, f.ListedAt, f.Polled = fromMicros(began), fromMicros(listed), fromMicros(polled)
	return f, nil
}

// Feed returns how far an object, or a partition of it, has been read; a zero Feed if it
// never was.
func (s *Store) Feed(ctx context.Context, of Object, partition string, kind FeedKind) (Feed, error) {
	var f Feed
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		f, err = s.feed(ctx, q, object, partition, kind)
		return err
	})
	if err != nil {
		return Feed{}, fmt.Errorf("feed of %s: %w", of, err)
	}
	return f, nil
}

// ResetFeed forgets the cursor and the listing under way, so that everything is listed
// again. When the last listing ended, and with which fields, stays.
func (s *Store) ResetFeed(ctx context.Context, of Object, partition string, kind FeedKind) error {
	return s.write(ctx, "reset the feed of "+of.String(), func(t *tx) error {
		object, err := t.object(of)
		if err != nil {
			return err
		}
		_, err = t.exec(`UPDATE feeds SET place = '', began = 0 WHERE object = ? AND part = ? AND kind = ?`,
			object, partition, string(kind))
		return err
	})
}

// SaveConnection remembers what is known of a connection, in place of what was.
func (s *Store) SaveConnection(ctx context.Context, c Connection) error {
	identity, err := json.Marshal(c.Identity)
	if err != nil {
		return fmt.Errorf("encode the identity of %s: %w", c.Name, err)
	}
	schema, err := json.Marshal(c.Schema)
	if err != nil {
		return fmt.Errorf("encode the schema of %s: %w", c.Name, err)
	}
	return s.write(ctx, "save the connection "+c.Name, func(t *tx) error {
		_, err := t.exec(`INSERT INTO connections (workspace, name, system, identity, checked_at, schema, schema_at, paused)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, name) DO UPDATE SET system = excluded.system,
			identity = excluded.identity, checked_at = excluded.checked_at, schema = excluded.schema,
			schema_at = excluded.schema_at, paused = excluded.paused`,
			s.workspace, c.Name, c.System, string(identity), micros(c.CheckedAt), string(schema), micros(c.SchemaAt), c.Paused)
		return err
	})
}

// Connection returns what is remembered of a connection, and whether anything is.
func (s *Store) Connection(ctx context.Context, name string) (Connection, bool, error) {
	list, err := s.connections(ctx, `AND name = ?`, name)
	if err != nil || len(list) == 0 {
		return Connection{}, false, err
	}
	return list[0], true, nil
}

// Connections returns all connections that are remembered, by name.
func (s *Store) Connections(ctx context.Context) ([]Connection, error) {
	return s.connections(ctx, `ORDER BY name`)
}

func (s *Store) connections(ctx context.Context, tail string, more ...any) ([]Connection, error) {
	var list []Connection
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT name, system, identity, checked_at, schema, schema_at, paused FROM connections
			WHERE workspace = ? `+tail, append(args(s.workspace), more...), func(scan scanner) error {
			var c Connection
			var identity, schema []byte
			var checked, at int64
			if err := scan(&c.Name, &c.System, &identity, &checked, &schema, &at, &c.Paused); err != nil {
				return err
			}
			c.CheckedAt, c.SchemaAt = fromMicros(checked), fromMicros(at)
			if err := json.Unmarshal(identity, &c.Identity); err != nil {
				return fmt.Errorf("identity of %s: %w", c.Name, err)
			}
			if err := json.Unmarshal(schema, &c.Schema); err != nil {
				return fmt.Errorf("schema of %s: %w", c.Name, err)
			}
			list = append(list, c)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read connections: %w", err)
	}
	return list, nil
}

// An ObjectState is what the mirror has of one object, and when it was last read.
type ObjectState struct {
	Present int       // rows
	Read    time.Time // when the last read began that came to its end; zero = none has yet
	Listing time.Time // when the listing under way began; zero = none is
	Total   int       // records in all, as the vendor last said; 0 = it does not say
}

// Objects returns how the mirror stands for every object that it knows.
func (s *Store) Objects(ctx context.Context) (map[Object]ObjectState, error) {
	all := map[Object]ObjectState{}
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT o.connection, o.name, o.present, COALESCE(MIN(f.polled), 0), COALESCE(MAX(f.began), 0), CAST(COALESCE(SUM(f.total), 0) AS BIGINT)
			FROM objects o LEFT JOIN feeds f ON f.object = o.id AND f.kind = ? WHERE o.workspace = ?
			GROUP BY o.connection, o.name, o.present`, args(string(FeedChanges), s.workspace), func(scan scanner) error {
			var of Object
			var x ObjectState
			var read, listing int64
			err := scan(&of.Connection, &of.Name, &x.Present, &read, &listing, &x.Total)
			x.Read, x.Listing = fromMicros(read), fromMicros(listing)
			all[of] = x
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read how the mirror stands: %w", err)
	}
	return all, nil
}
