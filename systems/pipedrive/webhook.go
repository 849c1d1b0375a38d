package pipedrive

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// hookUser is the user of the Basic authentication that webhooks come with. Pipedrive does
// not sign; this and the secret address are all that tells its calls from others.
const hookUser = "tandem"

// password is the password for webhooks to an address. It is made of the credential, so
// that every process of the hub knows it and nobody has to invent one.
func (c *conn) password(address string) string {
	if given := c.secret(settingHook); given != "" {
		return given
	}
	secret := c.secret(settingToken)
	if secret == "" {
		secret = c.secret(settingSecret)
	}
	if secret == "" || address == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("pipedrive webhook " + address)) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// hookBody is a webhook of either version; see
// https://pipedrive.readme.io/docs/guide-for-webhooks-v2 and
// https://pipedrive.readme.io/docs/guide-for-webhooks
type hookBody struct {
	Meta struct {
		Entity   flexText `json:"entity"` // version 2
		EntityID flexText `json:"entity_id"`
		Object   flexText `json:"object"` // version 1, where id is that of the record
		ID       flexText `json:"id"`
		Action   string   `json:"action"`
		Version  flexText `json:"version"`
		Into     flexText `json:"merged_to_id"`
		From     flexText `json:"merged_from_id"`
	} `json:"meta"`
	Data json.RawMessage `json:"data"` // of version 2
}

// Receive verifies and decodes one webhook. What it shows of the record is not used: its
// custom fields have another form than anywhere else, and repetitions come late. Reading the
// record anew makes repetitions, and the echoes of what we wrote, harmless.
func (c *conn) Receive(_ time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	user, given, ok := r.BasicAuth()
	want := c.password(c.hook)
	if !ok || want == "" || user != hookUser || subtle.ConstantTimeCompare([]byte(given), []byte(want)) != 1 {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
			Fix: "a webhook made by hand needs the user tandem and the hook_password; others were made with an older credential and go away by themselves",
			Err: errors.New("receive webhook: its user or password is not right"),
		}
	}
	var hook hookBody
	err := json.Unmarshal(body, &hook)
	entity, id := string(hook.Meta.Entity), string(hook.Meta.EntityID)
	if entity == "" {
		entity, id = string(hook.Meta.Object), string(hook.Meta.ID)
	}
	if err != nil || entity == "" {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeConnection, Err: errors.New("receive webhook: the body is none of Pipedrive's"),
		}
	}
	if err := c.keepMerge(r.Context(), entity, id, hook); err != nil {
		return connector.Delivery{}, &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: err} // it comes again
	}
	return connector.Delivery{Hints: c.hints(entity, id, hook)}, nil
}

// keepMerge stores a merge that a webhook tells of, before it is thanked for: nothing else ever
// tells of it, and another connection than this one reads the record, maybe another process.
func (c *conn) keepMerge(ctx context.Context, entity, id string, hook hookBody) error {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.entity == entity })
	if i < 0 || id == "" {
		return nil
	}
	lost, into := id, string(hook.Meta.Into)
	if from := string(hook.Meta.From); from != "" {
		lost, into = from, id
	}
	if into == "" || into == lost {
		return nil
	}
	return c.storeMerge(ctx, record.Ref{Object: all[i].name, ID: lost}, into)
}

// hints names the record of a webhook, and the other one of a merge.
func (c *conn) hints(entity, id string, hook hookBody) []record.Ref {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.entity == entity })
	if i < 0 || id == "" {
		return nil
	}
	at := func(id string) record.Ref { return record.Ref{Object: all[i].name, ID: id} }
	hints := []record.Ref{at(id)}
	if into := string(hook.Meta.Into); into != "" {
		c.noteMerge(at(id), into)
		hints = append(hints, at(into))
	}
	if from := string(hook.Meta.From); from != "" {
		c.noteMerge(at(from), id)
		hints = append(hints, at(from))
	}
	if former, ok := (row{"": hook.Data}).object("").source(all[i].name); ok {
		c.noteMerge(former, all[i].name+"/"+id)
		if hook.Meta.Action == "create" {
			hints = append(hints, former)
		}
	}
	return hints
}

// subscription is a webhook as Pipedrive keeps it; see
// https://developers.pipedrive.com/docs/api/v1/Webhooks
type subscription struct {
	ID      int64    `json:"id,omitempty"`
	URL     string   `json:"subscription_url"`
	Action  string   `json:"event_action"`
	Object  string   `json:"event_object"`
	Name    string   `json:"name"`
	User    string   `json:"http_auth_user"`
	Pass    string   `json:"http_auth_password"`
	Version string   `json:"version"`
	Active  flexText `json:"is_active,omitempty"`
}

// renewAfter is how soon a subscription is looked at again: Pipedrive removes one to which
// nothing could be delivered for three days.
const renewAfter = 12 * time.Hour

// subscribed is the one subscription that we want: for everything, since each of 40 that a
// user may have would otherwise be for one object. Its name tells the password that it was
// made with, of which Pipedrive shows nothing.
func (c *conn) subscribed(hook string) subscription {
	sum := sha256.Sum256([]byte(c.password(hook)))
	return subscription{
		URL: hook, Action: "*", Object: "*", Name: "Tandem " + hex.EncodeToString(sum[:4]),
		User: hookUser, Pass: c.password(hook), Version: "2.0",
	}
}

// Subscribe makes the subscription if it is not there, and takes away what is left of
// others for the same address.
func (c *conn) Subscribe(ctx context.Context, hook string, _ []string) (time.Time, error) {
	want := c.subscribed(hook)
	found := false
	err := c.eachHook(ctx, hook, func(s subscription) bool {
		right := s.Action == want.Action && s.Object == want.Object && s.Name == want.Name && s.Version == want.Version && s.Active != "0" && s.Active != "false"
		if right && !found {
			found = true
			return false
		}
		return true
	})
	if err != nil {
		return time.Time{}, err
	}
	if !found {
		if _, err := c.do(ctx, 10, rest.Call{Method: http.MethodPost, Path: c.v1("webhooks"), Body: want}); err != nil {
			return time.Time{}, fmt.Errorf("subscribe: %w", err)
		}
	}
	return time.Now().Add(renewAfter), nil
}

// Unsubscribe removes all subscriptions for the address.
func (c *conn) Unsubscribe(ctx context.Context, hook string) error {
	return c.eachHook(ctx, hook, func(subscription) bool { return true })
}

// eachHook removes the subscriptions for an address for which remove says so.
func (c *conn) eachHook(ctx context.Context, hook string, remove func(subscription) bool) error {
	all, err := old[[]subscription](ctx, c, 10, c.v1("webhooks"))
	if err != nil {
		return fmt.Errorf("read webhooks: %w", err)
	}
	for _, s := range all {
		if s.URL != hook || !remove(s) {
			continue
		}
		_, err := c.do(ctx, 6, rest.Call{Method: http.MethodDelete, Path: c.v1("webhooks", strconv.FormatInt(s.ID, 10))})
		if err != nil && connector.KindOf(err) != connector.NotFound {
			return fmt.Errorf("remove webhook: %w", err)
		}
	}
	return nil
}
