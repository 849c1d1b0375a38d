package hubspottwin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Hook is where the app wants webhooks to go; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
type Hook struct {
	Target    string
	Transport http.RoundTripper // nil = http.DefaultTransport
	Secret    string            // of the app; "" = the one of App
	Signature string            // v1, v2 or v3; "" = v3
	// Events are the subscriptions: "contact.creation", "contact.propertyChange" for all
	// properties, "contact.propertyChange:email" for one; nil = everything.
	Events []string
}

// Mishaps are what goes wrong between HubSpot and a target, other than that it is down.
type Mishaps struct {
	Twice     bool // what was delivered is delivered once more
	Backwards bool // the newest event comes first
	LoseEvery int  // every n-th event never arrives; 0 = all do
}

const (
	maxPost     = 100 // events in one post
	maxAttempts = 10
	postTimeout = 5 * time.Second
)

// hooked is a target with what it is still to get.
type hooked struct {
	Hook
	mishaps       Mishaps
	subscriptions []string // in the order of their ids
	queue         []*delivery
	seen          int
	serial        int64
}

type delivery struct {
	event hookEvent
	due   time.Time
}

// Webhook sets where the app's webhooks go from now on; no target = nowhere.
func (a *Account) Webhook(h Hook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.Target == "" {
		a.hook = nil
		return
	}
	if h.Transport == nil {
		h.Transport = http.DefaultTransport
	}
	h.Secret, h.Signature = cmp.Or(h.Secret, clientSecret), cmp.Or(h.Signature, "v3")
	a.hook = &hooked{Hook: h}
}

// Mishap sets what goes wrong with deliveries from now on.
func (a *Account) Mishap(m Mishaps) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hook != nil {
		a.hook.mishaps = m
	}
}

// Deliver posts what is due, in posts of up to 100 events, and returns how many events the
// target took. What it did not take is due again later, up to ten times within a day; the
// last such failure is the error. Nothing is ever posted but here.
func (a *Account) Deliver(ctx context.Context) (int, error) {
	a.delivering.Lock()
	defer a.delivering.Unlock()
	took := 0
	var failed error
	for {
		h, batch := a.dueNow()
		if len(batch) == 0 {
			return took, failed
		}
		times := 1
		if h.mishaps.Twice {
			times = 2
		}
		for range times {
			if err := a.post(ctx, h, batch); err != nil {
				failed = err
				a.postpone(h, batch)
				break
			}
			took += len(batch)
		}
		if ctx.Err() != nil {
			return took, ctx.Err()
		}
	}
}

// Undelivered returns how many events wait, due or not.
func (a *Account) Undelivered() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hook == nil {
		return 0
	}
	return len(a.hook.queue)
}

// enqueue keeps an event for the target if it is subscribed to it.
func (a *Account) enqueue(e event) {
	h := a.hook
	for _, p := range a.posts(e) {
		name := p.SubscriptionType
		if p.PropertyName != "" {
			name += ":" + p.PropertyName
		}
		if h.Events != nil && !slices.Contains(h.Events, name) && !slices.Contains(h.Events, p.SubscriptionType) {
			continue
		}
		if h.seen++; h.mishaps.LoseEvery > 0 && h.seen%h.mishaps.LoseEvery == 0 {
			continue
		}
		i := slices.Index(h.subscriptions, name)
		if i < 0 {
			i = len(h.subscriptions)
			h.subscriptions = append(h.subscriptions, name)
		}
		h.serial++
		p.EventID, p.SubscriptionID = h.serial, int64(2000001+i)
		h.queue = append(h.queue, &delivery{event: p, due: e.at})
	}
}

// dueNow takes the next post's events out of the queue.
func (a *Account) dueNow() (*hooked, []*delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, now := a.hook, a.Now()
	if h == nil {
		return nil, nil
	}
	if h.mishaps.Backwards {
		slices.SortStableFunc(h.queue, func(x, y *delivery) int { return cmp.Compare(y.event.EventID, x.event.EventID) })
	}
	var batch, rest []*delivery
	for _, d := range h.queue {
		if len(batch) < maxPost && !d.due.After(now) {
			batch = append(batch, d)
		} else {
			rest = append(rest, d)
		}
	}
	h.queue = rest
	return h, batch
}

// postpone keeps events that were not taken for another attempt.
func (a *Account) postpone(h *hooked, batch []*delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range batch {
		if d.event.AttemptNumber++; d.event.AttemptNumber > maxAttempts {
			continue
		}
		d.due = a.Now().Add(min(time.Minute<<d.event.AttemptNumber, 4*time.Hour))
		h.queue = append(h.queue, d)
	}
}

// post sends events, signed.
func (a *Account) post(ctx context.Context, h *hooked, batch []*delivery) error {
	events := make([]hookEvent, len(batch))
	for i, d := range batch {
		events[i] = d.event
	}
	body, err := json.Marshal(events)
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "HubSpot Connect 2.0 (https://developers.hubspot.com)")
	h.sign(req.Header, req.Method, body, a.Now())
	res, err := h.Transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	if err := res.Body.Close(); err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("post events: the target answered %s", res.Status)
	}
	return nil
}

// sign adds the signature; see
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
func (h *Hook) sign(to http.Header, method string, body []byte, now time.Time) {
	plain := func(parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(parts, "")))
		return hex.EncodeToString(sum[:])
	}
	switch h.Signature {
	case "v1":
		to.Set("X-HubSpot-Signature", plain(h.Secret, string(body)))
		to.Set("X-HubSpot-Signature-Version", "v1")
	case "v2":
		to.Set("X-HubSpot-Signature", plain(h.Secret, method, h.Target, string(body)))
		to.Set("X-HubSpot-Signature-Version", "v2")
	default:
		at := strconv.FormatInt(now.UnixMilli(), 10)
		mac := hmac.New(sha256.New, []byte(h.Secret))
		mac.Write([]byte(method + signedURI(h.Target)))
		mac.Write(body)
		mac.Write([]byte(at))
		to.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		to.Set("X-HubSpot-Request-Timestamp", at)
	}
}

// signedURI decodes what the third version of the signature wants decoded, and no more.
func signedURI(uri string) string {
	return strings.NewReplacer(
		"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$",
		"%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
	).Replace(uri)
}
