package dolibarr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Schema describes all objects.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	var names []string
	for _, o := range objects() {
		names = append(names, o.Name)
	}
	s, _, err := c.SchemaOf(ctx, names)
	return s, err
}

// SchemaOf describes the named objects with the extrafields of this installation, and reads
// a few records of each that Check has not looked at.
func (c *conn) SchemaOf(ctx context.Context, names []string) (record.Schema, []connector.Lack, error) {
	c.mu.Lock()
	fresh := time.Since(c.extrasAt) < freshFor
	c.mu.Unlock()
	if !fresh {
		if err := c.loadExtras(ctx); err != nil {
			return record.Schema{}, nil, fmt.Errorf("read schema: %w", err)
		}
	}
	var s record.Schema
	var lacks []connector.Lack
	for _, o := range objects() {
		if !slices.Contains(names, o.Name) {
			continue
		}
		lack, err := c.look(ctx, o)
		if err != nil {
			return record.Schema{}, nil, fmt.Errorf("read schema: %w", err)
		}
		if lack != nil {
			lacks = append(lacks, *lack)
		}
		described, err := c.describe(ctx, o)
		if err != nil {
			return record.Schema{}, nil, fmt.Errorf("read schema: %w", err)
		}
		s.Objects = append(s.Objects, described)
	}
	return s, lacks, nil
}

// look has an object looked at from now on whenever rights are checked, and now if that was
// not done a moment ago.
func (c *conn) look(ctx context.Context, o object) (*connector.Lack, error) {
	if c.wants(o.Name) {
		return nil, nil
	}
	c.mu.Lock()
	c.wanted[o.Name] = true
	c.mu.Unlock()
	_, lack, err := c.first(ctx, o)
	return lack, err
}

// wants reports whether rights to an object are checked: always those to people, and those
// to whatever else was described, because a call for each object of an installation would
// cost more than most syncs.
func (c *conn) wants(object string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains([]string{thirdParties, contacts, users}, object) || c.wanted[object]
}

// Recall tells which objects were described before.
func (c *conn) Recall(s record.Schema) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range s.Objects {
		c.wanted[o.Name] = true
	}
}

func (c *conn) describe(ctx context.Context, o object) (record.Object, error) {
	extras, known := c.knownExtras(o.Name)
	if !known {
		var err error
		if extras, err = c.learnExtras(ctx, o); err != nil {
			return record.Object{}, err
		}
	}
	for _, f := range slices.Concat(o.fields, extras) {
		if o.readOnly() {
			f.ReadOnly = true
		}
		if f.Name == "opp_status" && c.leads != nil {
			f.Choices = c.leads
		}
		o.Fields = append(o.Fields, f.Field)
	}
	return o.Object, nil
}

// countryID translates a code into the id of the dictionary, which all versions take;
// version 20 ignores the code (recorded).
func (c *conn) countryID(ctx context.Context, code string) (int64, error) {
	c.mu.Lock()
	id, known := c.countries[strings.ToUpper(code)]
	c.mu.Unlock()
	if known {
		return id, nil
	}
	var all []wireRow
	query := url.Values{"limit": {"1000"}}
	if _, err := c.api.Do(ctx, rest.Call{Path: "/setup/dictionary/countries", Query: query, Into: &all}); err != nil {
		return 0, fmt.Errorf("read countries: %w", err)
	}
	countries := make(map[string]int64, len(all))
	for _, row := range all {
		countries[strings.ToUpper(row.text("code"))] = row.number("id")
	}
	c.mu.Lock()
	c.countries = countries
	c.mu.Unlock()
	if id, known = countries[strings.ToUpper(code)]; !known || id == 0 {
		return 0, &connector.Error{
			Kind: connector.Invalid, Field: "country_code", Err: errors.New("the country is not in Dolibarr's dictionary"),
			Fix: "give an ISO code of two letters, and see that the country is active in Home, Setup, Dictionaries",
		}
	}
	return id, nil
}
