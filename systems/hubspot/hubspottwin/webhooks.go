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

	"github.com/tandemhub/tandem/twin"
)

// A Hook is where the app wants webhooks to go; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
type Hook struct {
	Target    string
	Secret    string // of the app; "" = the one of App
	Signature string // v1, v2 or v3; "" = v3
	// Events are the subscriptions: "contact.creation", "contact.propertyChange" for all
	// properties, "contact.propertyChange:email" for one; nil = everything.
	Events []string
}

const (
	maxPost     = 100 // events in one post
	maxAttempts = 10
	postTimeout = 5 * time.Second
)

// hooked is a target with what it is still to get.
type hooked struct {
	Hook
	subscriptions []string // in the order of their ids
	queue         []hookEvent
	serial        int64
}

// Webhook sets where the app's webhooks go from now on; no target = nowhere.
func (a *Account) Webhook(h Hook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.Target == "" {
		a.hook = nil
		return
	}
	h.Secret, h.Signature = cmp.Or(h.Secret, clientSecret), cmp.Or(h.Signature, "v3")
	a.hook = &hooked{Hook: h}
}

// Deliver posts what has happened, in posts of up to 100 events. What the target does not
// take comes again up to ten times, as it does at the vendor within a day; here every
// Deliver is an attempt. Nothing is ever posted but here.
func (a *Account) Deliver(ctx context.Context, through http.RoundTripper, f twin.HookFaults) ([]int, error) {
	a.delivering.Lock()
	defer a.delivering.Unlock()
	h, events := a.takeQueue(f)
	if f.Lost {
		return nil, nil
	}
	var statuses []int
	for at := 0; at < len(events); at += maxPost {
		batch := events[at:min(at+maxPost, len(events))]
		times := 1
		if f.Twice {
			times = 2
		}
		for range times {
			status, err := a.post(ctx, through, h, batch)
			if err != nil {
				a.putBack(h, events[at:])
				return statuses, err
			}
			statuses = append(statuses, status)
			if status/100 != 2 {
				a.putBack(h, batch)
				break
			}
		}
	}
	return statuses, nil
}

// Undelivered returns how many events wait.
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
		i := slices.Index(h.subscriptions, name)
		if i < 0 {
			i = len(h.subscriptions)
			h.subscriptions = append(h.subscriptions, name)
		}
		h.serial++
		p.EventID, p.SubscriptionID = h.serial, int64(2000001+i)
		h.queue = append(h.queue, p)
	}
}

// takeQueue takes all that waits, in the order in which it is to be sent. The target stays
// the one of now, whatever an administrator changes meanwhile.
func (a *Account) takeQueue(f twin.HookFaults) (Hook, []hookEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hook == nil {
		return Hook{}, nil
	}
	h, events := a.hook.Hook, a.hook.queue
	a.hook.queue = nil
	if f.Backwards {
		slices.Reverse(events)
	}
	if f.Forged {
		h.Secret = "of-another-app"
	}
	return h, events
}

// putBack keeps events that were not taken for the next attempt.
func (a *Account) putBack(h Hook, events []hookEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hook == nil || a.hook.Target != h.Target {
		return
	}
	for _, e := range events {
		if e.AttemptNumber++; e.AttemptNumber <= maxAttempts {
			a.hook.queue = append(a.hook.queue, e)
		}
	}
}

// post sends events, signed, and returns what was answered.
func (a *Account) post(ctx context.Context, through http.RoundTripper, h Hook, events []hookEvent) (int, error) {
	body, err := json.Marshal(events)
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Target, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "HubSpot Connect 2.0 (https://developers.hubspot.com)")
	h.sign(req.Header, req.Method, body, a.Now())
	res, err := through.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("post events: %w", err)
	}
	return res.StatusCode, res.Body.Close()
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

var _ twin.Notifier = (*Account)(nil)
