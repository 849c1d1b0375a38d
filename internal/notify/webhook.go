package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A Webhook calls a program in the manner of Standard Webhooks:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type Webhook struct {
	URL    string // often a secret by itself: no error shows more of it than the host
	Key    []byte // of the signature
	Client *http.Client
	Now    func() time.Time
	At     string // address of the console; "" = it has none
}

// Name is the way.
func (w *Webhook) Name() string { return "webhook" }

// payload is what the program gets. Type is one of alert.opened, alert.resolved and alert.test.
type payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Kind    Kind       `json:"kind"`
	Of      string     `json:"of,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Title   string     `json:"title"`
	What    string     `json:"what"`
	Fix     string     `json:"fix,omitempty"`
	Console string     `json:"console,omitempty"`
}

// Send calls it. Any 2xx is thanks; a redirect is followed nowhere.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(w.payload(m))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("its address cannot be used")
	}
	at := strconv.FormatInt(w.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Tandem")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", Sign(w.Key, m.ID, at, body))
	client := *w.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		if wrong, ok := errors.AsType[*url.Error](err); ok {
			err = wrong.Err // which says the same without the address
		}
		return fmt.Errorf("call %s: %w", req.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // what it says besides is of no use
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%s answered %d", req.URL.Host, res.StatusCode)
	}
	return nil
}

func (w *Webhook) payload(m Message) payload {
	p := payload{Type: "alert.opened", Timestamp: m.At.UTC(), Data: data{Kind: m.Kind, Of: m.Of, Title: m.Subject(), What: m.What, Fix: m.Fix, Console: w.At}}
	switch {
	case m.Kind == Test:
		p.Type = "alert.test"
	case m.Resolved:
		p.Type = "alert.resolved"
	}
	if !m.Since.IsZero() && m.Kind != Test {
		since := m.Since.UTC()
		p.Data.Since = &since
	}
	return p
}

// Sign returns the signature of a call.
func Sign(key []byte, id, at string, body []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + at + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
