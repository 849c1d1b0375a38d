package grant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// renew claims the tokens, renews them and stores what came, unless another process does
// so first: then it is that one's that are returned. The caller has the turn.
func (g *Grant) renew(ctx context.Context, was *held, refused string) (string, error) {
	mine, theirs, err := g.claim(ctx, was, refused)
	switch {
	case err != nil:
		return "", err
	case theirs != nil:
		return theirs.Access, nil
	}
	// From here on the refresh token may be spent: whoever is told to stop waits until
	// what replaces it is stored (invariant 11).
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	asked := time.Now().Round(0) // by the wall clock, which goes on while a machine sleeps
	answer, err := g.refresh(ctx, mine.Refresh)
	if err != nil {
		return g.failed(ctx, mine, refused, err)
	}
	next := answer.tokens(asked)
	if next.Refresh == "" {
		next.Refresh = mine.Refresh // it stays, where the vendor gives no other
	}
	g.learn(next.Access, next.Refresh)
	g.tellConnector(ctx, answer)
	return g.keep(ctx, mine, next)
}

// claim marks the tokens as being renewed by us. If they have been renewed by another
// process, or still work while one is at it, those are returned instead.
func (g *Grant) claim(ctx context.Context, was *held, refused string) (mine, theirs *held, err error) {
	h, seen, since := was, "", time.Time{}
	for {
		switch by := h.Claim; {
		case by == nil, time.Since(by.At) > skew, by.By == seen && time.Since(since) > abandoned:
			t := h.tokens
			t.Claim = &claim{By: rand.Text(), At: time.Now()}
			// It also proves that the memory can be written, before anything is spent.
			mine, err = g.store(ctx, t, h.version)
			if !errors.Is(err, connector.ErrStale) {
				return mine, nil, err
			}
		case refused == "" && h.usable(time.Now()):
			return nil, h, nil
		default:
			if by.By != seen {
				seen, since = by.By, time.Now()
			}
			if err := wait(ctx, 200*time.Millisecond); err != nil {
				return nil, nil, err
			}
		}
		if h, err = g.load(ctx); err != nil {
			return nil, nil, err
		}
		switch {
		case h.Access == "" && h.Refresh == "":
			return nil, nil, g.unauthorized(errors.New("its tokens were taken back meanwhile"))
		case h.Access != was.Access && h.Access != refused:
			return nil, h, nil // somebody else was faster
		case h.Dead != "" && was.Dead == "":
			return nil, nil, g.unauthorized(errors.New(h.Dead)) // or found out
		}
	}
}

// keep stores new tokens and only then returns the one to use. Nothing but these can
// renew the grant any more, so a memory that cannot be written just now is tried again.
func (g *Grant) keep(ctx context.Context, mine *held, next tokens) (string, error) {
	version := mine.version
	for {
		h, err := g.store(ctx, next, version)
		if err == nil {
			return h.Access, nil
		}
		if !errors.Is(err, connector.ErrStale) {
			if wait(ctx, time.Second) != nil {
				return "", err
			}
			continue
		}
		// Our claim was taken for abandoned. Tokens that were stored since are as good as
		// ours; a mere claim gives way.
		h, err = g.load(ctx)
		switch {
		case err != nil:
			return "", err
		case h.Access != mine.Access || h.Refresh != mine.Refresh:
			return h.Access, nil
		}
		version = h.version
	}
}

// failed gives the claim back and says what is to be done: go on with the old token while
// it lasts, or tell a person.
func (g *Grant) failed(ctx context.Context, mine *held, refused string, failure error) (string, error) {
	said, dead := g.classify(failure, mine.Refresh)
	h, err := g.load(ctx)
	if err != nil {
		return "", errors.Join(said, err)
	}
	if h.Access != mine.Access || h.Refresh != mine.Refresh {
		// What was refused had been used by another process, whose tokens these are.
		return h.Access, nil
	}
	t := h.tokens
	t.Claim = nil
	if dead {
		t.Dead = said.Err.Error()
	}
	if h, err = g.store(ctx, t, h.version); err == nil && dead {
		g.refused = h.version
	}
	g.later = time.Now().Add(pause)
	if !dead && refused == "" && mine.usable(time.Now()) {
		return mine.Access, nil
	}
	return "", said
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for tokens: %w", ctx.Err())
	}
}
