package brevotwin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

const (
	maxHooks    = 40
	maxBatch    = 500
	maxSends    = 5
	postTimeout = 10 * time.Second
)

// A hook is a webhook with what it is still to get.
type hook struct {
	ID      int64    `json:"id"`
	URL     string   `json:"url"`
	Type    string   `json:"type"`
	Channel string   `json:"channel,omitempty"`
	Events  []string `json:"events"`
	Batched bool     `json:"batched"`
	About   string   `json:"description"`
	Auth    *auth    `json:"auth,omitempty"`
	Headers []header `json:"headers,omitempty"`
	Created string   `json:"createdAt"`
	Changed string   `json:"modifiedAt"`

	queue []posting
}

// A header comes with every call of a webhook.
type header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type auth struct {
	Type  string `json:"type"`
	Token string `json:"token"`
}

type posting struct {
	event map[string]any
	sends int
}

type hookInput struct {
	URL     string   `json:"url"`
	Type    string   `json:"type"`
	Channel string   `json:"channel"`
	Events  []string `json:"events"`
	Batched bool     `json:"batched"`
	About   string   `json:"description"`
	Auth    *auth    `json:"auth"`
	Headers []header `json:"headers"`
}

// webhooksCall answers /webhooks; see https://developers.brevo.com/reference/create-webhook
func (a *Account) webhooksCall(r *request) (int, any) {
	switch {
	case len(r.path) == 1 && r.Method == http.MethodGet:
		r.query("type", "sort")
		all := []*hook{}
		return 200, map[string]any{"webhooks": append(all, a.hooks...)}
	case len(r.path) == 1 && r.Method == http.MethodPost:
		return a.createHook(r)
	case len(r.path) != 2:
		return a.unknown(r)
	}
	id, _ := strconv.ParseInt(r.path[1], 10, 64)
	i := slices.IndexFunc(a.hooks, func(h *hook) bool { return h.ID == id })
	switch {
	case i < 0:
		return failed(notFound("Webhook ID does not exist"))
	case r.Method == http.MethodGet:
		return 200, a.hooks[i]
	case r.Method == http.MethodDelete:
		a.hooks = slices.Delete(a.hooks, i, i+1)
		return 204, nil
	case r.Method == http.MethodPut:
		return a.changeHook(r, a.hooks[i])
	}
	return a.unknown(r)
}

// changeHook changes what the call names.
func (a *Account) changeHook(r *request, h *hook) (int, any) {
	in := hookInput{URL: h.URL, Batched: h.Batched, About: h.About}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if in.Events == nil {
		in.Events = h.Events
	}
	if f := in.check(); f != nil {
		return failed(f)
	}
	h.URL, h.Events, h.Batched, h.About = in.URL, in.Events, in.Batched, in.About
	if in.Auth != nil {
		h.Auth = in.Auth
	}
	if in.Headers != nil {
		h.Headers = in.Headers
	}
	h.Changed = stamped(r.now)
	return 204, nil
}

func (in hookInput) check() *failure {
	known := []string{"spam", "opened", "click", "hardBounce", "softBounce", "unsubscribed", "listAddition", "delivered", "contactUpdated", "contactDeleted"}
	for _, e := range in.Events {
		if !slices.Contains(known, e) {
			return invalid("Invalid event " + e)
		}
	}
	if !strings.HasPrefix(in.URL, "https://") || len(in.Events) == 0 {
		return invalid("url or events are not valid")
	}
	return nil
}

func (a *Account) createHook(r *request) (int, any) {
	var in hookInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if f := in.check(); f != nil {
		return failed(f)
	}
	if len(a.hooks) >= maxHooks {
		return failed(invalid("Maximum number of webhooks reached"))
	}
	h := &hook{
		ID: a.next(), URL: in.URL, Type: in.Type, Channel: in.Channel, Events: in.Events, Batched: in.Batched, About: in.About, Auth: in.Auth,
		Headers: in.Headers,
		Created: stamped(r.now), Changed: stamped(r.now),
	}
	a.hooks = append(a.hooks, h)
	return 201, map[string]any{"id": h.ID}
}

// reported keeps an event for the webhooks that want it. Events are subscribed to in one
// spelling and sent in another.
func (a *Account) reported(name string, x *contact, r *request, by string) {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for _, h := range a.hooks {
		if !slices.ContainsFunc(h.Events, func(e string) bool { return plain(e) == plain(name) }) {
			continue
		}
		e := map[string]any{"event": name, "email": x.email, "id": h.ID, "ts": a.Now().Unix(), "ts_event": a.Now().Unix(), "date": a.Now().Format(time.DateTime)}
		switch name {
		case "list_addition":
			e["list_id"] = orNone(x.lists)
		case "contact_updated":
			e["content"] = []any{map[string]any{"email": x.email, "attributes": x.values}}
		}
		if name == "contact_updated" || name == "list_addition" {
			e["api_key_name"] = ""
			if by == "api" {
				e["api_key_name"] = r.keyName
			}
		}
		h.queue = append(h.queue, posting{event: e})
	}
}

// Unsubscribe lets a person click the link in a mail: the contact is blocklisted.
func (a *Account) Unsubscribe(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := strconv.ParseInt(id, 10, 64)
	x := a.contacts[n]
	if x == nil {
		return fmt.Errorf("unsubscribe %s: no such contact", id)
	}
	x.mailNo, x.modified = true, a.stamp()
	a.act("person", "update", "contacts", id, map[string]string{"emailBlacklisted": "denied"})
	a.reported("unsubscribed", x, &request{}, "person")
	return nil
}

// LeaveList lets a person unsubscribe from one list, on the page that a mail leads to.
func (a *Account) LeaveList(id string, from int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := strconv.ParseInt(id, 10, 64)
	x := a.contacts[n]
	if x == nil || !slices.Contains(x.lists, from) {
		return fmt.Errorf("leave list %d: contact %s is not on it", from, id)
	}
	x.lists = slices.DeleteFunc(slices.Clone(x.lists), func(l int64) bool { return l == from })
	x.unsubscribed = append(slices.Clone(x.unsubscribed), from)
	a.act("person", "update", "contacts", id, map[string]string{"listUnsubscribed": joined(x.unsubscribed)})
	a.reported("unsubscribed", x, &request{}, "person")
	return nil
}

// Deliver posts what has happened: to webhooks that want batches up to 500 events at a time.
// What is answered with 429, or not at all, comes again four times; everything else that is
// no success is given up. See https://developers.brevo.com/docs/retry-mechanism
func (a *Account) Deliver(ctx context.Context, through http.RoundTripper, f twin.HookFaults) ([]int, error) {
	a.delivering.Lock()
	defer a.delivering.Unlock()
	a.mu.Lock()
	hooks := slices.Clone(a.hooks)
	queues := make([][]posting, len(hooks))
	for i, h := range hooks {
		queues[i], h.queue = h.queue, nil
	}
	a.mu.Unlock()
	if f.Lost {
		return nil, nil
	}
	var statuses []int
	for i, h := range hooks {
		size := 1
		if h.Batched {
			size = maxBatch
		}
		if f.Backwards {
			slices.Reverse(queues[i])
		}
		for part := range slices.Chunk(queues[i], size) {
			got, err := a.send(ctx, through, h, part, f)
			statuses = append(statuses, got...)
			if err != nil {
				return statuses, err
			}
		}
	}
	return statuses, nil
}

// send posts some events, twice if that is asked for, and keeps them if they come again.
func (a *Account) send(ctx context.Context, through http.RoundTripper, h *hook, part []posting, f twin.HookFaults) ([]int, error) {
	var statuses []int
	for range map[bool]int{false: 1, true: 2}[f.Twice] {
		status, err := a.post(ctx, through, h, part, f.Forged)
		if err == nil {
			statuses = append(statuses, status)
		}
		if err != nil || status == http.StatusTooManyRequests {
			a.again(h, part)
			return statuses, err
		}
	}
	return statuses, nil
}

func (a *Account) again(h *hook, part []posting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range part {
		if p.sends++; p.sends < maxSends {
			h.queue = append(h.queue, p)
		}
	}
}

func (a *Account) post(ctx context.Context, through http.RoundTripper, h *hook, part []posting, forged bool) (int, error) {
	events := make([]any, len(part))
	for i, p := range part {
		events[i] = p.event
	}
	var what any = events
	if !h.Batched {
		what = events[0]
	}
	body, err := json.Marshal(what)
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, x := range h.Headers {
		req.Header.Set(x.Key, x.Value)
	}
	if h.Auth != nil {
		token := h.Auth.Token
		if forged {
			token += "-of-another"
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := through.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	return res.StatusCode, res.Body.Close()
}

var _ twin.Notifier = (*Account)(nil)
