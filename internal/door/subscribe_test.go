package door_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A feed that gives out numbers and breaks after some of them.
type feed struct {
	mu   sync.Mutex
	next int
}

func (f *feed) WatchHints(ctx context.Context, _ []string, hints chan<- connector.Delivery) error {
	for range 3 {
		f.mu.Lock()
		d := connector.Delivery{Hints: []record.Ref{{Object: "cards", ID: fmt.Sprint(f.next)}}}
		f.mu.Unlock()
		for _, d := range []connector.Delivery{d, {}} { // as the contract says: the second is taken when the first is kept
			select {
			case hints <- d:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		f.mu.Lock()
		f.next++
		f.mu.Unlock()
		time.Sleep(time.Second)
	}
	return errors.New("the connection broke")
}

func TestAFeedIsTakenUpAgainWhenItBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		d := opened(t, plain(k, connector.Door{}))
		f := &feed{}
		ready := 0
		w := &door.Watch{
			Connection: "a b", Objects: []string{"cards"}, Feed: d.Feed, Log: slog.New(slog.DiscardHandler),
			Ready: func(context.Context) (connector.HintWatcher, error) {
				if ready++; ready == 1 {
					return nil, errors.New("not now")
				}
				return f, nil
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		w.Run(ctx)
		ids, _ := k.sum()
		if len(ids) < 12 || len(ids) > 40 {
			t.Errorf("%d hints in two minutes", len(ids))
		}
		if n := f.next; n != len(ids) {
			t.Errorf("%d hints were kept and %d given out", len(ids), n)
		}
	})
}

// The place of a feed stays before what cannot be kept, and moves on when there is room (Invariant 11).
func TestThePlaceOfAFeedStaysBeforeWhatCouldNotBeKept(t *testing.T) {
	t.Parallel()
	for _, why := range []error{errors.New("no"), fmt.Errorf("take hints: %w", store.ErrFull)} {
		synctest.Test(t, func(t *testing.T) {
			f := &feed{}
			var kept []string
			began := time.Now()
			w := &door.Watch{
				Connection: "a b", Objects: []string{"cards"}, Log: slog.New(slog.DiscardHandler),
				Ready: func(context.Context) (connector.HintWatcher, error) { return f, nil },
				Feed: func(_ context.Context, _ string, d connector.Delivery) error {
					time.Sleep(5 * time.Millisecond)
					if time.Since(began) < time.Minute {
						return why
					}
					kept = append(kept, d.Hints[0].ID)
					return nil
				},
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			w.Run(ctx)
			if len(kept) == 0 || kept[0] != "0" || len(kept) != f.next {
				t.Errorf("%v: kept %v, and the place is %d", why, kept, f.next)
			}
		})
	}
}

func TestAFeedThatAConnectionCannotHaveIsSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		asked := 0
		w := &door.Watch{
			Connection: "crm", Log: slog.New(slog.NewTextHandler(&log, nil)),
			Ready: func(context.Context) (connector.HintWatcher, error) {
				asked++
				return nil, &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeConnection, Fix: "fill client_id"}
			},
		}
		w.Run(t.Context())
		if asked != 1 || strings.Contains(log.String(), "WARN") || !strings.Contains(log.String(), "fill client_id") {
			t.Errorf("asked %d times: %s", asked, &log)
		}
	})
}

// A sub is a vendor that can be asked to call.
type sub struct {
	asked, gone []string
	holds       time.Duration
	err         error
}

func (s *sub) Subscribe(_ context.Context, hook string, _ []string) (time.Time, error) {
	if s.err != nil {
		return time.Time{}, s.err
	}
	s.asked = append(s.asked, hook)
	if s.holds == 0 {
		return time.Time{}, nil
	}
	return time.Now().Add(s.holds), nil
}

func (s *sub) Unsubscribe(_ context.Context, hook string) error {
	s.gone = append(s.gone, hook)
	return nil
}

// doors are the store's doors in memory.
type doors struct{ d store.Door }

func (x *doors) OpenDoor(context.Context, string) (store.Door, error) { return x.d, nil }
func (x *doors) SaveDoor(_ context.Context, d store.Door) error       { x.d = d; return nil }

func subscription(vendor *sub, at *doors, log io.Writer) *door.Subscription {
	s := &door.Subscription{Connection: "a", Address: "https://hub.test/hooks/a/secret", Key: "secret", Objects: []string{"cards"},
		Doors: at, Log: slog.New(slog.NewTextHandler(log, nil))}
	if vendor != nil {
		s.Ready = func(context.Context) (connector.Subscriber, error) { return vendor, nil }
	}
	return s
}

func TestAnAddressThatChangedIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor, at := &sub{}, &doors{store.Door{Connection: "a", Address: "https://old.test/hooks/a/secret", Since: time.Now().Add(-time.Hour)}}
		s := subscription(vendor, at, io.Discard)
		for range 3 {
			if _, err := s.Look(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(vendor.gone, []string{"https://old.test/hooks/a/secret"}) || !slices.Equal(vendor.asked, []string{s.Address}) {
			t.Errorf("took back %v and asked for %v", vendor.gone, vendor.asked)
		}
		if at.d.Address != s.Address || !at.d.Since.Equal(time.Now()) {
			t.Errorf("remembered %+v", at.d)
		}
	})
}

func TestAVendorThatRefusesIsAskedAgainLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor, at := &sub{err: errors.New("you may not call https://hub.test/hooks/a/secret")}, &doors{store.Door{Connection: "a"}}
		var log strings.Builder
		s := subscription(vendor, at, &log)
		var waits []time.Duration
		for range 9 {
			next, err := s.Look(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, time.Until(next))
		}
		if waits[0] != time.Minute || waits[1] != 2*time.Minute || waits[8] != time.Hour {
			t.Errorf("waits %v", waits)
		}
		if at.d.Problem == "" || strings.Contains(at.d.Problem+log.String(), "secret") {
			t.Errorf("problem %q, log %s (invariant 9)", at.d.Problem, log.String())
		}
		vendor.err = nil
		if _, err := s.Look(t.Context(), time.Now()); err != nil || at.d.Problem != "" {
			t.Errorf("problem %q: %v", at.d.Problem, err)
		}
	})
}

func TestSilenceOfAVendorThatCannotBeAskedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &doors{store.Door{Connection: "a"}}
		var log strings.Builder
		s := subscription(nil, at, &log)
		s.Quiet = 24 * time.Hour
		silent := false
		s.Silent = func(is bool) { silent = is }
		look := func(after time.Duration) {
			time.Sleep(after)
			if _, err := s.Look(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		look(30 * 24 * time.Hour)
		if silent {
			t.Error("a vendor that never called, and was not asked to, is said to be silent")
		}
		at.d.Heard = time.Now()
		look(23 * time.Hour)
		look(2 * time.Hour)
		look(48 * time.Hour)
		if !silent || strings.Count(log.String(), "has not called") != 1 {
			t.Errorf("silent %t, log %s", silent, log.String())
		}
	})
}
