package toy

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

// The tables.
const (
	cards  = "cards"
	labels = "labels"
)

// keyField is where a card keeps the key of the operation that made it.
const keyField = "tandem_key"

// Schema asks for the fields of the tables in which customers can make some.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	card := record.Object{
		Name: cards, Title: "Cards", Common: "contact",
		Create: true, Update: true, Delete: true, Archive: true, Restore: true,
		Batch: 10, ReadBatch: 25,
		Settle:  c.settles(),
		Deletes: record.EvidenceFeed, OwnStamps: true, Files: true, Rising: true,
	}
	label := record.Object{
		Name: labels, Title: "Labels",
		Create: true, Update: true, Delete: true,
		Batch: 10, ReadBatch: 25,
		Settle:  c.settles(),
		Deletes: record.EvidenceListing, OwnStamps: true,
		Cascades: []record.Cascade{{Object: cards, Field: "label"}}, Rising: true,
	}
	var s record.Schema
	for _, o := range []record.Object{card, label} {
		fields, err := c.fields(ctx, o.Name)
		if err != nil {
			return record.Schema{}, fmt.Errorf("read the schema of %s: %w", o.Name, err)
		}
		o.Fields = fields
		s.Objects = append(s.Objects, o)
	}
	s.Objects = append(s.Objects, appointments()...)
	return s, nil
}

// settles is how long the vendor may take for a write of which it has not said what came of it.
func (c *conn) settles() time.Duration { return max(c.settle, 2*time.Second) }

func (c *conn) fields(ctx context.Context, table string) ([]record.Field, error) {
	var got wireFields
	query := url.Values{"table": {table}}
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: "/fields", Query: query, Into: &got}); err != nil {
		return nil, err
	}
	fields := make([]record.Field, 0, len(got.Fields))
	for _, f := range got.Fields {
		fields = append(fields, field(f))
	}
	return fields, nil
}

// kind translates the vendor's types.
func kind(wire string) record.Kind {
	switch wire {
	case "email":
		return record.KindEmail
	case "phone":
		return record.KindPhone
	case "number":
		return record.KindNumber
	case "bool":
		return record.KindBool
	case "day":
		return record.KindDate
	case "time":
		return record.KindDateTime
	case "pick":
		return record.KindChoice
	case "picks":
		return record.KindChoices
	case "row":
		return record.KindReference
	case "list":
		return record.KindList
	case "opt":
		return record.KindConsent
	default:
		return record.KindText
	}
}

// field adds what the vendor does not say of itself: https://toy.example/docs/fields
func field(w wireField) record.Field {
	f := record.Field{
		Name: w.Key, Label: w.Label, Kind: kind(w.Type),
		Required: w.Must, Custom: w.Own, MaxLen: w.Max, To: w.Table, Firsthand: w.Form,
	}
	for _, o := range w.Options {
		f.Choices = append(f.Choices, record.Choice{Value: o.Value, Label: o.Label, Hidden: o.Off})
	}
	if f.Kind == record.KindList {
		f.Elem = []record.Field{{Name: "id", Kind: record.KindText, Key: true}}
	}
	for _, p := range w.Parts {
		f.Elem = append(f.Elem, record.Field{Name: p.Key, Kind: kind(p.Type), Unique: p.Sole})
	}
	if f.Kind == record.KindText {
		f.Rewrites = []record.Rewrite{record.RewriteTrim}
	}
	if w.Plain {
		f.Rewrites = []record.Rewrite{record.RewriteDropQuotes, record.RewriteTrim}
	}
	switch f.Name {
	case "name":
		f.Common, f.Format, f.NoClear = "name", record.FormatName, true
	case "email":
		f.Common, f.Findable = "email", true
	case "phone":
		f.Common = "phone"
	case "mail":
		f.Common = "email_consent"
	case "code":
		f.Findable, f.Unique = true, true
		f.Rewrites = []record.Rewrite{record.RewriteTrim, record.RewriteLower}
	case "color":
		f.Silent = true
	case "box":
		f.CreateOnly = true
	case "serial":
		f.ReadOnly = true
	case keyField:
		f.Key, f.Findable, f.Unique, f.Custom = true, true, true, true
	}
	return f
}

// AddField makes a field. The vendor answers with the one that is there, if there is one.
func (c *conn) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	if f.Kind != record.KindText {
		return record.Field{}, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: f.Name,
			Err: fmt.Errorf("add field: customers of the toy can make text fields only, not %s", f.Kind),
		}
	}
	var got struct {
		Field wireField `json:"field"`
	}
	body := map[string]string{"table": object, "key": f.Name, "label": f.Label, "type": "text"}
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: "/fields", Body: body, Into: &got}); err != nil {
		return record.Field{}, fmt.Errorf("add field: %w", err)
	}
	return field(got.Field), nil
}

// Partitions returns the boxes of the cards, and the mailboxes of the meetings.
func (c *conn) Partitions(ctx context.Context, object string) ([]string, error) {
	query := url.Values{}
	switch object {
	case cards:
	case meetings:
		query.Set("table", meetings)
	default:
		return []string{""}, nil
	}
	var got wireBoxes
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: "/boxes", Query: query, Into: &got}); err != nil {
		return nil, fmt.Errorf("list the boxes: %w", err)
	}
	return got.Boxes, nil
}

// The cursor is the vendor's token behind a letter that tells whether the listing is
// still under way: only its last page is complete.
const (
	listing = "l"
	changes = "c"
)

// Changes reads one page of the feed, which begins with everything that there is.
func (c *conn) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	mode, token := listing, ""
	if q.Cursor != "" {
		mode, token = string(q.Cursor[:1]), string(q.Cursor[1:])
	}
	query := url.Values{"table": {q.Object}}
	for name, value := range map[string]string{"box": q.Partition, "after": token, "only": only(q, mode)} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Sweep() {
		query.Set("bare", "1")
	}
	var feed wireFeed
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: "/feed", Query: query, Into: &feed}); err != nil {
		return connector.Page{}, fmt.Errorf("read changes of %s: %w", q.Object, err)
	}
	page := connector.Page{More: feed.More, Total: feed.Live}
	for _, e := range feed.Events {
		change, err := decodeEvent(q.Object, e)
		if err != nil {
			return connector.Page{}, fmt.Errorf("read changes of %s: %w", q.Object, err)
		}
		page.Changes = append(page.Changes, change)
	}
	if !feed.More {
		// The feed shows a row that changes meanwhile once more at its end, so a row that
		// the whole listing did not show was not there (R21).
		page.Complete = mode == listing
		mode = changes
	}
	page.Next = connector.Cursor(mode + feed.Next)
	return page, nil
}

// only is what a listing may be narrowed to. The vendor can select cards by their stage and
// labels by their code, and nothing else.
func only(q connector.Query, mode string) string {
	column := map[string]string{cards: "stage", labels: "code"}[q.Object]
	for _, c := range q.Where {
		if mode == listing && c.Field == column && c.Op == connector.In {
			return strings.Join(c.Values, ",")
		}
	}
	return ""
}

// decodeEvent decodes a row and what became of it.
func decodeEvent(object string, e wireEvent) (connector.Change, error) {
	ref := record.Ref{Object: object, ID: e.ID}
	change := connector.Change{Record: record.Record{Ref: ref}}
	switch e.Gone {
	case "":
	case "bin":
		change.Fate = connector.Archived
	case "hidden":
		change.Fate = connector.Left
	case "merged":
		change.Fate = connector.Merged
		if e.Into != "" { // the vendor does not always say
			change.Into = []record.Ref{{Object: object, ID: e.Into}}
		}
	case "moved":
		change.Fate = connector.Converted
		for _, s := range e.On {
			change.Into = append(change.Into, record.Ref{Object: s.Table, ID: s.ID})
		}
	default:
		change.Fate = connector.Deleted
	}
	if e.Rev > 0 {
		change.Version = strconv.FormatInt(e.Rev, 10)
		change.Created = time.UnixMilli(e.Made).UTC()
		if e.Moved > 0 { // https://toy.example/docs/feed: labels do not tell when they moved
			change.Modified = time.UnixMilli(e.Moved).UTC()
		}
		change.ModifiedBy = e.By
	}
	if e.Row == nil {
		return change, nil
	}
	change.Fields = make(record.Fields, len(e.Row))
	for name, raw := range e.Row {
		v, err := fromWire(kindOf(object, name), raw)
		if err != nil {
			return connector.Change{}, fmt.Errorf("%s of %s: %w", name, e.ID, err)
		}
		change.Fields[name] = v
	}
	return change, nil
}

// kindOf knows the columns that are more than a JSON text. What a customer makes is text.
func kindOf(object, name string) record.Kind {
	if (object == labels || object == items) && name == "weight" {
		return record.KindNumber
	}
	if object == labels {
		return record.KindText
	}
	switch name {
	case "main":
		return record.KindBool
	case "at":
		return record.KindDateTime
	case "guests":
		return record.KindList
	case "discount", "serial":
		return record.KindNumber
	case "active":
		return record.KindBool
	case "born":
		return record.KindDate
	case "seen":
		return record.KindDateTime
	case "tags":
		return record.KindChoices
	case "phones", "lines":
		return record.KindList
	case "mail":
		return record.KindConsent
	default:
		return record.KindText
	}
}

// Read reads rows by id. The vendor leaves out what never was, and names no order.
func (c *conn) Read(ctx context.Context, object string, ids []string) ([]connector.Change, error) {
	var got wireRows
	call := rest.Call{Method: http.MethodPost, Path: "/get", Body: wireGet{Table: object, IDs: ids}, Into: &got}
	if _, err := c.api.Do(rest.WithSafe(ctx), call); err != nil {
		return nil, fmt.Errorf("read %s: %w", object, err)
	}
	out := make([]connector.Change, 0, len(ids))
	for _, id := range ids {
		i := slices.IndexFunc(got.Events, func(e wireEvent) bool { return e.ID == id })
		if i < 0 {
			gone := connector.Change{Fate: connector.Deleted}
			gone.Ref = record.Ref{Object: object, ID: id}
			out = append(out, gone)
			continue
		}
		change, err := decodeEvent(object, got.Events[i])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", object, err)
		}
		out = append(out, change)
	}
	return out, nil
}

// Find looks rows up.
func (c *conn) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	var got wireRows
	call := rest.Call{Method: http.MethodPost, Path: "/find", Body: wireFind{Table: object, Key: field, Any: values}, Into: &got}
	if _, err := c.api.Do(rest.WithSafe(ctx), call); err != nil {
		return nil, fmt.Errorf("find %s by %s: %w", object, field, err)
	}
	var out []record.Record
	for _, e := range got.Events {
		change, err := decodeEvent(object, e)
		if err != nil {
			return nil, fmt.Errorf("find %s by %s: %w", object, field, err)
		}
		out = append(out, change.Record)
	}
	return out, nil
}

// Write sends the operations in one call; the answer has an outcome for each and shows
// no record.
func (c *conn) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	out := make([]connector.Result, len(ops))
	do := wireDo{}
	var sent []int
	for i, op := range ops {
		out[i].Ref = op.Ref
		if op.Verb == connector.Update && len(op.Set) == 0 {
			out[i].Version = op.IfVersion
			continue // a write of nothing would move the stamp (R11)
		}
		item, err := toItem(op)
		if err != nil {
			out[i].Err = err
			continue
		}
		do.Table, do.Verb = op.Ref.Object, string(op.Verb)
		do.Items = append(do.Items, item)
		sent = append(sent, i)
	}
	if len(sent) == 0 {
		return out, nil
	}
	var done wireDone
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: "/do", Body: do, Into: &done}); err != nil {
		return nil, fmt.Errorf("%s %s: %w", do.Verb, do.Table, err)
	}
	if len(done.Done) != len(sent) {
		return nil, &connector.Error{
			Kind: connector.Ambiguous, Scope: connector.ScopeRecord,
			Err: fmt.Errorf("%s %s: %d outcomes for %d operations", do.Verb, do.Table, len(done.Done), len(sent)),
		}
	}
	for n, i := range sent {
		out[i] = settle(ops[i], done.Done[n])
	}
	return out, nil
}

func toItem(op connector.Op) (wireItem, error) {
	item := wireItem{ID: op.Ref.ID}
	if op.IfVersion != "" {
		rev, err := strconv.ParseInt(op.IfVersion, 10, 64)
		if err != nil {
			return wireItem{}, &connector.Error{
				Kind: connector.Conflict, Scope: connector.ScopeRecord,
				Err: fmt.Errorf("%s %s: %q is no version of the toy", op.Verb, op.Ref.Object, op.IfVersion),
			}
		}
		item.Rev = rev
	}
	if len(op.Set) > 0 {
		item.Row = make(map[string]any, len(op.Set)+1)
	}
	for name, v := range op.Set {
		item.Row[name] = toWire(kindOf(op.Ref.Object, name), v)
	}
	if op.Verb == connector.Create && op.Ref.Object != labels && op.Key != "" {
		item.Row[keyField] = op.Key
	}
	return item, nil
}

func settle(op connector.Op, o wireOutcome) connector.Result {
	if o.Code != "" {
		e := failure(o.wireRefusal, connector.ScopeRecord)
		if e.Existing.ID != "" {
			e.Existing.Object = op.Ref.Object
		}
		return connector.Result{Ref: op.Ref, Err: e}
	}
	if o.Job != "" {
		return connector.Result{Ref: op.Ref, Pending: o.Job}
	}
	res := connector.Result{Ref: record.Ref{Object: op.Ref.Object, ID: o.ID}}
	if o.Rev > 0 {
		res.Version = strconv.FormatInt(o.Rev, 10)
	}
	return res
}
