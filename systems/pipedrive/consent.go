package pipedrive

import (
	"context"
	"maps"
	"net/url"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// A company with Campaigns has a marketing status of each e-mail address, which persons show
// of their main one; see https://pipedrive.readme.io/docs/campaigns-in-pipedrive-api and
// https://support.pipedrive.com/en/article/campaigns-marketing-contacts
// The API sets a status once from each to each, and then takes the call and leaves it as it
// was: the answer shows that.
//
// People say no there by a link in a mail. A yes may be a salesperson's as well as their own,
// and neither is told from the other; so what Pipedrive says is not taken for firsthand, and
// its yes never lifts a no by itself (R32). That the status is kept by address makes up for
// the rest: another address has its own, and gets no mail before somebody says yes for it.
const (
	statusYes     = "subscribed"
	statusNo      = "unsubscribed"
	statusSaved   = "archived"        // said yes, and gets no mail for now
	statusWaiting = "pending_upgrade" // said yes, and the plan's number of subscribers is reached
)

// consentOf reads a marketing status. One that is not confirmed, or whose mails came back,
// says nothing.
func consentOf(status string) record.Value {
	switch status {
	case statusNo:
		return record.Text(record.Denied)
	case statusYes, statusSaved, statusWaiting:
		return record.Text(record.Granted)
	default:
		return record.Value{}
	}
}

// marketing is the status that says what a consent says.
func marketing(v record.Value) any {
	switch v.Text() {
	case record.Denied:
		return statusNo
	case record.Granted:
		return statusYes
	default:
		return v.Text() // for Pipedrive to refuse
	}
}

// keepNo carries a person's no to the address that becomes the main one: the no is the
// person's, and nobody has asked for it to be forgotten. A yes was given for an address.
func (d *draft) keepNo() {
	if _, told := d.body[fieldConsent]; !told && consentOf(d.now.text(fieldConsent)).Text() == record.Denied {
		d.body[fieldConsent] = statusNo
	}
}

// get reads records, with what is shown only if it is asked for. A company that gave Campaigns
// up since its fields were read would be refused all of its persons for that.
func (c *conn) get(ctx context.Context, k kind, tokens int, call rest.Call) (*rest.Response, error) {
	c.mu.Lock()
	s := c.known[k.name]
	c.mu.Unlock()
	if s == nil || c.unasked.Load() {
		return c.do(ctx, tokens, call)
	}
	if _, ok := s.fields[fieldConsent]; !ok {
		return c.do(ctx, tokens, call)
	}
	plain := call
	call.Query = url.Values{"include_fields": {fieldConsent}}
	maps.Copy(call.Query, plain.Query)
	r, err := c.do(ctx, tokens, call)
	if kind := connector.KindOf(err); kind != connector.Invalid && kind != connector.Forbidden {
		return r, err
	}
	again, without := c.do(ctx, tokens, plain)
	if without != nil {
		return r, err
	}
	c.unasked.Store(true)
	return again, nil
}
