package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// A Door is how the vendor of one connection reaches us, and what came that way.
type Door struct {
	Connection string
	Key        string    // part of its address, which nobody can guess
	Address    string    // that the vendor was last asked to call; "" = it was not
	Since      time.Time // when it was
	Renew      time.Time // until when that holds; zero = until it is taken back
	Heard      time.Time // when a delivery was last accepted; zero = never
	Lost       time.Time // when notifications were dropped that no reading has made up for; zero = none were
	Silent     time.Time // since when it is odd that nothing comes; zero = it is not
	Problem    string    // why the vendor could not be asked to call; "" = it could
	Accepted   int64     // deliveries
	Duplicate  int64     // hints of records that had one waiting
	Refused    int64
	Busy       int64
}

// OpenDoor returns a connection's door, and makes one with a new key if there is none.
func (s *Store) OpenDoor(ctx context.Context, connection string) (Door, error) {
	door, found, err := s.Door(ctx, connection)
	if err != nil || found {
		return door, err
	}
	err = s.write(ctx, "make the door of "+connection, func(t *tx) error {
		_, err := t.exec(`INSERT INTO doors (workspace, connection, secret, address, since, renew, heard, lost, silent, problem, accepted,
			duplicate, refused, busy) VALUES (?, ?, ?, '', 0, 0, 0, 0, 0, '', 0, 0, 0, 0) ON CONFLICT (workspace, connection) DO NOTHING`,
			s.workspace, connection, rand.Text())
		return err
	})
	if err != nil {
		return Door{}, err
	}
	door, _, err = s.Door(ctx, connection)
	return door, err
}

// Door returns a connection's door, and whether there is one.
func (s *Store) Door(ctx context.Context, connection string) (Door, bool, error) {
	d := Door{Connection: connection}
	found := false
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT secret, address, since, renew, heard, lost, silent, problem, accepted, duplicate, refused, busy
			FROM doors WHERE workspace = ? AND connection = ?`, args(s.workspace, connection), func(scan scanner) error {
			var since, renew, heard, lost, silent int64
			err := scan(&d.Key, &d.Address, &since, &renew, &heard, &lost, &silent, &d.Problem, &d.Accepted, &d.Duplicate, &d.Refused, &d.Busy)
			d.Since, d.Renew, d.Heard = fromMicros(since), fromMicros(renew), fromMicros(heard)
			d.Lost, d.Silent, found = fromMicros(lost), fromMicros(silent), true
			return err
		})
	})
	if err != nil {
		return Door{}, false, fmt.Errorf("read the door of %s: %w", connection, err)
	}
	return d, found, nil
}

// SaveDoor remembers what the vendor was asked for, and whether it is silent: Address,
// Since, Renew, Silent and Problem. What deliveries bring is TakeHints's.
func (s *Store) SaveDoor(ctx context.Context, d Door) error {
	return s.write(ctx, "save the door of "+d.Connection, func(t *tx) error {
		n, err := t.exec(`UPDATE doors SET address = ?, since = ?, renew = ?, silent = ?, problem = ? WHERE workspace = ? AND connection = ?`,
			d.Address, micros(d.Since), micros(d.Renew), micros(d.Silent), d.Problem, s.workspace, d.Connection)
		if err == nil && n == 0 {
			err = ErrNoDoor
		}
		return err
	})
}

// FoundLost forgets that notifications were dropped until then: the connection's objects
// have been read on since.
func (s *Store) FoundLost(ctx context.Context, connection string, until time.Time) error {
	return s.write(ctx, "note what was read of "+connection, func(t *tx) error {
		_, err := t.exec(`UPDATE doors SET lost = 0 WHERE workspace = ? AND connection = ? AND lost <= ?`, s.workspace, connection, micros(until))
		return err
	})
}

// CloseDoor forgets a connection's door and its key: whoever calls there is not known any more.
func (s *Store) CloseDoor(ctx context.Context, connection string) error {
	return s.write(ctx, "close the door of "+connection, func(t *tx) error {
		_, err := t.exec(`DELETE FROM doors WHERE workspace = ? AND connection = ?`, s.workspace, connection)
		return err
	})
}
