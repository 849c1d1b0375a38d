package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

const (
	// importFrom is how many new contacts that are alike are worth an import: what became of it
	// is told later only.
	importFrom = 20
	// importBytes is the largest body of an import: Brevo takes 10 MB and recommends 8; see
	// https://developers.brevo.com/reference/import-contacts
	importBytes = 7 << 20
)

type importRow struct {
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// importInput is an import; see https://developers.brevo.com/reference/import-contacts. Brevo
// would update contacts that are there unless it is told not to.
type importInput struct {
	Rows   []importRow `json:"jsonBody"`
	Lists  []int64     `json:"listIds"`
	Update bool        `json:"updateExistingContacts"`
	Empty  bool        `json:"emptyContactsAttributes"`
	Quiet  bool        `json:"disableNotification"`      // mail nobody when it is done (C8)
	MailNo bool        `json:"emailBlacklist,omitempty"` // all of them, which is never said of those who may be mailed
	SMSNo  bool        `json:"smsBlacklist,omitempty"`
}

// A ticket is what an imported contact is asked for by (R36).
type ticket struct {
	Process int64    `json:"p"`
	At      int64    `json:"t"` // when the import was sent, by Brevo's clock, in milliseconds
	Email   string   `json:"e"`
	Key     string   `json:"k,omitempty"`
	Sent    []string `json:"s,omitempty"` // fields that were sent
}

func (t ticket) encode() string {
	text, err := json.Marshal(t)
	if err != nil {
		return "" // texts and numbers: it cannot fail
	}
	return string(text)
}

// importMany imports those of the new contacts for which an import can say all that is to be
// said, if there are many of a kind, and returns the others. Contacts on lists are put on them
// by it, those to be blocklisted are imported by themselves. An import never touches contacts
// that are there (R17, R32): for that Brevo is not trusted, but asked for their addresses.
func (c *conn) importMany(ctx context.Context, ready []*writing) []*writing {
	groups, single := c.alike(ready)
	for _, kind := range slices.Sorted(maps.Keys(groups)) {
		rows := groups[kind]
		if len(rows) < importFrom {
			single = append(single, rows...)
			continue
		}
		rows, known := c.unknownTo(ctx, rows)
		single = append(single, known...)
		for _, part := range weighed(rows) {
			if !c.importPart(ctx, part) {
				single = append(single, part...)
			}
		}
	}
	return single
}

// alike sorts new contacts by what an import says of all its rows. Two that share a value of
// which Brevo has one only are not imported together: the report would name both.
func (c *conn) alike(ready []*writing) (groups map[string][]*writing, single []*writing) {
	groups = map[string][]*writing{}
	seen := map[string]bool{}
	for _, w := range ready {
		lists := c.listsOf(w)
		if w.input.Email == "" || len(lists) == 0 || c.isAlone(w.op.Key) || w.shares(seen) {
			single = append(single, w)
			continue
		}
		kind := fmt.Sprint(lists, w.input.MailNo != nil, w.input.SMSNo != nil)
		groups[kind] = append(groups[kind], w)
	}
	return groups, single
}

// listsOf are the lists on which an import puts a contact: its own, else the one for imports.
func (c *conn) listsOf(w *writing) []int64 {
	if len(w.input.Lists) > 0 {
		return slices.Sorted(slices.Values(w.input.Lists))
	}
	if id, err := strconv.ParseInt(c.settings[settingImport], 10, 64); err == nil {
		return []int64{id}
	}
	return nil
}

// shares reports whether a contact has a value that another one before it has, and notes its own.
func (w *writing) shares(seen map[string]bool) bool {
	values := []string{fieldEmail + strings.ToLower(w.input.Email)}
	if w.input.ExtID != nil {
		values = append(values, fieldExtID+*w.input.ExtID)
	}
	for _, name := range []string{fieldSMS, fieldWhatsApp, fieldLandline} {
		if v, ok := w.input.Attributes[name]; ok {
			values = append(values, fmt.Sprint(name, v))
		}
	}
	shared := slices.ContainsFunc(values, func(v string) bool { return seen[v] })
	for _, v := range values {
		seen[v] = true
	}
	return shared
}

// row is the contact as a row of an import, which has no place of its own for an external ID.
func (w *writing) row() importRow {
	r := importRow{Email: w.input.Email, Attributes: w.input.Attributes}
	if w.input.ExtID != nil {
		r.Attributes = maps.Clone(r.Attributes)
		if r.Attributes == nil {
			r.Attributes = map[string]any{}
		}
		r.Attributes[fieldExtID] = *w.input.ExtID
	}
	return r
}

// weighed parts the rows into what one call may carry.
func weighed(rows []*writing) [][]*writing {
	var parts [][]*writing
	weight := importBytes
	for _, w := range rows {
		text, err := json.Marshal(w.row())
		if err != nil {
			text = make([]byte, importBytes) // cannot be; alone it shows
		}
		if weight += len(text) + 1; weight > importBytes {
			parts, weight = append(parts, nil), len(text)+1
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], w)
	}
	return parts
}

// importPart imports contacts that are alike. It returns false if they are to be made one by
// one, which shows what is wrong.
func (c *conn) importPart(ctx context.Context, rows []*writing) bool {
	err := c.sendImport(ctx, rows)
	switch connector.KindOf(err) {
	case connector.Invalid, connector.NotFound, connector.Unsupported, connector.Duplicate:
		return false
	}
	if err != nil {
		e := connector.ErrorOf(unknown(fmt.Errorf("import contacts: %w", err)))
		for _, w := range rows {
			w.result.Err = e
		}
	}
	return true
}

func (c *conn) sendImport(ctx context.Context, rows []*writing) error {
	first := rows[0]
	in := importInput{Lists: c.listsOf(first), Quiet: true, MailNo: first.input.MailNo != nil, SMSNo: first.input.SMSNo != nil}
	for _, w := range rows {
		in.Rows = append(in.Rows, w.row())
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
		w.result.Pending = ticket{Process: answer.Process, At: at, Email: w.input.Email, Key: w.op.Key, Sent: w.told()}.encode()
	}
	return nil
}

// told are the fields that an import says. A yes it does not say: it shows as nothing said.
func (w *writing) told() []string {
	return slices.DeleteFunc(w.sent.Names(), func(name string) bool {
		return name == fieldMailNo && w.input.MailNo == nil || name == fieldSMSNo && w.input.SMSNo == nil
	})
}

// setAlone notes that the contact of an operation is not imported again, but made by a call of
// its own. After a restart it is imported once more, and rejected once more.
func (c *conn) setAlone(key string) {
	const most = 100_000
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.alone) >= most {
		clear(c.alone)
	}
	c.alone[key] = true
}

func (c *conn) isAlone(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alone[key]
}
