package brevo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	maxContacts = 1000 // of a page; https://developers.brevo.com/reference/get-contacts
	maxLists    = 50   // of a page; https://developers.brevo.com/reference/get-lists
)

// Changes lists an object, then reads what changed; see [cursor] for how.
func (c *conn) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	s, err := c.shape(ctx, q.Object)
	if err != nil {
		return connector.Page{}, err
	}
	limit, call := maxContacts, c.contactPage(s)
	switch q.Object {
	case lists, folders:
		limit, call = maxLists, c.listPage(q.Object)
	case companies, deals:
		limit, call = maxSales, c.salesPage(s)
	case notes:
		limit, call = maxNotes, c.notePage()
	}
	page, err := pages(ctx, q, limit, call)
	if err != nil {
		return page, fmt.Errorf("list %s: %w", q.Object, err)
	}
	return page, nil
}

// window are the parameters that all lists have alike.
func (c cursor) window(limit int) url.Values {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "sort": {"asc"}}
	if c.Since > 0 {
		q.Set("createdSince", stamped(time.UnixMilli(c.Since)))
	}
	if c.From > 0 {
		q.Set("modifiedSince", stamped(time.UnixMilli(c.From)))
	}
	return q
}

func (c *conn) contactPage(s *shape) pager {
	return func(ctx context.Context, cur cursor, limit int) (batch, error) {
		q := cur.window(limit)
		q.Set("offset", strconv.Itoa(cur.skip()))
		p, at, err := c.listContacts(ctx, q)
		if err != nil {
			return batch{}, err
		}
		b := batch{more: cur.skip()+len(p.Contacts) < p.Count, at: at}
		for _, x := range p.Contacts {
			b.rows = append(b.rows, row{strconv.FormatInt(x.ID, 10), time.Time(x.Created), s.change(x)})
		}
		return b, nil
	}
}

// listContacts makes one call of the list of contacts, and says when it began by Brevo's
// clock, rather too early than too late.
func (c *conn) listContacts(ctx context.Context, q url.Values) (contactPage, time.Time, error) {
	var p contactPage
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{Path: "/v3/contacts", Query: q, Into: &p})
	return p, began(r, sent), err
}

func began(r *rest.Response, sent time.Time) time.Time {
	at := time.Now()
	if r != nil {
		if told, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			at = told
		}
	}
	return at.Add(-time.Since(sent) - time.Second)
}

// Read reads records by id.
func (c *conn) Read(ctx context.Context, object string, ids []string) ([]connector.Change, error) {
	s, err := c.shape(ctx, object)
	if err != nil {
		return nil, err
	}
	found := map[string]connector.Change{}
	if object == contacts {
		there, err := c.readContacts(ctx, ids)
		if err != nil {
			return nil, err
		}
		for id, x := range there {
			found[id] = s.change(x)
		}
	} else if err := c.readSingly(ctx, s, ids, found); err != nil {
		return nil, err
	}
	out := make([]connector.Change, len(ids))
	for i, id := range ids {
		change, ok := found[id]
		if !ok {
			change = connector.Change{Record: record.Record{Ref: record.Ref{Object: object, ID: id}}, Fate: connector.Deleted}
		}
		out[i] = change
	}
	return out, nil
}

// readContacts reads contacts, twenty a call. One that is not there is left out: that is so
// only if Brevo says it of the contact itself, because a list may lag behind (R21).
func (c *conn) readContacts(ctx context.Context, ids []string) (map[string]contact, error) {
	found := map[string]contact{}
	for part := range slices.Chunk(numbers(ids), readBatch) {
		for offset, more := 0, true; more; {
			p, _, err := c.listContacts(ctx, url.Values{"ids": part, "limit": {strconv.Itoa(readBatch)}, "offset": {strconv.Itoa(offset)}})
			if err != nil {
				return nil, fmt.Errorf("read contacts: %w", err)
			}
			for _, x := range p.Contacts {
				found[strconv.FormatInt(x.ID, 10)] = x
			}
			offset += len(p.Contacts)
			more = len(p.Contacts) > 0 && offset < min(p.Count, len(part)) // a page may be shorter than was asked for
		}
		for _, id := range part {
			if _, ok := found[id]; ok {
				continue
			}
			x, err := c.one(ctx, "contact_id", id)
			switch connector.KindOf(err) {
			case "":
				found[id] = x
			case connector.NotFound:
			default:
				return nil, fmt.Errorf("read contact: %w", err)
			}
		}
	}
	return found, nil
}

// numbers returns the ids that can be ids, each once: another would have Brevo refuse all.
func numbers(ids []string) []string {
	var out []string
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// identifier is the name under which Brevo finds a contact by a unique value; see
// https://developers.brevo.com/reference/get-contact-info
func identifier(field string) string {
	switch field {
	case fieldEmail:
		return "email_id"
	case fieldExtID:
		return "ext_id"
	case fieldSMS:
		return "phone_id"
	case fieldWhatsApp:
		return "whatsapp_id"
	case fieldLandline:
		return "landline_number_id"
	default:
		return ""
	}
}

// Find looks contacts up by a value that is one contact's only, or by our key.
func (c *conn) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	s, err := c.shape(ctx, object)
	if err != nil {
		return nil, err
	}
	f := s.fields[field]
	if object == companies && f.Key {
		return c.findCompanies(ctx, s, field, values)
	}
	if object != contacts || !f.Findable {
		return nil, unsupported("find %s: they cannot be found by %q", object, field)
	}
	var out []record.Record
	seen := map[int64]bool{}
	for _, v := range values {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		found, err := c.lookUp(ctx, f, v)
		if err != nil {
			return nil, fmt.Errorf("find contacts by %s: %w", field, err)
		}
		for _, x := range found {
			r := s.record(x)
			if !seen[x.ID] && same(f, r.Fields[field].Text(), v) {
				seen[x.ID] = true
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// same reports whether a contact holds the value that it was looked up by.
func same(f record.Field, have, want string) bool {
	switch f.Kind {
	case record.KindPhone:
		number, err := encodePhone(want)
		return err == nil && number == have
	case record.KindEmail:
		return strings.EqualFold(have, want)
	default:
		return have == want
	}
}

// lookUp asks for the contacts that hold a value.
func (c *conn) lookUp(ctx context.Context, f record.Field, v string) ([]contact, error) {
	if f.Key {
		if strings.ContainsAny(v, `"\`) {
			return nil, nil // none of our keys
		}
		q := url.Values{"filter": {fmt.Sprintf(`equals(%s,"%s")`, f.Name, v)}, "limit": {"50"}, "offset": {"0"}}
		p, _, err := c.listContacts(ctx, q)
		return p.Contacts, err
	}
	if f.Kind == record.KindPhone {
		number, err := encodePhone(v)
		if err != nil {
			return nil, nil //nolint:nilerr // no contact can hold it
		}
		v, _ = number.(string)
	}
	x, err := c.one(ctx, identifier(f.Name), v)
	switch connector.KindOf(err) {
	case "":
		return []contact{x}, err
	case connector.NotFound, connector.Invalid: // of a text that can be no such value
		return nil, nil
	}
	return nil, err
}

// one reads the contact that a value identifies.
func (c *conn) one(ctx context.Context, kind, value string) (contact, error) {
	var x contact
	_, err := c.do(ctx, rest.Call{Path: contactPath(value), Query: url.Values{"identifierType": {kind}}, Into: &x})
	return x, err
}

// contactPath escapes everything, "+" too: Brevo would take it for a blank.
func contactPath(value string) string {
	return "/v3/contacts/" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}
