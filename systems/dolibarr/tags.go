package dolibarr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// tagsName is the wire name of the categories that a record is in.
const tagsName = "categories"

// tags says which categories the records of an object can be in.
type tags struct {
	of   string // the type as the API takes it: "customer"
	kind string // and as it shows it: "2"
}

// tagField is the membership in categories. Putting a record into one moves no stamp and
// sends no hook (recorded), so that only a listing of the members tells it (R35).
func tagField() field {
	return field{apart: true, Field: record.Field{
		Name: tagsName, Label: "Categories", Common: "tags", Kind: record.KindReferences, To: categories, Silent: true,
	}}
}

// membersFor is how long the members that were read serve: the pages of one listing.
const membersFor = 10 * time.Minute

// wantsTags notes whether a reading wants the categories, and askedTags returns whether
// any did. Only then they are worth calls of their own where records are read by id; a new
// connection does not know yet, and reads them.
func (c *conn) wantsTags(o object, fields []string) bool {
	if o.tags == nil {
		return false
	}
	wanted := fields == nil || slices.Contains(fields, tagsName)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[o.Name] = c.asked[o.Name] || wanted
	return wanted
}

func (c *conn) askedTags(o object) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, known := c.asked[o.Name]
	return o.tags != nil && (asked || !known)
}

// few is up to how many records are asked for their categories one by one, instead of all
// categories for their members.
const few = 3

// members are the categories of the records of one object.
type members struct {
	of map[string]record.Value // by the record's id
	at time.Time
}

// members returns the categories of all records that are in one; nil if the categories
// cannot be read. A listing begins anew with them and keeps them for its further pages.
func (c *conn) members(ctx context.Context, o object, anew bool) (map[string]record.Value, error) {
	c.mu.Lock()
	known, ok := c.tagged[o.Name]
	c.mu.Unlock()
	if ok && !anew && time.Since(known.at) < membersFor {
		return known.of, nil
	}
	began := time.Now()
	all, err := c.categoriesOf(ctx, o)
	if err != nil || all == nil {
		return nil, err
	}
	in := map[string][]string{}
	for _, category := range all {
		var ids []json.RawMessage
		query := url.Values{"type": {o.tags.of}, "onlyids": {"1"}}
		_, err := c.api.Do(ctx, rest.Call{Path: "/categories/" + category + "/objects", Query: query, Into: &ids})
		if connector.KindOf(err) == connector.NotFound { // it was deleted meanwhile
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the members of a category: %w", err)
		}
		for _, id := range ids {
			in[scalar(id)] = append(in[scalar(id)], category)
		}
	}
	of := make(map[string]record.Value, len(in))
	for id, list := range in {
		of[id] = record.Texts(list...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tagged[o.Name] = members{of: of, at: began}
	return of, nil
}

// categoriesOf returns the ids of the categories that records of an object can be in; nil
// if they cannot be read, which Check says.
func (c *conn) categoriesOf(ctx context.Context, o object) ([]string, error) {
	cats, err := objectOf(categories)
	if err != nil {
		return nil, err
	}
	rows, err := c.listAll(ctx, cats, "", pageRows)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read categories: %w", err)
	}
	all := []string{}
	for _, row := range rows {
		if id := row.text("id"); isID(id) && row.text("type") == o.tags.kind {
			all = append(all, id)
		}
	}
	return all, nil
}

// missing reports whether an object is not there for this key: its module is off, or the
// right to it is missing.
func missing(err error) bool {
	kind := connector.KindOf(err)
	return (kind == connector.Forbidden || kind == connector.Unsupported) && connector.ErrorOf(err).Scope == connector.ScopeObject
}

// tagsOf asks for the categories of one record; false if they cannot be read.
func (c *conn) tagsOf(ctx context.Context, o object, id string) (record.Value, bool, error) {
	var rows memberships
	_, err := c.api.Do(ctx, rest.Call{Path: o.path + "/" + url.PathEscape(id) + "/categories", Into: &rows})
	switch {
	case missing(err):
		return record.Value{}, false, nil
	case connector.KindOf(err) == connector.NotFound: // as some lists say that they are empty
	case err != nil:
		return record.Value{}, false, fmt.Errorf("read the categories of a record: %w", err)
	}
	var ids []string
	for _, row := range rows {
		if cat := row.text("id"); isID(cat) {
			ids = append(ids, cat)
		}
	}
	return record.Texts(ids...), true, nil
}

// memberships are the categories of one record. Where a contact is in none, version 20
// answers with the number 0 in place of a list (seen on a running 20.0.2).
type memberships []wireRow

// UnmarshalJSON takes a number for an empty list.
func (m *memberships) UnmarshalJSON(b []byte) error {
	if string(bytes.TrimSpace(b)) == "0" {
		*m = nil
		return nil
	}
	return json.Unmarshal(b, (*[]wireRow)(m))
}

// addTags gives changes their categories.
func (c *conn) addTags(ctx context.Context, o object, changes []connector.Change) error {
	var live []*connector.Change
	for i := range changes {
		if changes[i].Fields != nil {
			live = append(live, &changes[i])
		}
	}
	if len(live) == 0 || !c.askedTags(o) {
		return nil
	}
	if len(live) > few {
		of, err := c.members(ctx, o, true)
		if err != nil || of == nil {
			return err
		}
		for _, ch := range live {
			ch.Fields[tagsName] = of[ch.ID]
		}
		return nil
	}
	for _, ch := range live {
		v, ok, err := c.tagsOf(ctx, o, ch.ID)
		if err != nil {
			return err
		}
		if ok {
			ch.Fields[tagsName] = v
		}
	}
	return nil
}

// writeTags puts a record into the categories that it shall be in, and takes it out of those
// that it was in and shall not. One that a person chose since is not taken away (R12).
func (c *conn) writeTags(ctx context.Context, o object, id string, want, was record.Value) error {
	have, _, err := c.tagsOf(ctx, o, id)
	if err != nil {
		return err
	}
	add, drop := without(want, have), slices.DeleteFunc(without(was, want), func(category string) bool {
		return !slices.ContainsFunc(have.Items(), record.Text(category).Equal)
	})
	if err := c.mayTag(ctx, o, add); err != nil {
		return err
	}
	path := o.path + "/" + url.PathEscape(id) + "/categories/"
	for i, category := range slices.Concat(drop, add) {
		call := rest.Call{Method: http.MethodDelete, Path: path + url.PathEscape(category)}
		if i >= len(drop) {
			call.Method = http.MethodPut
		}
		if _, err := c.api.Do(ctx, call); err != nil {
			return named(err, tagsName)
		}
	}
	return nil
}

// mayTag refuses categories that are none of the object's: the API would take a contact
// into a category of products.
func (c *conn) mayTag(ctx context.Context, o object, list []string) error {
	if len(list) == 0 {
		return nil
	}
	all, err := c.categoriesOf(ctx, o)
	if err != nil {
		return err
	}
	for _, category := range list {
		if !slices.Contains(all, category) {
			return &connector.Error{
				Kind: connector.Invalid, Field: tagsName, Err: errors.New("there is no such category of " + o.Name),
				Fix: "make the category in Dolibarr, of the type " + o.tags.of,
			}
		}
	}
	return nil
}

// kept adds to the references that are to be written as a whole those that people have chosen since
// they were last read (R12).
func (c *conn) kept(ctx context.Context, o object, op connector.Op) (record.Fields, error) {
	set := op.Set
	var row wireRow
	for i := range o.fields {
		f := &o.fields[i]
		want, given := op.Set[f.Name]
		if !given || f.Kind != record.KindReferences || f.apart {
			continue
		}
		if row == nil {
			var err error
			if row, err = c.get(ctx, o, op.Ref.ID); err != nil {
				return nil, err
			}
			set = op.Set.Clone()
		}
		all := references(row[f.Name])
		since := without(record.Texts(without(all, op.Was[f.Name])...), want)
		for _, item := range want.Items() {
			since = append(since, item.Text())
		}
		set[f.Name] = record.Texts(since...)
	}
	return set, nil
}

// without returns the items of a list that another does not have.
func without(list, other record.Value) []string {
	var out []string
	for _, item := range list.Items() {
		if !slices.ContainsFunc(other.Items(), item.Equal) {
			out = append(out, item.Text())
		}
	}
	return out
}
