package brevo

import (
	"context"
	"errors"
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

// importFrom is how many new contacts are worth an import: asking what became of it costs
// calls of which there are 100 an hour.
const importFrom = 20

type importRow struct {
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// importInput is an import; see https://developers.brevo.com/reference/import-contacts
type importInput struct {
	Rows    []importRow `json:"jsonBody"`
	Lists   []int64     `json:"listIds"`
	Update  bool        `json:"updateExistingContacts"`
	Empty   bool        `json:"emptyContactsAttributes"`
	Discard bool        `json:"disableNotification"` // mail nobody when it is done (C8)
}

// process is what became of an import; see https://developers.brevo.com/reference/get-process
type process struct {
	Status string `json:"status"`
	Info   struct {
		Import map[string]*string `json:"import"` // addresses of reports by reason
	} `json:"info"`
}

// imported is what an import that is over came to.
type imported struct {
	made     map[string]contact // by e-mail, lower case
	rejected map[string]string  // e-mail to the reason
	failed   bool
}

// importMany imports those of the new contacts for which an import can say all that is to be
// said, if they are many, and returns the others. An import never touches contacts that are
// there; what became of each row is asked for later (R36).
func (c *conn) importMany(ctx context.Context, ready []*writing) []*writing {
	list, err := strconv.ParseInt(c.settings[settingImport], 10, 64)
	if err != nil || len(ready) < importFrom {
		return ready
	}
	var rows, single []*writing
	seen := map[string]bool{}
	for _, w := range ready {
		in, mail := w.input, strings.ToLower(w.input.Email)
		if mail == "" || seen[mail] || in.ExtID != nil || in.MailNo != nil || in.SMSNo != nil || len(in.Lists) > 0 {
			single = append(single, w)
			continue
		}
		seen[mail] = true
		rows = append(rows, w)
	}
	if len(rows) < importFrom {
		return ready
	}
	if err := c.importRows(ctx, rows, list); err != nil {
		if connector.KindOf(err) == connector.Invalid || connector.KindOf(err) == connector.NotFound {
			return ready // one by one it shows what is wrong
		}
		e := connector.ErrorOf(unknown(fmt.Errorf("import contacts: %w", err)))
		for _, w := range rows {
			w.result.Err = e
		}
	}
	return single
}

func (c *conn) importRows(ctx context.Context, rows []*writing, list int64) error {
	in := importInput{Lists: []int64{list}, Discard: true}
	for _, w := range rows {
		in.Rows = append(in.Rows, importRow{Email: w.input.Email, Attributes: w.input.Attributes})
	}
	var answer struct {
		Process int64 `json:"processId"`
	}
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts/import", Body: in, Into: &answer})
	if err != nil {
		return err
	}
	if answer.Process == 0 {
		return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the answer names no process")}
	}
	at := began(r, sent).UnixMilli()
	for _, w := range rows {
		w.result.Pending = fmt.Sprintf("%d %d %s", answer.Process, at, w.input.Email)
	}
	return nil
}

// Outcome asks what became of imported contacts.
func (c *conn) Outcome(ctx context.Context, object string, pending []string) ([]connector.Result, error) {
	s, err := c.shape(ctx, object)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Result, len(pending))
	for i, p := range pending {
		out[i].Ref.Object = object
		parts := strings.SplitN(p, " ", 3)
		ms, err := strconv.ParseInt(strings.Join(parts[min(1, len(parts)):min(2, len(parts))], ""), 10, 64)
		if err != nil || len(parts) < 3 {
			out[i].Err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("no import is called so")}
			continue
		}
		at := time.UnixMilli(ms)
		done, err := c.importOf(ctx, parts[0], at)
		switch {
		case connector.KindOf(err) == connector.NotFound:
			out[i].Err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: fmt.Errorf("the import is not known any more: %w", err)}
		case err != nil:
			return nil, fmt.Errorf("ask for an import: %w", err)
		case done == nil:
			out[i].Pending = p
		default:
			if out[i], err = c.settled(ctx, s, done, parts[2], at); err != nil {
				return nil, fmt.Errorf("ask for an imported contact: %w", err)
			}
		}
	}
	return out, nil
}

// importOf returns what an import came to; nil if it is not over.
func (c *conn) importOf(ctx context.Context, id string, at time.Time) (*imported, error) {
	c.mu.Lock()
	known := c.imports[id]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	var p process
	if _, err := c.do(ctx, rest.Call{Path: "/v3/processes/" + url.PathEscape(id), Into: &p}); err != nil {
		return nil, err
	}
	x := &imported{made: map[string]contact{}, rejected: map[string]string{}}
	switch p.Status {
	case "completed":
	case "failed", "cancelled":
		x.failed = true
	default:
		return nil, nil
	}
	if err := c.collect(ctx, x, at); err != nil {
		return nil, err
	}
	for reason, address := range p.Info.Import {
		if address == nil || *address == "" {
			continue
		}
		r, err := c.api.Do(rest.WithLink(ctx), rest.Call{Path: *address, Raw: true}) // the link is its own right to be read
		if err != nil {
			continue // without it rows are rejected for a reason that is not known
		}
		for _, mail := range addresses(string(r.Body)) {
			x.rejected[mail] = reason
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.imports) > 50 {
		clear(c.imports)
	}
	c.imports[id] = x
	return x, nil
}

// collect reads the contacts that were made since on the list of imports.
func (c *conn) collect(ctx context.Context, x *imported, at time.Time) error {
	cur := cursor{Mode: modeList, Since: at.UnixMilli()}
	for more := true; more; {
		q := cur.window(maxContacts)
		q.Set("offset", strconv.Itoa(cur.skip()))
		q.Set("listIds", c.settings[settingImport])
		p, _, err := c.listContacts(ctx, q)
		if err != nil {
			return err
		}
		b := batch{more: cur.skip()+len(p.Contacts) < p.Count}
		for _, made := range p.Contacts {
			x.made[strings.ToLower(made.Email)] = made
			b.rows = append(b.rows, row{id: strconv.FormatInt(made.ID, 10), created: time.Time(made.Created)})
		}
		cur, more = cur.next(b, maxContacts)
	}
	return nil
}

// addresses returns the e-mail addresses in a report, which is a CSV file.
func addresses(report string) []string {
	words := strings.FieldsFunc(strings.ToLower(report), func(r rune) bool {
		return r == ';' || r == ',' || r == '"' || r == '\n' || r == '\r' || r == '\t'
	})
	return slices.DeleteFunc(words, func(w string) bool { return strings.TrimSpace(w) == "" })
}

// settled is the outcome of one row of an import that is over.
func (c *conn) settled(ctx context.Context, s *shape, done *imported, mail string, at time.Time) (connector.Result, error) {
	res := connector.Result{Ref: record.Ref{Object: contacts}}
	low := strings.ToLower(mail)
	x, ok := done.made[low]
	reason := done.rejected[low]
	had := strings.HasPrefix(reason, "duplicate_email")
	if !ok && reason != "" && !had {
		res.Err = rejected(reason)
		return res, nil
	}
	if !ok {
		found, err := c.lookUp(ctx, s.fields[fieldEmail], mail)
		switch {
		case err != nil:
			return res, err
		case len(found) == 0 && done.failed:
			res.Err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the import failed")}
			return res, nil
		case len(found) == 0:
			res.Err = rejected("")
			return res, nil
		}
		x = found[0]
	}
	id := strconv.FormatInt(x.ID, 10)
	if had || time.Time(x.Created).Before(at) {
		res.Err = &connector.Error{
			Kind: connector.Duplicate, Scope: connector.ScopeRecord, Field: fieldEmail, Existing: record.Ref{Object: contacts, ID: id},
			Fix: "link the two, or change the address", Err: errors.New("there was a contact with this address before the import"),
		}
		return res, nil
	}
	after := s.record(x)
	res.Ref.ID, res.Version, res.After = id, after.Version, &after
	return res, nil
}

// rejected is the error of a row that an import did not take.
func rejected(reason string) error {
	switch {
	case reason == "invalid_emails":
		return invalid(fieldEmail, "the import rejected the e-mail address", "correct the e-mail address")
	case strings.HasPrefix(reason, "duplicate_"):
		e := invalid(fieldOfIdentifier(strings.TrimPrefix(reason, "duplicate_")), "the import rejected the contact: another one has this value", "link the two, or change the value")
		e.Kind = connector.Duplicate
		return e
	default:
		return invalid("", "the import did not take the contact and does not say why", "make the contact by hand, and look at what Brevo says")
	}
}
