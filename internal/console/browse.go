package console

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const (
	browseRows  = 25 // on a page
	browseMost  = 5  // columns besides the record's name
	browseWide  = 80 // letters of a value
	browseQuery = 200
)

type browsePage struct {
	View    connectionView
	Object  objectLine
	Fields  bool // its fields are shown, not its records
	Query   string
	Columns []record.Field
	Rows    []browseRow
	More    bool   // there are further records than are shown
	Older   string // the address of the next page; "" = there is none
}

// A browseRow is one record of the mirror.
type browseRow struct {
	ID    string
	Name  string
	Path  string
	Cells []browseCell
	Read  time.Time
}

// A browseCell is one value; it carries its label to where a narrow page has no heads.
type browseCell struct{ Label, Text string }

// columnOf ranks what tells records apart best.
func columnOf(common string) int {
	order := []string{"email", "phone", "mobile", "company_name", "number", "status", "stage", "amount", "total", "city", "due_at", "date", "domain", "country"}
	return slices.Index(order, common)
}

// object loads what the pages of the object that a request's path names have in common.
func (c *console) object(r *http.Request) (browsePage, error) {
	var data browsePage
	ctx, of := r.Context(), store.Object{Connection: r.PathValue("name"), Name: r.PathValue("object")}
	conn, configured := c.hub.Plan().Connection(of.Connection)
	if !configured {
		return data, errNotFound()
	}
	known, _, err := c.hub.Store().Connection(ctx, of.Connection)
	if err != nil {
		return data, err
	}
	i := slices.IndexFunc(known.Schema.Objects, func(o record.Object) bool { return o.Name == of.Name })
	if i < 0 {
		return data, errNotFound()
	}
	states, err := c.hub.Store().Objects(ctx)
	if err != nil {
		return data, err
	}
	data.Object = objectLine{Object: known.Schema.Objects[i], Of: of}
	data.Object.State, data.Object.Kept = states[of]
	data.View.Connection.Connection, data.View.Title = of.Connection, conn.System
	if spec, has := c.specOf(conn.System); has {
		data.View.Title = spec.Title
	}
	return data, nil
}

func (c *console) showFields(w http.ResponseWriter, r *http.Request) error {
	data, err := c.object(r)
	if err != nil {
		return err
	}
	data.Fields = true
	data.Object.Fields = slices.Clone(data.Object.Fields)
	slices.SortStableFunc(data.Object.Fields, func(a, b record.Field) int { // those with a meaning first
		return cmp.Compare(count01(a.Common == ""), count01(b.Common == ""))
	})
	return c.view.page(w, r, "browse", data)
}

func count01(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (c *console) browse(w http.ResponseWriter, r *http.Request) error {
	data, err := c.object(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	data.Query = cutTo(strings.TrimSpace(q.Get("q")), browseQuery)
	before, err := cursor(r)
	if err != nil {
		return err
	}
	var rows []store.Row
	if data.Query == "" {
		rows, err = c.hub.Store().Latest(r.Context(), data.Object.Of, before, browseRows+1)
	} else {
		rows, data.More, err = c.search(r.Context(), data.Object.Of, data.Query)
	}
	if err != nil {
		return err
	}
	if len(rows) > browseRows {
		rows, data.More = rows[:browseRows], true
		if data.Query == "" {
			data.Older = address(data.Object.Path(), nil, "before", strconv.FormatInt(rows[browseRows-1].Seq, 10))
		}
	}
	data.fill(rows, visitOf(r).locale, c.hub.Plan().Timezone)
	return c.view.page(w, r, "browse", data)
}

// search finds records by their id, and by the words, the address or the number that somebody types.
func (c *console) search(ctx context.Context, of store.Object, text string) ([]store.Row, bool, error) {
	s := c.hub.Store()
	ids, more, err := s.FindWords(ctx, of, engine.SearchWords(text, c.hub.Plan().Country), browseRows+1)
	if err != nil {
		return nil, false, err
	}
	if !slices.Contains(ids, text) {
		ids = slices.Insert(ids, 0, text)
	}
	found, err := s.Rows(ctx, of, ids)
	if err != nil {
		return nil, false, err
	}
	var rows []store.Row
	for _, id := range ids {
		if row, has := found[id]; has && row.Fate == connector.Present {
			rows = append(rows, row)
		}
	}
	return rows, more, nil
}

// fill makes the lines of the table: the columns are fields that some of the records have.
func (p *browsePage) fill(rows []store.Row, l *locale, zone *time.Location) {
	rank := func(f record.Field) int {
		if i := columnOf(f.Common); i >= 0 {
			return i
		}
		return math.MaxInt
	}
	for _, f := range p.Object.Fields {
		if rank(f) < math.MaxInt && f.Kind != record.KindReference && slices.ContainsFunc(rows, func(r store.Row) bool { return !r.Fields[f.Name].IsEmpty() }) {
			p.Columns = append(p.Columns, f)
		}
	}
	slices.SortStableFunc(p.Columns, func(a, b record.Field) int { return cmp.Compare(rank(a), rank(b)) })
	p.Columns = p.Columns[:min(len(p.Columns), browseMost)]
	for i := range p.Columns {
		p.Columns[i].Label = cmp.Or(p.Columns[i].Label, p.Columns[i].Name)
	}
	for _, r := range rows {
		row := browseRow{ID: r.ID, Name: nameOf(p.Object.Object, r), Path: recordPath(p.Object.Of, r.ID), Read: r.ReadAt}
		for _, f := range p.Columns {
			row.Cells = append(row.Cells, browseCell{f.Label, shorten(l.cellOf(f, r.Fields[f.Name], zone).Before, browseWide)})
		}
		p.Rows = append(p.Rows, row)
	}
}

// nameOf is what people call a record.
func nameOf(o record.Object, r store.Row) string {
	by := map[string]string{}
	for _, f := range o.Fields {
		if text := strings.TrimSpace(r.Fields[f.Name].Text()); f.Common != "" && by[f.Common] == "" {
			by[f.Common] = text
		}
	}
	person := strings.TrimSpace(by["first_name"] + " " + by["last_name"])
	return shorten(cmp.Or(by["name"], person, by["subject"], by["number"], by["reference"], by["email"], by["company_name"], r.ID), browseWide)
}
