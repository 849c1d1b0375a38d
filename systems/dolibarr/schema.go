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

// Schema describes the objects with the extrafields of this installation.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	c.mu.Lock()
	fresh := time.Since(c.extrasAt) < freshFor
	c.mu.Unlock()
	if !fresh {
		if err := c.loadExtras(ctx); err != nil {
			return record.Schema{}, fmt.Errorf("read schema: %w", err)
		}
	}
	var s record.Schema
	for _, o := range objects() {
		extras, known := c.knownExtras(o.Name)
		if !known {
			var err error
			if extras, err = c.learnExtras(ctx, o); err != nil {
				return record.Schema{}, fmt.Errorf("read schema: %w", err)
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
		s.Objects = append(s.Objects, o.Object)
	}
	return s, nil
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
