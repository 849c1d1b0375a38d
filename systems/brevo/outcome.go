package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// What became of imported contacts is seen by looking at the contacts, which may be read ten
// times a second. Brevo's own word about an import costs one of a hundred calls an hour: it is
// asked for only about rows that do not appear.

const (
	processLeast = time.Minute     // an import is not asked about sooner,
	processMost  = 5               // nor more than so many in one go,
	importEnds   = 24 * time.Hour  // and one that takes longer is given up
	idlePages    = 2               // pages without a row that is sought end the search
	mostLookUps  = 200             // contacts looked up one by one in one go
	untouched    = 2 * time.Second // a contact that was changed later than that was changed by somebody
)

// process is what became of an import; see https://developers.brevo.com/reference/get-process
type process struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Info   struct {
		Import map[string]*string `json:"import"` // addresses of reports by reason
	} `json:"info"`
}

func (p process) over() bool {
	return p.Status == "completed" || p.Status == "failed" || p.Status == "cancelled"
}

// imported is what is known of an import.
type imported struct {
	asked    time.Time // when Brevo was last asked
	over     bool
	lost     bool              // Brevo knows nothing of it, or it does not end
	rejected map[string]string // e-mail to the reason
}

// An asked is one row of an import that is asked about.
type asked struct {
	ticket
	at     time.Time
	seen   *contact // the contact that has the address
	result *connector.Result
}

// Outcome asks what became of imported contacts.
func (c *conn) Outcome(ctx context.Context, object string, pending []string) ([]connector.Result, error) {
	s, err := c.shape(ctx, object)
	if err != nil {
		return nil, err
	}
	if object == companies {
		return c.companyOutcomes(ctx, s, pending)
	}
	out := make([]connector.Result, len(pending))
	sought := map[string][]*asked{}
	rows := make([]*asked, 0, len(pending))
	var since time.Time
	for i, p := range pending {
		out[i].Ref.Object, out[i].Pending = object, p
		x := &asked{result: &out[i]}
		if json.Unmarshal([]byte(p), &x.ticket) != nil || x.Email == "" {
			x.settle(nil, &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("no import is called so")})
			continue
		}
		x.at = time.UnixMilli(x.At)
		if since.IsZero() || x.at.Before(since) {
			since = x.at
		}
		sought[strings.ToLower(x.Email)] = append(sought[strings.ToLower(x.Email)], x)
		rows = append(rows, x)
	}
	if err := c.appeared(ctx, s, since, sought); err != nil {
		return nil, fmt.Errorf("ask for imported contacts: %w", err)
	}
	if err := c.missing(ctx, s, rows); err != nil {
		return nil, fmt.Errorf("ask for an import: %w", err)
	}
	return out, nil
}

// settle ends the asking for a row.
func (x *asked) settle(res *connector.Result, err *connector.Error) {
	x.result.Pending = ""
	if res != nil {
		*x.result = *res
	}
	if err != nil {
		x.result.Err = err
	}
}

// appeared looks for the contacts that are sought among those that were made since. Whoever has
// much to ask for asks in parts, and what one part seeks mostly lies behind what the part before
// it has found: so the search begins there, and at its beginning only if that is not all.
func (c *conn) appeared(ctx context.Context, s *shape, since time.Time, sought map[string][]*asked) error {
	from := cursor{Mode: modeList, Since: max(1, since.UnixMilli()-1)}
	left := len(sought)
	c.mu.Lock()
	at := c.reached
	c.mu.Unlock()
	var err error
	if at.Since >= from.Since && at.Offset > 0 || at.Since > from.Since {
		if left, err = c.search(ctx, s, at, sought, left); err != nil || left == 0 {
			return err
		}
	}
	_, err = c.search(ctx, s, from, sought, left)
	return err
}

// search reads the contacts behind a place, takes those that are sought, and stops when it has
// them all, or comes upon none of them, nor any that we have made, any more. It returns how many
// are left to be found.
func (c *conn) search(ctx context.Context, s *shape, cur cursor, sought map[string][]*asked, left int) (int, error) {
	for idle, more := 0, true; more && left > 0 && idle < idlePages; {
		q := cur.window(maxContacts)
		q.Set("offset", strconv.Itoa(cur.skip()))
		p, _, err := c.listContacts(ctx, q)
		if err != nil {
			return left, err
		}
		b := batch{more: cur.skip()+len(p.Contacts) < p.Count}
		idle++
		for _, have := range p.Contacts {
			b.rows = append(b.rows, row{id: strconv.FormatInt(have.ID, 10), created: time.Time(have.Created)})
			if scalar(have.Attributes[fieldKey]) != "" {
				idle = 0 // of another part, or of another import
			}
			for i, x := range sought[strings.ToLower(have.Email)] {
				if x.seen == nil && i == 0 {
					idle, left = 0, left-1
				}
				x.meet(s, have)
			}
		}
		if left == 0 {
			c.mu.Lock()
			c.reached = cur
			c.mu.Unlock()
		}
		cur, more = cur.next(b, maxContacts)
	}
	return left, nil
}

// meet takes a contact that has the address of the row. It is the one that the import made if
// it carries our key. Another one that is as young may be somebody else's: the import says so.
func (x *asked) meet(s *shape, have contact) {
	x.seen = &have
	if x.Key != "" && scalar(have.Attributes[fieldKey]) == x.Key {
		x.found(s, have)
	}
}

// older reports whether a contact is another one than an import could have made.
func (x *asked) older(have contact) bool {
	key := scalar(have.Attributes[fieldKey])
	return key != "" && x.Key != "" && key != x.Key || time.Time(have.Created).Before(x.at)
}

// found tells that an import made a contact. What was sent and is not there Brevo has dropped:
// of what an ordinary call would take, or give a reason for, it is owed (R2).
func (x *asked) found(s *shape, have contact) {
	after := s.record(have)
	res := connector.Result{Ref: after.Ref, After: &after, Fresh: true}
	if after.Modified.Sub(after.Created) <= untouched {
		res.Version = after.Version
	}
	for _, name := range x.Sent {
		f, known := s.fields[name]
		if !known || !after.Fields[name].IsEmpty() {
			continue
		}
		refusal := refuse(name, "Brevo took the contact and not this value")
		refusal.Again = f.Unique || f.Kind == record.KindConsent || name == fieldLists
		res.Refused = append(res.Refused, refusal)
	}
	x.settle(&res, nil)
}

// missing says what is known of rows that have not appeared.
func (c *conn) missing(ctx context.Context, s *shape, rows []*asked) error {
	polls, looks := 0, 0
	for _, x := range rows {
		if x.result.Pending == "" {
			continue
		}
		known, err := c.importOf(ctx, x, &polls)
		switch {
		case err != nil:
			return err
		case known == nil:
			continue
		case known.lost:
			x.settle(nil, &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errLost})
			continue
		}
		if x.seen == nil {
			if looks++; looks > mostLookUps {
				continue
			}
		}
		if err := c.decided(ctx, s, x, known.rejected[strings.ToLower(x.Email)]); err != nil {
			return err
		}
	}
	return nil
}

var (
	errLost = errors.New("nothing is said of the import any more")
	errLeft = errors.New("left for the next call")
)

// importOf returns what is known of an import that is over; nil while it may be under way. An
// error of the question is no answer about the rows: they stay pending.
func (c *conn) importOf(ctx context.Context, x *asked, polls *int) (*imported, error) {
	c.mu.Lock()
	known := c.imports[x.Process]
	if known == nil {
		known = &imported{}
		if len(c.imports) > 1000 {
			clear(c.imports)
		}
		c.imports[x.Process] = known
	}
	over, last := known.over || known.lost, known.asked
	age := time.Since(x.at)
	// Asked at growing intervals: what was not over after an hour seldom is a minute later.
	ask := !over && age >= processLeast && *polls < processMost && time.Since(last) >= max(processLeast, age/2)
	if ask {
		known.asked = time.Now()
		*polls++
	}
	c.mu.Unlock()
	if over {
		return known, nil
	}
	if !ask {
		return nil, nil
	}
	next, err := c.askProcess(ctx, x.Process, age)
	switch {
	case ctx.Err() != nil, connector.KindOf(err) == connector.Unauthorized, connector.KindOf(err) == connector.Forbidden:
		return nil, err
	case err != nil || next == nil:
		return nil, nil // asked again later
	}
	next.asked = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.imports[x.Process] = next
	return next, nil
}

// askProcess asks Brevo about an import; nil if it is under way.
func (c *conn) askProcess(ctx context.Context, id int64, age time.Duration) (*imported, error) {
	var p process
	_, err := c.do(ctx, rest.Call{Path: "/v3/processes/" + strconv.FormatInt(id, 10), Into: &p})
	switch {
	case connector.KindOf(err) == connector.NotFound:
		return &imported{lost: true}, nil
	case err != nil:
		return nil, err
	case p.over():
	case age > importEnds:
		return &imported{lost: true}, nil
	default:
		return nil, nil
	}
	known := &imported{over: true, rejected: map[string]string{}}
	for _, reason := range slices.Sorted(maps.Keys(p.Info.Import)) {
		address := p.Info.Import[reason]
		if address == nil || *address == "" {
			continue
		}
		r, err := c.api.Do(rest.WithLink(ctx), rest.Call{Path: *address, Raw: true}) // the link is its own right to be read
		if err != nil {
			continue // without it rows are rejected for a reason that is not known
		}
		for _, mail := range addresses(string(r.Body)) {
			known.rejected[mail] = reason
		}
	}
	return known, nil
}

// addresses returns the e-mail addresses in a report, which is a CSV file.
func addresses(report string) []string {
	words := strings.FieldsFunc(strings.ToLower(report), func(r rune) bool {
		return r == ';' || r == ',' || r == '"' || r == '\n' || r == '\r' || r == '\t'
	})
	return slices.DeleteFunc(words, func(w string) bool { return strings.TrimSpace(w) == "" })
}

// decided settles a row that did not appear although its import is over. Unless its address is
// at fault, or another contact's, it is made by a call of its own, which leaves out a number
// that somebody else has, or says what is wrong.
func (c *conn) decided(ctx context.Context, s *shape, x *asked, reason string) error {
	if reason == "invalid_emails" {
		x.settle(nil, invalid(fieldEmail, "the import rejected the e-mail address", "correct the e-mail address"))
		return nil
	}
	if x.seen == nil {
		there, err := c.lookUp(ctx, s.fields[fieldEmail], x.Email)
		if err != nil {
			return err
		}
		if len(there) > 0 {
			x.meet(s, there[0])
		}
	}
	switch {
	case x.result.Pending == "":
	case x.seen == nil:
		c.setAlone(x.Key)
		x.settle(nil, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeRecord, Err: fmt.Errorf("the import did not take the contact (%s)", firstText(reason, "it does not say why")),
		})
	case x.older(*x.seen), strings.HasPrefix(reason, "duplicate_email"):
		x.settle(nil, &connector.Error{
			Kind: connector.Duplicate, Scope: connector.ScopeRecord, Field: fieldEmail,
			Existing: record.Ref{Object: contacts, ID: strconv.FormatInt(x.seen.ID, 10)},
			Fix:      "link the two, or change the address", Err: errors.New("there was a contact with this address before the import"),
		})
	default:
		x.found(s, *x.seen)
	}
	return nil
}
