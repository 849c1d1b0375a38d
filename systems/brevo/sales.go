package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Companies, deals and notes: the half of Brevo that may be called 100 times an hour. So
// pages are large, and what can be read along with a call is not read again.

const (
	maxSales = 1000 // asked for; the page of the reference states no largest one
	maxNotes = 1000

	fieldContacts  = "linkedContactsIds"
	fieldCompanies = "linkedCompaniesIds"
	fieldDeals     = "linkedDealsIds"
	fieldStage     = "deal_stage"
	fieldPipeline  = "pipeline"
)

// saleAttribute is an attribute of companies or deals; see
// https://developers.brevo.com/reference/get-company-attributes
type saleAttribute struct {
	Name     string `json:"internalName"`
	Type     string `json:"attributeTypeName"`
	Label    string `json:"label"`
	Required bool   `json:"isRequired"`
	ReadOnly bool   `json:"isValueReadonly"`
	Options  []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"attributeOptions"`
}

// pipeline is a pipeline with its stages; see https://developers.brevo.com/reference/get-all-pipelines
type pipeline struct {
	ID     string `json:"pipeline"`
	Name   string `json:"pipeline_name"`
	Stages []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"stages"`
}

// sale is a company or a deal; see https://developers.brevo.com/reference/get-companies
type sale struct {
	ID         string         `json:"id"`
	Attributes map[string]any `json:"attributes"`
	Contacts   []int64        `json:"linkedContactsIds"`
	Companies  []string       `json:"linkedCompaniesIds"`
	Deals      []string       `json:"linkedDealsIds"`
}

func salesPath(object string) string {
	if object == companies {
		return "/v3/companies"
	}
	return "/v3/crm/" + object
}

// nameOf is the attribute that Brevo takes outside the others when it makes a record.
func nameOf(object string) string {
	if object == companies {
		return "name"
	}
	return "deal_name"
}

func (s *shape) sale(x sale) record.Record {
	r := record.Record{Ref: record.Ref{Object: s.object, ID: x.ID}, Fields: make(record.Fields, len(s.names))}
	r.Created = parseTime(scalar(x.Attributes["created_at"]))
	r.Modified = parseTime(firstText(scalar(x.Attributes["last_updated_at"]), scalar(x.Attributes["last_updated_date"])))
	if !r.Modified.IsZero() {
		r.Version = r.Modified.Format(time.RFC3339Nano)
	}
	for _, name := range s.names {
		switch name {
		case fieldContacts:
			r.Fields[name] = listRefs(x.Contacts)
		case fieldCompanies:
			r.Fields[name] = record.Texts(slices.Sorted(slices.Values(x.Companies))...)
		case fieldDeals:
			r.Fields[name] = record.Texts(slices.Sorted(slices.Values(x.Deals))...)
		default:
			r.Fields[name] = decodeValue(s.fields[name], x.Attributes[name])
		}
	}
	return r
}

// salesPage reads companies by numbered pages and deals by offsets. Neither says how many
// there are, so a listing ends with a page that brings nothing new.
func (c *conn) salesPage(s *shape) pager {
	return func(ctx context.Context, cur cursor, limit int) (batch, error) {
		q := cur.window(limit)
		if s.object == deals {
			q.Set("offset", strconv.Itoa(cur.skip()))
		} else {
			q.Set("page", strconv.Itoa(cur.Pages+1))
		}
		var p struct {
			Items []sale `json:"items"`
		}
		sent := time.Now()
		r, err := c.do(ctx, rest.Call{Path: salesPath(s.object), Query: q, Into: &p})
		if err != nil {
			return batch{}, err
		}
		b := batch{more: len(p.Items) > 0, at: began(r, sent), numbered: s.object == companies}
		for _, x := range p.Items {
			rec := s.sale(x)
			b.rows = append(b.rows, row{x.ID, rec.Created, connector.Change{Record: rec}})
		}
		return b, nil
	}
}

// readSingly reads what has no batch, one call each.
func (c *conn) readSingly(ctx context.Context, s *shape, ids []string, found map[string]connector.Change) error {
	for _, id := range ids {
		if _, done := found[id]; done || id == "" {
			continue
		}
		change, err := c.readOne(ctx, s, id)
		switch connector.KindOf(err) {
		case connector.NotFound, connector.Invalid: // Invalid: of a text that can be no id
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", s.object, err)
		}
		found[id] = change
	}
	return nil
}

func (c *conn) readOne(ctx context.Context, s *shape, id string) (connector.Change, error) {
	switch s.object {
	case lists, folders:
		return c.readList(ctx, s.object, id)
	case notes:
		var n note
		_, err := c.do(ctx, rest.Call{Path: "/v3/crm/notes/" + url.PathEscape(id), Into: &n})
		return n.change(), err
	}
	var x sale
	_, err := c.do(ctx, rest.Call{Path: salesPath(s.object) + "/" + url.PathEscape(id), Into: &x})
	return connector.Change{Record: s.sale(x)}, err
}

// writeOthers carries out operations on what is no contact: they come one by one.
func (c *conn) writeOthers(ctx context.Context, s *shape, ops []connector.Op) ([]connector.Result, error) {
	if _, keyed := s.key(); keyed && s.object == companies && ops[0].Verb == connector.Create && len(ops) > 1 {
		return c.createCompanies(ctx, s, ops)
	}
	out := make([]connector.Result, len(ops))
	for i, op := range ops {
		out[i] = connector.Result{Ref: op.Ref}
		if err := c.writeOther(ctx, s, op, &out[i]); err != nil {
			out[i].Err = connector.ErrorOf(unknown(fmt.Errorf("%s %s: %w", op.Verb, op.Ref.Object, err)))
		}
	}
	if len(out) == 1 && wholesale(out[0].Err) && out[0].Err != nil {
		return nil, out[0].Err
	}
	return out, nil
}

func (c *conn) writeOther(ctx context.Context, s *shape, op connector.Op, res *connector.Result) error {
	var id string
	var err error
	switch {
	case op.Verb == connector.Delete && s.object != lists && s.object != folders:
		return c.deleteOther(ctx, op.Ref)
	case op.Verb != connector.Create && op.Verb != connector.Update || s.object == folders:
		return unsupported("Brevo cannot do this")
	case op.Verb == connector.Update && len(op.Set) == 0:
		return nil // R11
	case s.object == lists:
		id, err = c.writeList(ctx, op)
	case s.object == notes:
		id, err = c.writeNote(ctx, op)
	default:
		id, err = c.writeSale(ctx, s, op)
	}
	if err != nil {
		return err
	}
	if id == "" || id == "0" {
		return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the answer names no record")}
	}
	res.Ref.ID = id
	if change, err := c.readOne(ctx, s, id); err == nil {
		res.Version, res.After = change.Version, &change.Record
		w := writing{op: op, sent: op.Set}
		w.dropped(s, change.Record)
		res.Refused = w.result.Refused
	}
	return nil
}

func (c *conn) deleteOther(ctx context.Context, r record.Ref) error {
	_, err := c.do(ctx, rest.Call{Method: http.MethodDelete, Path: salesPath(r.Object) + "/" + url.PathEscape(r.ID)})
	if connector.KindOf(err) == connector.NotFound {
		return nil // that is what was wanted
	}
	return err
}

// writeSale makes or changes a company or a deal. Lists of links that a PATCH names replace
// what is there, so links are moved by a call of their own, which names what moves.
func (c *conn) writeSale(ctx context.Context, s *shape, op connector.Op) (string, error) {
	in := map[string]any{}
	attributes := map[string]any{}
	links := map[string]any{}
	for _, name := range op.Set.Names() {
		f, v := s.fields[name], op.Set[name]
		switch {
		case f.Kind == record.KindReferences && op.Verb == connector.Create:
			in[name] = linked(f, v.Items())
		case f.Kind == record.KindReferences:
			move(links, f, op.Was[name], v)
		case name == nameOf(s.object):
			in["name"] = v.Text()
		default:
			encoded, err := encodeValue(f, v)
			if err != nil {
				return "", invalid(name, err.Error(), remedy(f))
			}
			attributes[name] = encoded
		}
	}
	if name, keyed := s.key(); keyed && op.Verb == connector.Create && op.Key != "" {
		attributes[name] = op.Key // R16
	}
	if len(attributes) > 0 {
		in["attributes"] = attributes
	}
	path := salesPath(s.object)
	if op.Verb == connector.Create {
		var answer struct {
			ID string `json:"id"`
		}
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: path, Body: in, Into: &answer})
		return answer.ID, err
	}
	if len(in) > 0 {
		if _, err := c.do(ctx, rest.Call{Method: http.MethodPatch, Path: path + "/" + url.PathEscape(op.Ref.ID), Body: in}); err != nil {
			return "", err
		}
	}
	if len(links) > 0 {
		if _, err := c.do(ctx, rest.Call{Method: http.MethodPatch, Path: path + "/link-unlink/" + url.PathEscape(op.Ref.ID), Body: links}); err != nil {
			return "", err
		}
	}
	return op.Ref.ID, nil
}

// linked returns ids as Brevo takes them: those of contacts are numbers.
func linked(f record.Field, items []record.Value) []any {
	out := make([]any, 0, len(items))
	for _, item := range items {
		if n, err := strconv.ParseInt(item.Text(), 10, 64); err == nil && f.To == contacts {
			out = append(out, n)
			continue
		}
		out = append(out, item.Text())
	}
	return out
}

// move says which links are to be made and which to be undone.
func move(links map[string]any, f record.Field, was, want record.Value) {
	name := "ContactIds"
	if f.To == companies {
		name = "CompanyIds"
	}
	for verb, pair := range map[string][2]record.Value{"link": {want, was}, "unlink": {was, want}} {
		var ids []record.Value
		for _, item := range pair[0].Items() {
			if !slices.ContainsFunc(pair[1].Items(), item.Equal) {
				ids = append(ids, item)
			}
		}
		if len(ids) > 0 {
			links[verb+name] = linked(f, ids)
		}
	}
}
