package console

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

type recordsInput struct {
	Phone      string `query:"phone" maxLength:"100" doc:"in any notation"`
	Email      string `query:"email" maxLength:"320"`
	Name       string `query:"name" maxLength:"200" doc:"beginnings of words of its name"`
	ID         string `query:"id" maxLength:"500"`
	Connection string `query:"connection" doc:"only records of this connection"`
	Object     string `query:"object" doc:"only records of this object"`
	Limit      int    `query:"limit" default:"50" minimum:"1" maximum:"500" doc:"at most so many"`
}

// A recordBody is a record as it was last read.
type recordBody struct {
	Record     string         `json:"record" doc:"as everything else names it: crm.contacts/501"`
	Connection string         `json:"connection"`
	Object     string         `json:"object"`
	ID         string         `json:"id"`
	State      connector.Fate `json:"state,omitempty" doc:"absent while it is there; else deleted, archived and so on"`
	Created    *time.Time     `json:"created,omitempty"`
	Modified   *time.Time     `json:"modified,omitempty"`
	Read       *time.Time     `json:"read,omitempty"`
	Common     record.Fields  `json:"common" doc:"the fields by their common names, the same for every system"`
	Fields     record.Fields  `json:"fields" doc:"the fields as the system calls them"`
	Links      []linkBody     `json:"links"`
}

// A linkBody is what a record is linked with in one sync.
type linkBody struct {
	Sync   string `json:"sync"`
	Record string `json:"record"`
}

// recordsBody is what a search has found.
type recordsBody struct {
	Items    []recordBody `json:"items"`
	Searched []string     `json:"searched" doc:"the objects that were looked into"`
	More     bool         `json:"more,omitempty" doc:"there may be more than limit; ask for less"`
}

// A searched is an object that a search looks into.
type searched struct {
	of     store.Object
	object record.Object // as it was last described
}

func (c *console) apiRecords(ctx context.Context, in *recordsInput) (recordsBody, error) {
	out := recordsBody{Items: []recordBody{}, Searched: []string{}}
	n := 0
	for _, given := range []string{in.Phone, in.Email, in.Name, in.ID} {
		if given != "" {
			n++
		}
	}
	if n != 1 {
		return out, badInput("query", "give one of phone, email, name and id")
	}
	p := c.hub.Plan()
	if _, known := p.Connection(in.Connection); in.Connection != "" && !known {
		return out, c.noConnection(in.Connection)
	}
	want, err := in.wanted(p.Country)
	if err != nil {
		return out, err
	}
	places, err := c.places(ctx, in)
	if err != nil {
		return out, err
	}
	for _, at := range places {
		out.Searched = append(out.Searched, at.of.String())
		if err := c.find(ctx, at, want, in.Limit, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// A wanted is what a search asks for.
type wanted struct {
	id      string
	words   []string    // beginnings of words that the record is found by
	kind    record.Kind // of the field that holds value; "" = the words say it all
	value   string      // in the one notation that equal ones share
	country string
}

func (in *recordsInput) wanted(country string) (wanted, error) {
	w := wanted{id: in.ID, country: country}
	switch {
	case in.Phone != "":
		if w.kind, w.value = record.KindPhone, record.NormalPhone(in.Phone, country); w.value == "" {
			return w, badInput("query.phone", "it is no telephone number; one without its country needs country in the configuration")
		}
	case in.Email != "":
		if w.kind, w.value = record.KindEmail, record.NormalEmail(in.Email); w.value == "" {
			return w, badInput("query.email", "it is no e-mail address")
		}
	case in.Name != "":
		if w.words = engine.SearchWords(in.Name, country); len(w.words) == 0 {
			return w, badInput("query.name", "there is no word in it")
		}
	}
	if w.kind != "" {
		w.words = []string{w.value}
	}
	return w, nil
}

// holds reports whether a record has the wanted number or address: not only one that begins so.
func (w wanted) holds(o record.Object, f record.Fields) bool {
	return w.kind == "" || slices.ContainsFunc(o.Fields, func(field record.Field) bool {
		v := f[field.Name]
		if field.Kind == w.kind {
			return record.Normal(field, v, w.country) == w.value
		}
		return len(field.Elem) > 0 && slices.ContainsFunc(v.Items(), func(item record.Value) bool {
			return slices.ContainsFunc(field.Elem, func(part record.Field) bool {
				return part.Kind == w.kind && record.Normal(part, item.Fields()[part.Name], w.country) == w.value
			})
		})
	})
}

// places are the objects that a search looks into.
func (c *console) places(ctx context.Context, in *recordsInput) ([]searched, error) {
	known, err := c.hub.Store().Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("load connections: %w", err)
	}
	objects := map[store.Object]record.Object{}
	for _, conn := range known {
		for _, o := range conn.Schema.Objects {
			objects[store.Object{Connection: conn.Name, Name: o.Name}] = o
		}
	}
	var all []searched
	for _, end := range jsonl.Ends(c.hub.Plan()) {
		of := store.Object{Connection: end.Connection, Name: end.Object}
		if in.Connection != "" && in.Connection != of.Connection || in.Object != "" && in.Object != of.Name {
			continue
		}
		all = append(all, searched{of: of, object: objects[of]})
	}
	return all, nil
}

// find adds the records of one object.
func (c *console) find(ctx context.Context, at searched, w wanted, limit int, out *recordsBody) error {
	s := c.hub.Store()
	ids, more := []string{w.id}, false
	room := limit - len(out.Items)
	if w.id == "" {
		var err error
		if ids, more, err = s.FindWords(ctx, at.of, w.words, room+1); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := s.Rows(ctx, at.of, ids)
	if err != nil {
		return fmt.Errorf("load records: %w", err)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool {
		row, there := rows[id]
		return !there || !w.holds(at.object, row.Fields)
	})
	if len(ids) > room {
		ids, more = ids[:room], true
	}
	out.More = out.More || more
	links, err := c.linksFrom(ctx, at.of, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		out.Items = append(out.Items, recordOf(at, rows[id], links[id]))
	}
	return nil
}

// linksFrom returns what records are linked with, in all syncs of their object.
func (c *console) linksFrom(ctx context.Context, of store.Object, ids []string) (map[string][]linkBody, error) {
	all := map[string][]linkBody{}
	for _, sync := range c.hub.Plan().Syncs {
		for _, side := range record.Sides() {
			if end := sync.Ends[side]; end.Connection != of.Connection || end.Object != of.Name {
				continue
			}
			links, err := c.hub.Store().LinksOf(ctx, sync.Name, side, ids)
			if err != nil {
				return nil, fmt.Errorf("load links: %w", err)
			}
			for id, l := range links {
				if l.Closed == "" {
					all[id] = append(all[id], linkBody{Sync: sync.Name, Record: sync.Ends[side.Other()].String() + "/" + l.IDs[side.Other()]})
				}
			}
		}
	}
	return all, nil
}

func recordOf(at searched, row store.Row, links []linkBody) recordBody {
	body := recordBody{
		Record: at.of.String() + "/" + row.ID, Connection: at.of.Connection, Object: at.of.Name, ID: row.ID, Created: moment(row.Created),
		Modified: moment(row.Modified), Read: moment(row.ReadAt), Common: record.Fields{}, Fields: row.Fields, Links: links,
	}
	if row.Fate != connector.Present {
		body.State = row.Fate
	}
	if body.Fields == nil {
		body.Fields = record.Fields{}
	}
	if body.Links == nil {
		body.Links = []linkBody{}
	}
	for _, f := range at.object.Fields {
		if v, has := row.Fields[f.Name]; has && f.Common != "" {
			body.Common[f.Common] = v
		}
	}
	return body
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
