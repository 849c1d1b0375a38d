package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// A Copy is a backup that is on its way to somebody else: a file that is gone once it is closed.
type Copy struct {
	*os.File

	Backup Backup
	Bytes  int64
}

// Close ends the copy, of which nothing is left.
func (c *Copy) Close() error { return errors.Join(c.File.Close(), removeAny(c.Name())) }

// Copy is Backup for who takes it along. It lies beside the database as long as that takes, so that
// without the room for it nothing is begun: the disk would be full for everybody else. One is made
// at a time; what a killed process has left of one goes with the next.
func (s *Store) Copy(ctx context.Context, b Backup) (*Copy, error) {
	d, err := s.Disk(ctx)
	if err != nil {
		return nil, err
	}
	if d.Path == "" {
		return nil, errors.New("back up: the database is no file")
	}
	if free, known := freeBytes(d.Path); known && free < d.Used()+leastRoom {
		return nil, fmt.Errorf("back up: %w: it takes %d MiB beside %s, and there are %d", ErrFull, d.Used()>>20, d.Path, free>>20)
	}
	path := d.Path + ".copy"
	if err := errors.Join(removeAny(path), removeAny(path+".part")); err != nil {
		return nil, fmt.Errorf("remove what is left of the last copy: %w", err)
	}
	if b, err = s.Backup(ctx, path, b); err != nil {
		return nil, err
	}
	c := &Copy{Backup: b}
	if c.File, err = os.Open(path); err == nil {
		c.Bytes = sizeOf(path)
		return c, nil
	}
	return nil, errors.Join(fmt.Errorf("open the copy: %w", err), removeAny(path))
}
