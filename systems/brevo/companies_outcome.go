package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// An askedCompany is one row of an import that is asked about.
type askedCompany struct {
	companyTicket
	result *connector.Result
}

func (x *askedCompany) settle(err *connector.Error) {
	x.result.Pending = ""
	if err != nil {
		x.result.Err = err
	}
}

// companyOutcomes asks what became of imported companies. Each look costs one of a hundred calls
// an hour, so there are few: the pages with what was made since, and for rows that are not among
// it Brevo's word that the import is over.
func (c *conn) companyOutcomes(ctx context.Context, s *shape, pending []string) ([]connector.Result, error) {
	out := make([]connector.Result, len(pending))
	sought := map[string]*askedCompany{}
	due := map[importID]bool{}
	for i, p := range pending {
		out[i].Ref.Object, out[i].Pending = companies, p
		x := &askedCompany{result: &out[i]}
		if json.Unmarshal([]byte(p), &x.companyTicket) != nil || x.Key == "" || x.At == 0 {
			x.settle(&connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("no import is called so")})
			continue
		}
		is, known := due[x.id()]
		if !known {
			is = c.dueCompanies(x.companyTicket)
			due[x.id()] = is
		}
		if is {
			sought[x.Key] = x
		}
	}
	if err := c.companiesAppeared(ctx, s, sought); err != nil {
		return nil, fmt.Errorf("ask for imported companies: %w", err)
	}
	over, err := c.companiesOver(ctx, sought)
	if err != nil {
		return nil, fmt.Errorf("ask for an import: %w", err)
	}
	if len(over) == 0 {
		return out, nil
	}
	// What was made between the look and the word is there now.
	if err := c.companiesAppeared(ctx, s, sought); err != nil {
		return nil, fmt.Errorf("ask for imported companies: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(sought)) {
		switch x := sought[key]; over[x.id()] {
		case importLost:
			x.settle(&connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errLost})
		case importOver: // made by a call of its own it says what is wrong
			c.setAlone(x.Key)
			x.settle(&connector.Error{
				Kind: connector.Unavailable, Scope: connector.ScopeRecord, Err: errors.New("the import did not take the company, and does not say why"),
			})
		}
	}
	return out, nil
}

type importState int

const (
	importOver importState = iota + 1
	importLost
)

// dueCompanies reports whether it is time to look for an import's companies, and notes that it
// was done. What was not there after an hour seldom is a minute later.
func (c *conn) dueCompanies(t companyTicket) bool {
	age := time.Since(time.UnixMilli(t.At))
	c.mu.Lock()
	defer c.mu.Unlock()
	if age < companyLeast || time.Since(c.looked[t.id()]) < max(companyLeast, age/2) {
		return false
	}
	if len(c.looked) > 1000 {
		clear(c.looked)
	}
	c.looked[t.id()] = time.Now()
	return true
}

// companiesAppeared settles the rows whose companies are there.
func (c *conn) companiesAppeared(ctx context.Context, s *shape, sought map[string]*askedCompany) error {
	key, _ := s.key()
	var since time.Time
	for _, x := range sought {
		if at := time.UnixMilli(x.At); since.IsZero() || at.Before(since) {
			since = at
		}
	}
	return c.companiesSince(ctx, s, since, func(r record.Record) bool {
		if x := sought[r.Fields[key].Text()]; x != nil {
			x.found(s, r)
			delete(sought, x.Key)
		}
		return len(sought) > 0
	}, len(sought) > 0)
}

// found tells that an import made a company. What was sent and is not there Brevo has dropped
// (R2); what a row cannot say is owed.
func (x *askedCompany) found(s *shape, r record.Record) {
	*x.result = connector.Result{Ref: r.Ref, After: &r, Fresh: true}
	if r.Modified.Sub(r.Created) <= untouched {
		x.result.Version = r.Version
	}
	for _, name := range x.Sent {
		if _, known := s.fields[name]; known && r.Fields[name].IsEmpty() {
			x.result.Refused = append(x.result.Refused, refuse(name, "Brevo took the company and not this value"))
		}
	}
	for _, name := range x.Later {
		refusal := refuse(name, "an import makes no links; they are made after it")
		refusal.Again = true
		x.result.Refused = append(x.result.Refused, refusal)
	}
}

// companiesOver returns the imports of which Brevo says that they are over, and those of which it
// says nothing and that are old. Of young ones it is not asked: what a list does not show yet would be made again.
func (c *conn) companiesOver(ctx context.Context, sought map[string]*askedCompany) (map[importID]importState, error) {
	over := map[importID]importState{}
	asked := map[importID]bool{}
	for _, key := range slices.Sorted(maps.Keys(sought)) {
		x := sought[key]
		age := time.Since(time.UnixMilli(x.At))
		if asked[x.id()] || age < companyDoubt {
			continue
		}
		asked[x.id()] = true
		var known *imported
		if x.Process != 0 {
			var err error
			known, err = c.askProcess(ctx, x.Process, age)
			switch {
			case ctx.Err() != nil, connector.KindOf(err) == connector.Unauthorized, connector.KindOf(err) == connector.Forbidden:
				return nil, err
			case err != nil: // asked again later
				continue
			}
		}
		switch {
		case known != nil && known.over:
			over[x.id()] = importOver
		case (known != nil || x.Process == 0) && age >= companyLost:
			over[x.id()] = importLost
		}
	}
	return over, nil
}
