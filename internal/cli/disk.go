package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// roomEvery is how often is looked whether a full disk has room again.
const roomEvery = 30 * time.Second

// A disk sees to it that a server stops taking in when the disk is full, and goes on by itself
// when there is room.
type disk struct {
	store *store.Store
	log   *slog.Logger
	tidy  func(context.Context) error
	roomy chan struct{} // holds one when there is room again
}

func newDisk(s *store.Store, log *slog.Logger, tidy func(context.Context) error) *disk {
	return &disk{store: s, log: log, tidy: tidy, roomy: make(chan struct{}, 1)}
}

func (d *disk) full() bool {
	if d == nil {
		return false
	}
	_, full := d.store.Full()
	return full
}

// watch cleans up whenever the disk is full, until there is room.
func (d *disk) watch(ctx context.Context) {
	if d == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.store.Filled():
		}
		d.log.Error("nothing is taken in or written until there is room: vendors are told to come again, and runs wait", "error", d.store.Roomy())
		if !d.clean(ctx) {
			return
		}
		d.log.Info("there is room on the disk again, and everything goes on")
		select {
		case d.roomy <- struct{}{}:
		default:
		}
	}
}

// clean tries to make room again and again. It reports false if it was told to stop before
// there was any.
func (d *disk) clean(ctx context.Context) bool {
	for {
		if err := d.tidy(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrFull) {
			d.log.Warn("cleaning up on the full disk did not go well; it is tried again", "error", err)
		}
		if !d.full() {
			return true
		}
		timer := time.NewTimer(roomEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// wait returns when there is room again, or all is to end.
func (d *disk) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-d.roomy:
	}
}

// again is signalled when there is room again.
func (d *disk) again() <-chan struct{} {
	if d == nil {
		return nil
	}
	return d.roomy
}

func (d *disk) weigh(ctx context.Context, m *meters) error {
	if d == nil {
		return nil
	}
	takes, err := d.store.Disk(ctx)
	if err != nil {
		return fmt.Errorf("measure the database: %w", err)
	}
	m.weighs(takes, d.full())
	return nil
}

// catchUp makes every sync due that may have been cut off when the disk was full.
func (s *server) catchUp() {
	now := time.Now()
	for _, sync := range s.table.syncs {
		s.table.hurry(sync.Name, now)
	}
}
