package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Sender carries messages one way.
type Sender interface {
	Name() string // the way
	Send(ctx context.Context, m Message) error
}

// A Memory keeps what was told.
type Memory interface {
	Told(ctx context.Context) ([]Told, error)
	// Keep replaces what is known of the same way, kind and subject.
	Keep(ctx context.Context, t Told) error
}

// patience is for how long one message is tried at a time. It is less than the time that an answer
// of the console may take.
const patience = 20 * time.Second

// mostRest is the longest time between tries of a way that fails.
const mostRest = 30 * time.Minute

// A Desk tells what is to be told. It is used by one goroutine at a time.
type Desk struct {
	Memory Memory
	Begun  time.Time // when the process began

	resting map[string]rest // ways that fail, by name
}

type rest struct {
	until time.Time
	long  time.Duration
}

// Tell carries what is to be told by all ways. What could not be carried is tried again by a later
// call, after a while that grows; it is remembered as told only when the way has taken it.
func (d *Desk) Tell(ctx context.Context, ways []Sender, states []State, o Options, now time.Time) error {
	told, err := d.Memory.Told(ctx)
	if err != nil {
		return fmt.Errorf("load what was told: %w", err)
	}
	o.Begun = d.Begun
	var wrong []error
	for _, way := range ways {
		if now.Before(d.resting[way.Name()].until) {
			continue
		}
		messages, ended := Decide(way.Name(), states, told, o, now)
		for _, t := range ended {
			wrong = append(wrong, d.Memory.Keep(ctx, t))
		}
		for _, m := range messages {
			if err := d.send(ctx, way, m); err != nil {
				d.rest(way.Name(), now)
				wrong = append(wrong, err)
				break
			}
			delete(d.resting, way.Name())
		}
	}
	return errors.Join(wrong...)
}

func (d *Desk) send(ctx context.Context, way Sender, m Message) error {
	if err := Send(ctx, way, m); err != nil {
		return err
	}
	return d.Memory.Keep(context.WithoutCancel(ctx), m.told())
}

// Send carries one message, within a time.
func Send(ctx context.Context, way Sender, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := way.Send(ctx, m); err != nil {
		return fmt.Errorf("tell by %s: %w", way.Name(), err)
	}
	return nil
}

func (d *Desk) rest(way string, now time.Time) {
	if d.resting == nil {
		d.resting = map[string]rest{}
	}
	long := min(max(time.Minute, 2*d.resting[way].long), mostRest)
	d.resting[way] = rest{until: now.Add(long), long: long}
}
