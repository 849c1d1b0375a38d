package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tandemhub/tandem/record"
)

// names are the small numbers under which rows know objects and syncs. A number is never
// given up or changed, so what was read once stays true; a sync's ends may change.
type names struct {
	mu      *sync.RWMutex
	objects map[Object]int64
	byID    map[int64]Object
	syncs   map[string]syncEnds
	syncIDs map[int64]string
}

// syncEnds are a sync's number and the objects of its two sides, 0 if not yet known.
type syncEnds struct {
	id   int64
	ends [2]int64
}

func newNames() names {
	return names{&sync.RWMutex{}, map[Object]int64{}, map[int64]Object{}, map[string]syncEnds{}, map[int64]string{}}
}

// add takes over the names that a transaction has made, once it is true.
func (n *names) add(made *names) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.Copy(n.objects, made.objects)
	maps.Copy(n.byID, made.byID)
	maps.Copy(n.syncs, made.syncs)
	maps.Copy(n.syncIDs, made.syncIDs)
}

func (n *names) putObject(of Object, id int64) { n.objects[of], n.byID[id] = id, of }

func (n *names) putSync(name string, e syncEnds) { n.syncs[name], n.syncIDs[e.id] = e, name }

func (n *names) object(of Object) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.objects[of]
}

func (n *names) sync(name string) syncEnds {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.syncs[name]
}

func (n *names) objectOf(id int64) Object {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.byID[id]
}

func (n *names) syncOf(id int64) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.syncIDs[id]
}

// objectsOf returns the numbers of a connection's objects, or of one of them.
func (n *names) objectsOf(connection, object string) []int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	ids := []int64{}
	for of, id := range n.objects {
		if of.Connection == connection && (object == "" || of.Name == object) {
			ids = append(ids, id)
		}
	}
	return ids
}

// allSyncs returns the numbers of all syncs and the 0 of what is of none.
func (n *names) allSyncs() []int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return append(slices.Collect(maps.Keys(n.syncIDs)), 0)
}

// learn reads all names; there are few.
func (s *Store) learn(ctx context.Context, q runner) error {
	got := newNames()
	err := q.each(ctx, `SELECT id, connection, name FROM objects WHERE workspace = ?`, args(s.workspace), func(scan scanner) error {
		var id int64
		var of Object
		err := scan(&id, &of.Connection, &of.Name)
		got.putObject(of, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the objects: %w", err)
	}
	err = q.each(ctx, `SELECT id, name, left_object, right_object FROM syncs WHERE workspace = ?`, args(s.workspace), func(scan scanner) error {
		var e syncEnds
		var name string
		err := scan(&e.id, &name, &e.ends[record.Left], &e.ends[record.Right])
		got.putSync(name, e)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the syncs: %w", err)
	}
	s.names.add(&got)
	return nil
}

// object returns an object's number for reading: 0 if nothing is known of it.
func (s *Store) object(ctx context.Context, q runner, of Object) (int64, error) {
	if id := s.names.object(of); id != 0 || of == (Object{}) {
		return id, nil
	}
	err := s.learn(ctx, q)
	return s.names.object(of), err
}

// sync returns a sync's number and ends for reading: zeros if nothing is known of it.
func (s *Store) sync(ctx context.Context, q runner, name string) (syncEnds, error) {
	if e := s.names.sync(name); e.ends[record.Left] != 0 || name == "" || s.owner {
		return e, nil
	}
	err := s.learn(ctx, q)
	return s.names.sync(name), err
}

// knowNames makes sure that every number in the rows to be read has its name. A process
// that does not own the database learns them each time, as the owner may have made more.
func (s *Store) knowNames(ctx context.Context, q runner) error {
	if s.owner {
		return nil
	}
	return s.learn(ctx, q)
}

// object returns an object's number, which it gives if there is none.
func (t *tx) object(of Object) (int64, error) {
	if id := t.named.objects[of]; id != 0 || of == (Object{}) {
		return id, nil
	}
	if id := t.s.names.object(of); id != 0 {
		return id, nil
	}
	_, err := t.exec(`INSERT INTO objects (workspace, connection, name, present, keyed) VALUES (?, ?, ?, 0, '')
		ON CONFLICT (workspace, connection, name) DO NOTHING`, t.s.workspace, of.Connection, of.Name)
	if err != nil {
		return 0, fmt.Errorf("name the object %s: %w", of, err)
	}
	var id int64
	err = t.each(`SELECT id FROM objects WHERE workspace = ? AND connection = ? AND name = ?`,
		args(t.s.workspace, of.Connection, of.Name), func(scan scanner) error { return scan(&id) })
	if err != nil {
		return 0, fmt.Errorf("name the object %s: %w", of, err)
	}
	t.named.putObject(of, id)
	return id, nil
}

// sync returns a sync's number and ends; it gives the number if there is none.
func (t *tx) sync(name string) (syncEnds, error) {
	if e := t.named.syncs[name]; e.id != 0 || name == "" {
		return e, nil
	}
	if e := t.s.names.sync(name); e.id != 0 {
		return e, nil
	}
	made, err := t.exec(`INSERT INTO syncs (workspace, name, left_object, right_object, left_mark, right_mark)
		VALUES (?, ?, 0, 0, 0, 0) ON CONFLICT (workspace, name) DO NOTHING`, t.s.workspace, name)
	if err != nil {
		return syncEnds{}, fmt.Errorf("name the sync %s: %w", name, err)
	}
	var e syncEnds
	err = t.each(`SELECT id, left_object, right_object FROM syncs WHERE workspace = ? AND name = ?`, args(t.s.workspace, name),
		func(scan scanner) error { return scan(&e.id, &e.ends[record.Left], &e.ends[record.Right]) })
	if err != nil {
		return syncEnds{}, fmt.Errorf("name the sync %s: %w", name, err)
	}
	if made > 0 { // R34
		_, err := t.exec(`INSERT INTO restores (workspace, sync, at, taken, home) SELECT workspace, ?, at, taken, home FROM restores WHERE sync = ?`, e.id, t.s.unknownSyncs())
		if err != nil {
			return syncEnds{}, fmt.Errorf("mark the sync %s as restored: %w", name, err)
		}
	}
	t.named.putSync(name, e)
	return e, nil
}

// syncsOf returns the syncs that have the object on that side.
func (t *tx) syncsOf(object int64, side record.Side) []int64 {
	ids := []int64{}
	t.s.names.mu.RLock()
	defer t.s.names.mu.RUnlock()
	for name, e := range t.s.names.syncs {
		if made, ok := t.named.syncs[name]; ok {
			e = made
		}
		if e.ends[side] == object {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// SetSync says which objects a sync connects. It comes before the first facts of the
// sync: links and operations are judged by it.
func (s *Store) SetSync(ctx context.Context, sync string, left, right Object) error {
	return s.write(ctx, "register the sync "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		ends := [2]int64{}
		for i, of := range [2]Object{left, right} {
			if ends[i], err = t.object(of); err != nil {
				return err
			}
		}
		if e.ends == ends {
			return nil
		}
		e.ends = ends
		t.named.putSync(sync, e)
		_, err = t.exec(`UPDATE syncs SET left_object = ?, right_object = ? WHERE id = ?`,
			ends[record.Left], ends[record.Right], e.id)
		return err
	})
}
