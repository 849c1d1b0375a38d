package pipedrivetwin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// How Pipedrive delivers; see https://pipedrive.readme.io/docs/guide-for-webhooks-v2
const (
	maxHooks    = 40
	maxAttempts = 4
	maxFailures = 10
	banTime     = 30 * time.Minute
	giveUp      = 72 * time.Hour
	hookTimeout = 10 * time.Second
)

// hooks are the subscriptions and what they are still to get.
type hooks struct {
	list   []*hook
	next   int64
	serial int
}

type hook struct {
	id                      int64
	url, action, object     string
	name, user, pass        string
	version                 string
	made, good, bannedUntil time.Time
	failures                int
	queue                   []*event
}

// An event is one thing that happened, on its way to one subscription.
type event struct {
	meta           map[string]any
	data, previous any
	attempt        int
}

// webhooksCall answers /v1/webhooks.
func (c *Company) webhooksCall(r *request) (int, any) {
	if c.plain || c.lacking["admin"] {
		return 0, mismatch()
	}
	r.query()
	switch {
	case len(r.path) == 1 && r.Method == "GET":
		data := []any{}
		for _, h := range c.hooks.list {
			data = append(data, h.render())
		}
		return 200, map[string]any{"success": true, "status": "ok", "data": data}
	case len(r.path) == 1 && r.Method == "POST":
		return c.makeHook(r)
	case len(r.path) == 2 && r.Method == "DELETE":
		for i, h := range c.hooks.list {
			if strconv.FormatInt(h.id, 10) == r.path[1] {
				c.hooks.list = slices.Delete(c.hooks.list, i, i+1)
				return 200, map[string]any{"success": true, "status": "ok"}
			}
		}
		return 404, map[string]any{"success": false, "status": "error", "errors": map[string]any{"id": []any{"not found"}}}
	}
	return c.unknown(r)
}

func (c *Company) makeHook(r *request) (int, any) {
	body, f := r.object()
	if f != nil {
		return 0, f
	}
	text := func(key, otherwise string) string {
		s, ok := body[key].(string)
		delete(body, key)
		if !ok {
			return otherwise
		}
		return s
	}
	h := &hook{
		url: text("subscription_url", ""), action: text("event_action", ""), object: text("event_object", ""), name: text("name", ""),
		user: text("http_auth_user", ""), pass: text("http_auth_password", ""), version: text("version", "2.0"), made: c.Now(), good: c.Now(),
	}
	delete(body, "user_id")
	for key := range body {
		c.Unknown(r.Request, "field "+key)
	}
	objects := []string{"activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"}
	wrong := func(key, why string) (int, any) {
		return 400, map[string]any{"success": false, "status": "error", "errors": map[string]any{key: []any{why}}}
	}
	switch {
	case !strings.HasPrefix(h.url, "https://"):
		return wrong("subscription_url", "invalid or non-reachable URL")
	case !slices.Contains([]string{"create", "change", "delete", "*"}, h.action):
		return wrong("event_action", "is not supported")
	case !slices.Contains(objects, h.object):
		return wrong("event_object", "is not supported")
	case h.name == "":
		return wrong("name", "is required")
	case h.version != "1.0" && h.version != "2.0":
		return wrong("version", "is not supported")
	case len(c.hooks.list) >= maxHooks:
		return wrong("user_id", "has too many webhooks")
	}
	c.hooks.next++
	h.id = c.hooks.next
	c.hooks.list = append(c.hooks.list, h)
	return 201, map[string]any{"success": true, "status": "ok", "data": h.render()}
}

func (h *hook) render() map[string]any {
	return map[string]any{
		"id": h.id, "company_id": companyID, "owner_id": 1, "user_id": 1, "admin_id": 1, "event_action": h.action, "event_object": h.object,
		"subscription_url": h.url, "version": h.version, "is_active": 1, "type": "general", "name": h.name,
		"http_auth_user": h.user, "http_auth_password": h.pass, "add_time": h.made.UTC().Format("2006-01-02T15:04:05.000Z"),
		"remove_time": nil, "remove_reason": nil, "last_delivery_time": nil, "last_http_status": nil,
	}
}

// tell keeps an event for all who asked for it. Those to which nothing could be delivered
// lately get nothing, and never hear of it.
func (c *Company) tell(action string, o *object, n *row, was map[string]any, into string) {
	now := c.Now()
	c.hooks.list = slices.DeleteFunc(c.hooks.list, func(h *hook) bool { return len(h.queue) > 0 && now.Sub(h.good) >= giveUp })
	c.hooks.serial++
	meta := map[string]any{
		"action": action, "entity": singular(o.name), "entity_id": fmt.Sprint(o.shown(n)), "company_id": strconv.Itoa(companyID),
		"id": fmt.Sprintf("%08x-5b1c-4c5e-8a3d-%012x", c.hooks.serial, c.hooks.serial), "user_id": "1", "timestamp": now.UTC().Format("2006-01-02T15:04:05.000Z"),
		"correlation_id": fmt.Sprintf("%08x-77aa-4c5e-8a3d-%012x", c.hooks.serial, c.hooks.serial), "is_bulk_edit": false, "type": "general",
		"change_source": "api", "host": domain + ".pipedrive.com", "permitted_user_ids": []any{"1"}, "version": "2.0",
	}
	if into != "" {
		meta["merged_to_id"] = into
	}
	e := event{meta: meta, data: c.typedFields(o, n)}
	if action == "delete" {
		e.data, e.previous = nil, c.typedFields(o, n)
	} else if was != nil {
		e.previous = previous(was, n.f)
	}
	for _, h := range c.hooks.list {
		if (h.action == "*" || h.action == action) && (h.object == "*" || h.object == meta["entity"]) && !now.Before(h.bannedUntil) {
			one := e
			one.meta = maps.Clone(meta)
			one.meta["webhook_id"], one.meta["webhook_owner_id"] = strconv.FormatInt(h.id, 10), "1"
			h.queue = append(h.queue, &one)
		}
	}
}

// from marks the last change as that of a record which took another one in.
func (h *hooks) from(keep, lost int64) {
	for _, one := range h.list {
		if n := len(one.queue); n > 0 && one.queue[n-1].meta["entity_id"] == strconv.FormatInt(keep, 10) {
			one.queue[n-1].meta["merged_from_id"] = strconv.FormatInt(lost, 10)
		}
	}
}

// previous are the fields that changed, as they were.
func previous(was, is map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range was {
		if fmt.Sprint(v) != fmt.Sprint(is[key]) {
			out[key] = v
		}
	}
	return out
}

// typedFields is a record as webhooks show it: custom fields say their type.
func (c *Company) typedFields(o *object, n *row) map[string]any {
	m := c.render(o, n)
	own := map[string]any{}
	for _, f := range o.customs() {
		delete(m, f.key)
		switch v := n.f[f.key].(type) {
		case nil:
			own[f.key] = nil
		case map[string]any:
			one := maps.Clone(v)
			one["type"] = f.kind
			own[f.key] = one
		case []any:
			var values []any
			for _, id := range v {
				values = append(values, map[string]any{"id": id})
			}
			own[f.key] = map[string]any{"type": f.kind, "values": values}
		default:
			key := "value"
			if slices.Contains([]string{"enum", "user", "org", "people"}, f.kind) {
				key = "id"
			}
			own[f.key] = map[string]any{"type": f.kind, key: v}
		}
	}
	if o.custom != nil {
		m["custom_fields"] = own
	}
	return m
}

// Deliver posts what waits. What is not taken is tried again by the next calls, up to four
// times in all.
func (c *Company) Deliver(ctx context.Context, through http.RoundTripper, f twin.HookFaults) ([]int, error) {
	c.delivering.Lock()
	defer c.delivering.Unlock()
	var statuses []int
	for _, p := range c.take(f) {
		if f.Lost {
			continue
		}
		times := 1
		if f.Twice {
			times = 2
		}
		for range times {
			status, err := c.post(ctx, through, p, f.Forged)
			if err != nil {
				return statuses, err
			}
			statuses = append(statuses, status)
			c.settled(p, status)
		}
	}
	return statuses, nil
}

// A parcel is an event with where it goes.
type parcel struct {
	*hook
	*event
}

func (c *Company) take(f twin.HookFaults) []parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []parcel
	for _, h := range c.hooks.list {
		for _, e := range h.queue {
			out = append(out, parcel{h, e})
		}
		h.queue = nil
	}
	if f.Backwards {
		slices.Reverse(out)
	}
	return out
}

// settled notes how a delivery ended.
func (c *Company) settled(p parcel, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	if status/100 == 2 {
		p.good, p.failures = now, 0
		return
	}
	if p.attempt == 1 { // only first attempts count
		if p.failures++; p.failures >= maxFailures {
			p.bannedUntil, p.failures = now.Add(banTime), 0
		}
	}
	if p.attempt < maxAttempts && !slices.Contains(p.queue, p.event) {
		p.queue = append(p.queue, p.event)
	}
}

// post sends one event and returns what was answered.
func (c *Company) post(ctx context.Context, through http.RoundTripper, p parcel, forged bool) (int, error) {
	p.attempt++
	body, err := json.Marshal(p.body())
	if err != nil {
		return 0, fmt.Errorf("post event: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("post event: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Pipedrive Webhooks")
	if pass := p.pass; p.user != "" {
		if forged {
			pass = "of-somebody-else"
		}
		req.SetBasicAuth(p.user, pass)
	}
	res, err := through.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("post event: %w", err)
	}
	return res.StatusCode, res.Body.Close()
}

// body is an event in the form of the subscription's version.
func (p parcel) body() map[string]any {
	if p.version == "2.0" {
		meta := maps.Clone(p.meta)
		meta["attempt"] = p.attempt
		return map[string]any{"meta": meta, "data": p.data, "previous": p.previous}
	}
	action := map[any]string{"create": "added", "change": "updated", "delete": "deleted"}[p.meta["action"]]
	id, _ := strconv.ParseInt(fmt.Sprint(p.meta["entity_id"]), 10, 64) // a lead's is none
	meta := map[string]any{"v": 1, "action": action, "object": p.meta["entity"], "id": id, "company_id": companyID, "user_id": 1, "host": domain + ".pipedrive.com"}
	return map[string]any{"v": 1, "meta": meta, "current": p.data, "previous": p.previous, "event": action + "." + fmt.Sprint(p.meta["entity"]), "retry": p.attempt - 1}
}

// Subscriptions returns how many webhooks there are.
func (c *Company) Subscriptions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.hooks.list)
}

var _ twin.Notifier = (*Company)(nil)
