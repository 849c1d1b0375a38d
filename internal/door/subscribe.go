package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// Doors remembers what vendors were asked for.
type Doors interface {
	OpenDoor(ctx context.Context, connection string) (store.Door, error)
	SaveDoor(ctx context.Context, d store.Door) error
}

// A Subscription keeps one vendor calling, as far as it can be asked to, and notices when it
// has been silent for too long.
type Subscription struct {
	Connection string
	Address    string
	Key        string // part of Address that nobody is to read in a log
	Objects    []string
	Quiet      time.Duration // of the Spec's Door
	Doors      Doors
	// Ready returns who asks the vendor, once the connection is known to be usable.
	Ready func(ctx context.Context) (connector.Subscriber, error)
	// Visits says that the vendor comes to exchange records: if it does not, nobody else can.
	Visits bool
	Moved  func()            // told when the vendor calls another address than before; nil = nobody wants to know
	Silent func(silent bool) // told how it stands; nil = nobody wants to know
	Log    *slog.Logger

	asked    bool // in this process
	failures int
}

const (
	// lookAgain is how often is looked, at the least, whether a vendor is silent.
	lookAgain = time.Hour
	// askAgain bounds the time until a vendor is asked again that could not be asked.
	askAgain = time.Hour
)

// Run asks, renews and watches until ctx ends. Its error is the store's; a full disk is none,
// nor is a door that somebody has closed meanwhile.
func (s *Subscription) Run(ctx context.Context) error {
	for {
		next, err := s.Look(ctx, time.Now())
		if errors.Is(err, store.ErrFull) {
			next, err = time.Now().Add(time.Minute), nil // it is told of elsewhere, and ends some time
		}
		if errors.Is(err, store.ErrNoDoor) {
			next, err = time.Now().Add(time.Minute), nil // somebody has just closed it; ours is opened anew
		}
		if err != nil {
			return unlessOver(ctx, err)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// unlessOver is err, unless it only says that all is to end.
func unlessOver(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// Look does what is to be done by now, and returns when to look again.
func (s *Subscription) Look(ctx context.Context, now time.Time) (time.Time, error) {
	d, err := s.Doors.OpenDoor(ctx, s.Connection)
	if err != nil {
		return now, fmt.Errorf("look after the door of %s: %w", s.Connection, err)
	}
	before := d
	if s.Visits && d.Since.IsZero() {
		d.Since = now // from now on it is expected
	}
	fell := s.listen(&d, now)
	wait := time.Duration(0)
	if s.Ready != nil && (fell || !s.asked || d.Address != s.Address || !d.Renew.IsZero() && !renewal(d.Renew, now).After(now)) {
		wait = s.ask(ctx, &d, now, fell)
	}
	if s.Silent != nil {
		s.Silent(!d.Silent.IsZero())
	}
	if d != before {
		if err := s.Doors.SaveDoor(ctx, d); err != nil {
			return now, fmt.Errorf("look after the door of %s: %w", s.Connection, err)
		}
	}
	return s.next(d, now, wait), nil
}

// renewal is when a subscription is renewed: well before its end, and soon if that is near.
func renewal(until, now time.Time) time.Time {
	left := until.Sub(now)
	if left <= time.Minute {
		return now
	}
	return until.Add(-min(left/4, 24*time.Hour))
}

// listen notices that a vendor has fallen silent, or speaks again. It reports whether it
// has been silent for another while.
func (s *Subscription) listen(d *store.Door, now time.Time) bool {
	last := later(d.Heard, d.Since)
	if s.Quiet == 0 || last.IsZero() || now.Sub(last) < s.Quiet {
		return false
	}
	if s.Ready == nil && !d.Silent.IsZero() {
		return false // nothing can be done but to say so, and that was said
	}
	if d.Silent.IsZero() {
		d.Silent = now
	}
	log := s.Log.With("connection", s.Connection, "since", last.UTC().Format(time.RFC3339), "usual", s.Quiet.String())
	if s.Visits {
		log.Warn("a vendor has not visited for long; until it does nothing is exchanged with it")
	} else {
		log.Warn("a vendor has not called for long; its changes are read by the schedule")
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ask has the vendor call our address and nobody else's of ours. It returns how long to wait
// after a failure, 0 if there was none.
func (s *Subscription) ask(ctx context.Context, d *store.Door, now time.Time, anew bool) time.Duration {
	renew, err := s.subscribe(ctx, d, anew)
	if err != nil {
		if ctx.Err() != nil {
			return time.Minute
		}
		d.Problem = strings.ReplaceAll(err.Error(), s.Key, "…") // invariant 9
		s.Log.Warn("a vendor could not be asked to call", "connection", s.Connection, "error", d.Problem)
		s.failures++
		return min(time.Minute<<min(s.failures-1, 6), askAgain)
	}
	if anew || d.Since.IsZero() || d.Address != s.Address {
		d.Since = now
	}
	if moved := d.Address != "" && d.Address != s.Address; moved && s.Moved != nil {
		s.Moved()
	}
	s.asked, s.failures = true, 0
	d.Address, d.Renew, d.Problem = s.Address, renew, ""
	return 0
}

func (s *Subscription) subscribe(ctx context.Context, d *store.Door, anew bool) (time.Time, error) {
	vendor, err := s.Ready(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if d.Address != "" && (d.Address != s.Address || anew) {
		// Ours under another address, or one that has stopped to work.
		if err := vendor.Unsubscribe(ctx, d.Address); err != nil {
			return time.Time{}, err
		}
	}
	return vendor.Subscribe(ctx, s.Address, s.Objects)
}

// Withdraw has the vendor call no more. Run must have ended.
func (s *Subscription) Withdraw(ctx context.Context) error {
	d, err := s.Doors.OpenDoor(ctx, s.Connection)
	if err != nil || d.Address == "" {
		return err
	}
	vendor, err := s.Ready(ctx)
	if err == nil && vendor != nil { // else it could be asked once, and cannot any more
		err = vendor.Unsubscribe(ctx, d.Address)
	}
	if err != nil {
		return fmt.Errorf("unsubscribe %s: %s", s.Connection, strings.ReplaceAll(err.Error(), s.Key, "…")) // invariant 9: the cause may name the key
	}
	d.Address, d.Since, d.Renew, d.Problem = "", time.Time{}, time.Time{}, ""
	return s.Doors.SaveDoor(ctx, d)
}

// next is when something may have to be done.
func (s *Subscription) next(d store.Door, now time.Time, wait time.Duration) time.Time {
	if wait > 0 {
		return now.Add(wait)
	}
	at := now.Add(lookAgain)
	if !d.Renew.IsZero() && s.Ready != nil {
		if renew := renewal(d.Renew, now); renew.Before(at) {
			at = renew
		}
	}
	if s.Quiet > 0 && d.Silent.IsZero() {
		if silent := later(d.Heard, d.Since).Add(s.Quiet); silent.After(now) && silent.Before(at) {
			at = silent
		}
	}
	return later(at, now.Add(time.Second))
}
