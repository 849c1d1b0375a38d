package toy

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

type wireStory struct {
	Key   string            `json:"key"`
	Name  string            `json:"name"`
	Who   string            `json:"who"` // an e-mail address
	At    int64             `json:"at"`  // milliseconds since 1970
	Facts map[string]string `json:"facts"`
}

// Track tells what happened to people. The vendor takes all of it or nothing.
func (c *conn) Track(ctx context.Context, events []connector.Event) ([]connector.Result, error) {
	out := make([]connector.Result, len(events))
	stories := []wireStory{}
	var sent []int
	for i, e := range events {
		if e.Person.Email == "" {
			out[i].Err = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: errors.New("the toy knows people by their e-mail only")}
			continue
		}
		s := wireStory{Key: e.Key, Name: e.Name, Who: e.Person.Email, At: e.At.UnixMilli(), Facts: map[string]string{}}
		for name, v := range e.Properties {
			s.Facts[name] = v.String()
		}
		stories, sent = append(stories, s), append(sent, i)
	}
	if len(sent) == 0 {
		return out, nil
	}
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: "/events", Body: map[string]any{"events": stories}}); err != nil {
		for _, i := range sent {
			out[i].Err = connector.ErrorOf(fmt.Errorf("tell events: %w", err))
		}
	}
	return out, nil
}

// Tracked asks which keys the vendor has seen.
func (c *conn) Tracked(ctx context.Context, events []connector.Event) ([]bool, error) {
	keys := make([]string, len(events))
	for i, e := range events {
		keys[i] = e.Key
	}
	var answer struct {
		Seen []bool `json:"seen"`
	}
	call := rest.Call{Method: http.MethodPost, Path: "/events/seen", Body: map[string]any{"keys": keys}, Into: &answer}
	if _, err := c.api.Do(rest.WithSafe(ctx), call); err != nil {
		return nil, fmt.Errorf("look events up: %w", err)
	}
	if len(answer.Seen) != len(events) {
		return nil, &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection,
			Err: fmt.Errorf("look events up: %d answers to %d questions", len(answer.Seen), len(events))}
	}
	return answer.Seen, nil
}
