package toy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// How long a signature holds, and how much of a subscription's time must be left for it to
// be left as it is.
const (
	signedFor = 5 * time.Minute
	renewAt   = 3 * 24 * time.Hour
)

type wireHook struct {
	ID     string   `json:"id,omitempty"`
	URL    string   `json:"url"`
	Tables []string `json:"tables"`
	Until  int64    `json:"until,omitempty"` // milliseconds since 1970
}

type wireNews struct {
	Rows []struct {
		Table string `json:"table"`
		ID    string `json:"id"`
	} `json:"rows"`
	Dropped bool `json:"dropped"` // the vendor has given up on some
	Call    *struct {
		ID   string `json:"id"`
		From string `json:"from"`
		To   string `json:"to"`
		At   int64  `json:"at"`
	} `json:"call"`
}

type wireDecision struct {
	Show string   `json:"show,omitempty"`
	Ring []string `json:"ring,omitempty"`
	Drop bool     `json:"drop,omitempty"`
}

// Subscribe asks to be called. The vendor forgets that after a week.
func (c *conn) Subscribe(ctx context.Context, hook string, objects []string) (time.Time, error) {
	all, err := c.hooks(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("subscribe: %w", err)
	}
	want := slices.Sorted(slices.Values(objects))
	for _, h := range all {
		if h.URL != hook {
			continue
		}
		until := time.UnixMilli(h.Until)
		if slices.Equal(slices.Sorted(slices.Values(h.Tables)), want) && time.Until(until) > renewAt {
			return until, nil
		}
		if err := c.dropHook(ctx, h.ID); err != nil {
			return time.Time{}, fmt.Errorf("subscribe: %w", err)
		}
	}
	var made wireHook
	call := rest.Call{Method: http.MethodPost, Path: "/hooks", Body: wireHook{URL: hook, Tables: want}, Into: &made}
	if _, err := c.api.Do(ctx, call); err != nil {
		return time.Time{}, fmt.Errorf("subscribe: %w", err)
	}
	return time.UnixMilli(made.Until), nil
}

// Unsubscribe removes the subscriptions of one address.
func (c *conn) Unsubscribe(ctx context.Context, hook string) error {
	all, err := c.hooks(ctx)
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	for _, h := range all {
		if h.URL != hook {
			continue
		}
		if err := c.dropHook(ctx, h.ID); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	return nil
}

func (c *conn) hooks(ctx context.Context) ([]wireHook, error) {
	var got struct {
		Hooks []wireHook `json:"hooks"`
	}
	_, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: "/hooks", Into: &got})
	return got.Hooks, err
}

func (c *conn) dropHook(ctx context.Context, id string) error {
	_, err := c.api.Do(ctx, rest.Call{Method: http.MethodDelete, Path: "/hooks", Query: url.Values{"id": {id}}})
	if connector.KindOf(err) == connector.NotFound {
		return nil // somebody else was quicker
	}
	return err
}

// Receive verifies and decodes what the vendor sends: https://toy.example/docs/hooks
func (c *conn) Receive(now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	if err := c.verify(now, r, body); err != nil {
		return connector.Delivery{}, err
	}
	if r.Method == http.MethodGet {
		// The vendor makes sure that somebody is there who knows the key.
		return connector.Delivery{Reply: &connector.Reply{Body: []byte(r.URL.Query().Get("challenge"))}}, nil
	}
	var news wireNews
	if err := json.Unmarshal(body, &news); err != nil {
		return connector.Delivery{}, refuse(connector.Invalid, fmt.Errorf("decode the notification: %w", err))
	}
	d := connector.Delivery{Lost: news.Dropped}
	for _, row := range news.Rows {
		if row.Table == "" || row.ID == "" {
			return connector.Delivery{}, refuse(connector.Invalid, errors.New("the notification names no row"))
		}
		d.Hints = append(d.Hints, record.Ref{Object: row.Table, ID: row.ID})
	}
	if call := news.Call; call != nil {
		d.Ask = &connector.Ask{
			Call:   connector.Caller{ID: call.ID, From: call.From, To: call.To, At: time.UnixMilli(call.At)},
			Answer: answer,
		}
	}
	return d, nil
}

func answer(d connector.Decision) connector.Reply {
	body, err := json.Marshal(wireDecision{Show: d.Name, Ring: d.Ring, Drop: d.Reject})
	if err != nil {
		return connector.Reply{} // the vendor goes on as if we were absent
	}
	return connector.Reply{Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// verify holds a request against its signature, which covers method, address, time and body.
func (c *conn) verify(now time.Time, r *http.Request, body []byte) error {
	stamp := r.Header.Get("X-Toy-Time")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return refuse(connector.Unauthorized, errors.New("the request carries no time"))
	}
	if now.Sub(time.UnixMilli(ms)).Abs() > signedFor {
		return refuse(connector.Unauthorized, errors.New("the request is too old, or of another time"))
	}
	mac := hmac.New(sha256.New, []byte(c.secret))
	_, _ = fmt.Fprintf(mac, "%s\n%s\n%s\n%s", r.Method, r.URL.String(), stamp, body) // a hash takes all
	given, err := hex.DecodeString(r.Header.Get("X-Toy-Signature"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return refuse(connector.Unauthorized, errors.New("the signature is not the vendor's"))
	}
	return nil
}

func refuse(kind connector.Kind, err error) error {
	return &connector.Error{Kind: kind, Scope: connector.ScopeConnection, Err: err}
}
