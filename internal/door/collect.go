package door

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const (
	// gathering is how long a delivery waits for others, to be kept in one transaction.
	gathering = 5 * time.Millisecond
	// countsFor is how long mere counts wait to be kept with something.
	countsFor = time.Second
	// keeping bounds a transaction; the database may be busy with a large page.
	keeping = 30 * time.Second
)

// ErrNobody says that a connection has no vendor that calls, or none that can be understood now.
var ErrNobody = errors.New("no vendor calls for this connection")

// errClosed is what the collector answers when the door is closed.
var errClosed = errors.New("the door is closed")

// A parcel is one delivery on its way to the store.
type parcel struct {
	arrival store.Arrival
	kept    chan error
}

// take keeps what a delivery says. It returns when that is durable (invariant 11).
func (d *Door) take(ctx context.Context, at *room, delivery connector.Delivery, now time.Time) error {
	a := store.Arrival{Connection: at.Name, At: now, Due: now.Add(at.Door.ReadDelay), Lost: delivery.Lost, Accepted: 1}
	seen := map[record.Ref]bool{}
	for _, h := range delivery.Hints {
		if at.wants[h.Object] && h.ID != "" && !seen[h] {
			seen[h] = true
			a.Hints = append(a.Hints, h)
		}
	}
	if len(a.Hints) == 0 && !a.Lost {
		d.o.Count(at.Name, Accepted, 1)
		d.note(at.Name, a) // nothing that must not be lost: whoever asks need not wait
		return nil
	}
	p := &parcel{arrival: a, kept: make(chan error, 1)}
	select {
	case d.in <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.kept:
		return err
	case <-ctx.Done():
		return ctx.Err() // it may be kept all the same, which harms nobody
	}
}

// note keeps a count, soon, and that something was lost, at once.
func (d *Door) note(connection string, a store.Arrival) {
	a.Connection = connection
	d.add(a)
	if a.Lost {
		notify(d.urgent)
	} else {
		notify(d.counted)
	}
}

// Missed says that a connection's notifications may have been lost on their way: it is to be
// read on from its cursors.
func (d *Door) Missed(connection string) {
	d.note(connection, store.Arrival{At: time.Now(), Lost: true})
}

// add remembers counts until the next transaction takes them along.
func (d *Door) add(a store.Arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.loose[a.Connection]
	if x == nil {
		d.loose[a.Connection] = &a
		return
	}
	x.Accepted, x.Refused, x.Busy, x.Lost = x.Accepted+a.Accepted, x.Refused+a.Refused, x.Busy+a.Busy, x.Lost || a.Lost
	if a.At.After(x.At) {
		x.At = a.At
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run keeps what is accepted, until Close. It returns when everything has been kept that
// somebody waits for.
func (d *Door) Run(ctx context.Context) {
	defer close(d.stopped)
	ctx = context.WithoutCancel(ctx) // what was accepted is kept whatever ends
	var soon <-chan time.Time
	for {
		select {
		case p := <-d.in:
			d.keep(ctx, d.gather(p))
		case <-d.urgent:
			d.keep(ctx, nil)
		case <-d.counted:
			if soon == nil {
				soon = time.After(countsFor)
			}
			continue
		case <-soon:
			soon = nil
			d.keep(ctx, nil)
		case <-d.stop:
			d.rest(ctx)
			return
		}
	}
}

// rest keeps what is left when nobody can come any more.
func (d *Door) rest(ctx context.Context) {
	var left []*parcel
	for {
		select {
		case p := <-d.in:
			left = append(left, p)
			continue
		default:
		}
		d.keep(ctx, left)
		return
	}
}

// gather waits a moment for what comes at the same time.
func (d *Door) gather(first *parcel) []*parcel {
	group := []*parcel{first}
	timer := time.NewTimer(gathering)
	defer timer.Stop()
	for len(group) < d.o.Most {
		select {
		case p := <-d.in:
			group = append(group, p)
		case <-timer.C:
			return group
		}
	}
	return group
}

// keep stores a group in one transaction, with what has been counted.
func (d *Door) keep(ctx context.Context, group []*parcel) {
	arrivals, loose := make([]store.Arrival, 0, len(group)+1), d.takeLoose()
	for _, p := range group {
		arrivals = append(arrivals, p.arrival)
	}
	arrivals = append(arrivals, loose...)
	if len(arrivals) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keeping)
	defer cancel()
	doubled, err := d.o.Keeper.TakeHints(ctx, arrivals)
	if err != nil {
		if d.tell("", time.Now()) {
			d.o.Log.Error("deliveries cannot be kept; their vendors are told to come again, and the log tells once a minute", "deliveries", len(group), "error", err)
		}
		for _, a := range loose {
			d.add(a) // the next transaction has them
		}
		if len(loose) > 0 {
			notify(d.counted)
		}
	}
	lost := false
	for _, a := range arrivals {
		lost = lost || a.Lost
	}
	for _, p := range group {
		p.kept <- err
		if err == nil {
			d.o.Count(p.arrival.Connection, Accepted, 1)
		}
	}
	if err != nil {
		return
	}
	for name, n := range doubled {
		d.o.Count(name, Duplicate, n)
	}
	if len(group) > 0 || lost {
		d.o.Stored(lost)
	}
}

func (d *Door) takeLoose() []store.Arrival {
	d.mu.Lock()
	defer d.mu.Unlock()
	loose := make([]store.Arrival, 0, len(d.loose))
	for _, a := range d.loose {
		loose = append(loose, *a)
	}
	clear(d.loose)
	return loose
}

// Feed keeps a delivery that was fetched. It waits while the door is crowded, and returns
// when the delivery is durable.
func (d *Door) Feed(ctx context.Context, connection string, delivery connector.Delivery) error {
	at := d.rooms[connection]
	if at == nil {
		return errClosed
	}
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.mu.Lock()
	if d.draining {
		d.mu.Unlock()
		<-d.slots
		return errClosed
	}
	d.active.Add(1)
	d.mu.Unlock()
	defer d.leave()
	return d.take(ctx, at, delivery, time.Now())
}

// Bring takes in a delivery that a vendor has sent to somebody who may pass it on. The connector
// verifies it as it verifies what comes by itself, and its error says if it is none; nobody waits for
// an answer in the vendor's form. It returns how many records were noted.
func (d *Door) Bring(ctx context.Context, connection string, r *http.Request, body []byte) (int, error) {
	at := d.rooms[connection]
	if at == nil || at.Receiver == nil {
		return 0, ErrNobody
	}
	began := time.Now()
	delivery, err := at.Receiver.Receive(began, d.asCalled(r), body)
	if kind := connector.KindOf(err); kind == connector.Unauthorized || kind == connector.Invalid {
		d.refused(at, began, err)
	}
	if err != nil {
		return 0, fmt.Errorf("look at a delivery for %s: %w", connection, err)
	}
	n := 0
	for _, h := range delivery.Hints {
		if at.wants[h.Object] && h.ID != "" {
			n++
		}
	}
	return n, d.Feed(ctx, connection, delivery)
}

// Drain stops taking anything in: vendors are told to come again.
func (d *Door) Drain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.draining = true
}

// Close drains the door, waits until all that was accepted is kept, and ends Run.
func (d *Door) Close() {
	d.Drain()
	d.active.Wait()
	d.closed.Do(func() { close(d.stop) })
	<-d.stopped
}
