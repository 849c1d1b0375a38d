package brevo

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
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// reports are the events that say something about a contact; see
// https://developers.brevo.com/docs/marketing-webhooks
func reports() []string {
	return []string{"contactDeleted", "contactUpdated", "hardBounce", "listAddition", "spam", "unsubscribed"}
}

// hookEvent is one event, alone or in a batch.
type hookEvent struct {
	Event   string          `json:"event"`
	Email   string          `json:"email"`
	KeyName string          `json:"api_key_name"`
	Content json.RawMessage `json:"content"` // of an update: what changed, in a form that is not documented
}

// token is what Brevo shows when it calls: it signs nothing. It is made of the credential, so
// that nothing needs to be kept.
func (c *conn) token() string {
	key := firstText(c.secret(settingKey), c.secret(settingMachine), c.secret(settingSecret))
	if key == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("tandem webhook")) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// Receive verifies and decodes what Brevo sends: one event, or a list of up to 500. It names
// contacts by e-mail address.
func (c *conn) Receive(_ time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if want := c.token(); want == "" || !bearer || !hmac.Equal([]byte(given), []byte(want)) {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
			Fix: "was the API key changed? Then the webhook gets its new token when tandem serve starts the next time",
			Err: errors.New("receive webhook: the token is not ours"),
		}
	}
	var events []hookEvent
	if err := json.Unmarshal(body, &events); err != nil {
		var one hookEvent
		if json.Unmarshal(body, &one) != nil || one.Event == "" {
			return connector.Delivery{}, &connector.Error{
				Kind: connector.Invalid, Scope: connector.ScopeConnection, Err: errors.New("receive webhook: the body is no event"),
			}
		}
		events = []hookEvent{one}
	}
	return c.delivery(events), nil
}

// delivery names the contacts that events are about. What our own key did is passed over.
func (c *conn) delivery(events []hookEvent) connector.Delivery {
	var d connector.Delivery
	own := c.settings[settingKeyName]
	for _, e := range events {
		if !e.matters() || own != "" && e.KeyName == own {
			continue
		}
		mails := e.emails()
		d.Lost = d.Lost || len(mails) == 0 // a contact without an address: its change is read from the list
		for _, mail := range mails {
			if hint := connector.By(contacts, fieldEmail, mail); !slices.Contains(d.Hints, hint) {
				d.Hints = append(d.Hints, hint)
			}
		}
	}
	return d
}

// matters reports whether an event is one of those asked for. Brevo writes their names in two
// ways: contactUpdated and contact_updated.
func (e hookEvent) matters() bool {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	return slices.ContainsFunc(reports(), func(name string) bool { return plain(name) == plain(e.Event) })
}

// emails returns the addresses of the contacts of an event.
func (e hookEvent) emails() []string {
	var out []string
	add := func(mail string) {
		if mail = strings.TrimSpace(mail); mail != "" && !slices.Contains(out, mail) {
			out = append(out, mail)
		}
	}
	add(e.Email)
	var several []struct {
		Email flexText `json:"email"`
	}
	if json.Unmarshal(e.Content, &several) == nil {
		for _, x := range several {
			add(string(x.Email))
		}
	}
	return out
}

// webhook is one that the account has; see https://developers.brevo.com/reference/get-webhooks
type webhook struct {
	ID      int64    `json:"id,omitempty"`
	URL     string   `json:"url"`
	Type    string   `json:"type,omitempty"`
	Channel string   `json:"channel,omitempty"`
	Events  []string `json:"events"`
	Batched bool     `json:"batched"`
	About   string   `json:"description,omitempty"`
	Auth    struct {
		Type  string `json:"type"`
		Token string `json:"token"`
	} `json:"auth"`
}

// Subscribe sees to it that there is one webhook for the address, with our events and token.
func (c *conn) Subscribe(ctx context.Context, hook string, objects []string) (time.Time, error) {
	if !slices.Contains(objects, contacts) {
		return time.Time{}, c.Unsubscribe(ctx, hook)
	}
	all, err := c.webhooks(ctx, hook)
	if err != nil {
		return time.Time{}, fmt.Errorf("subscribe: %w", err)
	}
	want := webhook{URL: hook, Events: reports(), Batched: true, About: "Tandem"}
	want.Auth.Type, want.Auth.Token = "bearer", c.token()
	call := rest.Call{Method: http.MethodPost, Path: "/v3/webhooks", Body: &want}
	if len(all) > 0 {
		have := all[0]
		if slices.Equal(slices.Sorted(slices.Values(have.Events)), want.Events) && have.Batched && have.Auth.Token == want.Auth.Token {
			return time.Time{}, c.dropHooks(ctx, all[1:])
		}
		call.Method, call.Path = http.MethodPut, hookPath(have.ID)
	} else {
		want.Type, want.Channel = "marketing", "email"
	}
	if _, err := c.do(ctx, call); err != nil {
		return time.Time{}, fmt.Errorf("subscribe: %w", err)
	}
	if len(all) > 1 {
		return time.Time{}, c.dropHooks(ctx, all[1:])
	}
	return time.Time{}, nil
}

// Unsubscribe removes the webhooks of the address.
func (c *conn) Unsubscribe(ctx context.Context, hook string) error {
	all, err := c.webhooks(ctx, hook)
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	return c.dropHooks(ctx, all)
}

func (c *conn) dropHooks(ctx context.Context, all []webhook) error {
	for _, h := range all {
		_, err := c.do(ctx, rest.Call{Method: http.MethodDelete, Path: hookPath(h.ID)})
		if err != nil && connector.KindOf(err) != connector.NotFound {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	return nil
}

func hookPath(id int64) string { return "/v3/webhooks/" + strconv.FormatInt(id, 10) }

// webhooks returns those of one address.
func (c *conn) webhooks(ctx context.Context, hook string) ([]webhook, error) {
	var answer struct {
		Webhooks []webhook `json:"webhooks"`
	}
	_, err := c.do(ctx, rest.Call{Path: "/v3/webhooks", Query: url.Values{"type": {"marketing"}}, Into: &answer})
	if connector.KindOf(err) == connector.NotFound {
		return nil, nil // an account without any
	}
	return slices.DeleteFunc(answer.Webhooks, func(h webhook) bool { return h.URL != hook }), err
}
