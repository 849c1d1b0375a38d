package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// The journal has versions of its own; see
	// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
	journalVersion = "2026-03"
	journalScopes  = "developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read developer.webhooks_journal.subscriptions.write"

	// A change shows in seconds, and asking so often takes 8,640 calls a day: 3.5 % of what
	// the smallest subscription has.
	journalPause = 10 * time.Second

	settingClient = "client_id"
	stateJournal  = "journal" // the offset of the last entry that was taken
)

// journal reads the account's journal of changes, with a token of the app's own.
type journal struct {
	*conn
	token  string
	until  time.Time // when the token ends
	scopes []string
	portal string
	empty  bool // it was when we began: its first entry is new to us
}

// entry says where the next part of the journal lies.
type entry struct {
	URL    string `json:"url"`
	Offset string `json:"currentOffset"`
}

type journalFile struct {
	Events []event `json:"journalEvents"`
}

type appToken struct {
	Token   string `json:"access_token"`
	Expires int64  `json:"expires_in"` // seconds
}

// WatchHints reads the journal that HubSpot keeps of changes for three days, where it
// cannot call us. It makes the subscriptions that the journal is filled by.
func (c *conn) WatchHints(ctx context.Context, objects []string, hints chan<- connector.Delivery) error {
	if c.settings[settingClient] == "" || c.secret(settingSecret) == "" {
		return &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeConnection,
			Fix: "fill client_id and client_secret with those of a HubSpot app that is installed in the account",
			Err: errors.New("watch journal: it is open to apps only"),
		}
	}
	j := &journal{conn: c, scopes: strings.Fields(journalScopes)}
	for _, object := range objects {
		if k, ok := kindOf(object); ok {
			j.scopes = appendNew(j.scopes, "crm.objects."+k.scope+".read")
		}
	}
	if err := j.subscribe(ctx, objects); err != nil {
		return fmt.Errorf("watch journal: %w", err)
	}
	for {
		more, err := j.step(ctx, hints)
		if err != nil {
			return fmt.Errorf("watch journal: %w", err)
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(journalPause):
		}
	}
}

// step takes the next part of the journal and says whether there may be another now.
func (j *journal) step(ctx context.Context, hints chan<- connector.Delivery) (bool, error) {
	place, version, err := j.state.Get(ctx, stateJournal)
	if err != nil {
		return false, fmt.Errorf("read place: %w", err)
	}
	next, lost, err := j.next(ctx, place)
	if err != nil || next.Offset == "" {
		return false, err
	}
	delivery := connector.Delivery{Lost: lost}
	if delivery.Hints, err = j.fetch(ctx, next.URL); err != nil {
		return false, err
	}
	if lost || len(delivery.Hints) > 0 {
		// The second one is received when the first has been kept.
		for _, d := range []connector.Delivery{delivery, {}} {
			select {
			case hints <- d:
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
	}
	if _, err := j.state.Put(ctx, stateJournal, next.Offset, version); err != nil && !errors.Is(err, connector.ErrStale) {
		return false, fmt.Errorf("keep place: %w", err)
	} // another process took it meanwhile: its place counts
	return true, nil
}

// next asks for the entry behind a place. At first there is none: what happened before is
// read from the objects themselves, so the journal is begun at its end. A place that HubSpot
// does not know any more is older than three days: then notifications are lost.
func (j *journal) next(ctx context.Context, place string) (e entry, lost bool, err error) {
	if place == "" {
		which := "latest"
		if j.empty {
			which = "earliest"
		}
		e, err = j.entry(ctx, which)
		j.empty = err == nil && e.Offset == ""
		return e, false, err
	}
	e, err = j.entry(ctx, "offset/"+url.PathEscape(place)+"/next")
	if connector.KindOf(err) != connector.NotFound {
		return e, false, err
	}
	// Nothing new is said with 204; should it be said with 404, too, then the place is the last.
	e, err = j.entry(ctx, "latest")
	if err != nil || e.Offset == "" || e.Offset == place {
		return entry{}, false, err
	}
	return e, true, nil
}

// entry asks for one entry; one without an offset is none.
func (j *journal) entry(ctx context.Context, which string) (entry, error) {
	var e entry
	r, err := j.call(ctx, rest.Call{Path: "/webhooks-journal/journal/" + journalVersion + "/" + which, Raw: true})
	if err != nil {
		if !strings.HasPrefix(which, "offset/") && connector.KindOf(err) == connector.NotFound {
			return e, nil // an empty journal
		}
		return e, err
	}
	if len(strings.TrimSpace(string(r.Body))) == 0 {
		return e, nil
	}
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return e, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection,
			Err: fmt.Errorf("read journal: the answer is no entry: %w", err),
		}
	}
	return e, nil
}

// fetch reads a part of the journal. It lies where its address says, which is signed and
// is all that is needed to read it: our credential does not go there (C9).
func (j *journal) fetch(ctx context.Context, address string) ([]record.Ref, error) {
	r, err := j.api.Do(rest.WithCost(rest.WithLink(ctx), limitBurst, 0), rest.Call{Path: address, Raw: true})
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var file journalFile
	if err := json.Unmarshal(r.Body, &file); err != nil {
		return nil, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection,
			Err: errors.New("read journal: the file is not one of the journal's"),
		}
	}
	return hintsOf(slices.DeleteFunc(file.Events, func(e event) bool {
		return e.Portal != "" && j.portal != "" && string(e.Portal) != j.portal // the app is installed elsewhere, too
	})), nil
}

// call makes a call with the app's own token.
func (j *journal) call(ctx context.Context, call rest.Call) (*rest.Response, error) {
	if err := j.login(ctx); err != nil {
		return nil, err
	}
	call.Header = http.Header{"Authorization": {"Bearer " + j.token}}
	return j.read(rest.WithOwnCredential(ctx), call)
}

// login gets a token for the app if there is none that lasts for another minute; see
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/overview
func (j *journal) login(ctx context.Context) error {
	if time.Now().Add(time.Minute).Before(j.until) {
		return nil
	}
	var answer appToken
	_, err := j.read(rest.WithOwnCredential(ctx), rest.Call{
		Method: http.MethodPost, Path: tokenPath(j.version), Into: &answer,
		Form: url.Values{
			"grant_type": {"client_credentials"}, "client_id": {j.settings[settingClient]},
			"client_secret": {j.secret(settingSecret)}, "scope": {strings.Join(j.scopes, " ")},
		},
	})
	switch connector.KindOf(err) {
	case "":
	case connector.Invalid, connector.NotFound, connector.Unauthorized:
		return &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Err: err,
			Fix: "are client_id and client_secret those of the app, and has it the scopes " + strings.Join(j.scopes, " ") + "?",
		}
	}
	if err != nil {
		return fmt.Errorf("get the app's token: %w", err)
	}
	if answer.Token == "" {
		return &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("get the app's token: the answer holds none"),
		}
	}
	j.token, j.until = answer.Token, time.Now().Add(time.Duration(answer.Expires)*time.Second)
	return nil
}
