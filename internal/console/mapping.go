package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
)

// mappingPage is the editor of how one sync maps. What is in the form is a draft; the document
// with the draft in it is what is checked, compared and saved.
type mappingPage struct {
	Configuration

	Name    string
	Ends    [2]string // "erp.contacts"
	Odd     string    // why the document cannot be changed by this form; "" = it can
	Stuck   bool      // the document cannot be changed to what was entered
	Unknown bool      // a system was never asked

	Rows      []mapRow
	Keys      []mapKey
	Usual     []string // keys of a sync that names none
	Tries     []keyTry
	Large     bool // there are too many records to try keys out
	Direction string
	Prefer    string
	Delete    [2]string

	All       [2][]record.Field // that can be named
	Functions []string

	Wrong   bool
	Empty   bool          // no pair of fields is left
	Besides []fieldRow    // fields that are carried because records are recognised by them
	Lists   bool          // there are rules of lists, which are for the text
	Others  plan.Problems // that are about no row
	Diff    []diffLine
	Seen    string // tells the text that is shown from another one
	Note    string
	Focus   string // the id of what was just made

	Look mapLook

	written  plan.WrittenSync // what the document says
	text     string           // of the document with the draft
	rows     []int            // which rows the entries of the draft are
	resolved *plan.Resolved   // the draft; nil = it cannot be used
}

// A mapRow is one entry of the sync's fields.
type mapRow struct {
	I, At       int
	All         bool
	Left, Right string
	Direction   string
	Prefer      string
	Enforce     string
	From        string
	Values      []mapValue

	Lacks string // the side of which a field is to be named; "" = none
	Twice string // a left value that is there twice
	// Variable says that a variable was entered, which only the text may have.
	Variable bool
	Says     plan.Problems // about this row
	Flows    []fieldRow    // what it comes to: one pair of fields, or those of "all"
	First    bool          // it is what new records get where another row's field has nothing
}

// Wrong reports whether the row cannot be used.
func (r mapRow) Wrong() bool {
	return r.Lacks != "" || r.Twice != "" || r.Variable || r.Says.HasErrors()
}

// Opened reports whether there is something in the row's details.
func (r mapRow) Opened() bool { return r.From != "" || len(r.Values) > 0 || r.Prefer != "" }

// A mapValue is one row of a map of values.
type mapValue struct {
	J           int
	Left, Right string
}

// A mapKey is one key by which records are recognised; the parts of one of several have " + "
// between them.
type mapKey struct {
	I           int
	Left, Right string
	Lacks       bool // one of its sides
	Variable    bool // a variable was entered
	Says        plan.Problems
}

// Names are what the sides are called in sentences.
func (p mappingPage) Names() [2]string {
	return [2]string{endpointOf(p.Ends[0]).Connection, endpointOf(p.Ends[1]).Connection}
}

// Directions, Preferences and Policies are the choices of the form.
func (mappingPage) Directions() []string { return []string{bothWays, toRight, toLeft, "none"} }

// Preferences are who may win.
func (mappingPage) Preferences() []string { return newSyncPage{}.Preferences() }

// Policies are what may become of partners.
func (mappingPage) Policies() []string { return newSyncPage{}.Policies() }

// HasAll reports whether all common fields are among the rows.
func (p mappingPage) HasAll() bool {
	return slices.ContainsFunc(p.Rows, func(r mapRow) bool { return r.All })
}

// Path is the page's address.
func (p mappingPage) Path() string { return "/syncs/" + pathEscape(p.Name) + "/mapping" }

// Savable reports whether what is shown can be saved.
func (p mappingPage) Savable() bool { return p.refusal(p.Current.Number) == nil }

func (p mappingPage) refusal(after int) *problem {
	return p.refuses(after, p.Odd != "" || p.Wrong, p.Diff)
}

func (c *console) showMapping(w http.ResponseWriter, r *http.Request) error {
	data, err := c.mappingPage(r, nil)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "mapping", data)
}

// tryMapping checks what was entered, and shows what it would make of the document. Nothing is kept.
func (c *console) tryMapping(w http.ResponseWriter, r *http.Request) error {
	data, err := c.enteredMapping(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "mapping", data)
}

func (c *console) enteredMapping(r *http.Request) (mappingPage, error) {
	if err := r.ParseForm(); err != nil {
		return mappingPage{}, invalid("error.choice")
	}
	return c.mappingPage(r, r.PostForm)
}

// saveMapping keeps the document with what was entered as its next version, if that is the one
// whose difference was shown.
func (c *console) saveMapping(w http.ResponseWriter, r *http.Request) error {
	data, err := c.enteredMapping(r)
	if err != nil {
		return err
	}
	note(r, data.Name, data.Note)
	after := afterOf(r)
	wrong := data.refusal(after)
	if wrong == nil && r.PostFormValue("seen") != data.Seen {
		wrong = invalid("error.unseen")
	}
	if wrong != nil {
		return c.view.again(w, r, wrong, "mapping", data)
	}
	why := data.Name
	if data.Note != "" {
		why += ": " + data.Note
	}
	if err := c.saveConfiguration(r.Context(), after, data.text, why); err != nil {
		return err
	}
	note(r, data.Name, data.Note)
	return c.redirect(w, data.Path()+"/saved", "")
}

// showMappingSaved waits until what was saved is served, and leads to the plan.
func (c *console) showMappingSaved(w http.ResponseWriter, r *http.Request) error {
	now, err := c.hub.Configuration(r.Context())
	if err != nil {
		return err
	}
	p, _, err := c.hub.CheckConfiguration(r.Context(), now.Text)
	if err != nil {
		return err
	}
	if p == nil || now.Refused != "" {
		return c.redirect(w, "/settings/configuration", "")
	}
	saved, known := p.Sync(r.PathValue("name"))
	if !known {
		return errNotFound()
	}
	served, has := c.hub.Plan().Sync(saved.Name)
	data := savedPage{Name: saved.Name, Served: has && served.Says(saved)}
	if !data.Served {
		w.Header().Set("Refresh", "1")
	}
	return c.view.page(w, r, "newsaved", data)
}

// mappingPage is the document's mapping, or what was entered in its place.
func (c *console) mappingPage(r *http.Request, form url.Values) (mappingPage, error) {
	ctx := r.Context()
	data := mappingPage{Name: r.PathValue("name"), Functions: mapping.Functions()}
	var err error
	if data.Configuration, err = c.hub.Configuration(ctx); err != nil {
		return data, err
	}
	data.written, err = plan.WrittenSyncOf([]byte(data.Text), data.Name)
	switch {
	case errors.Is(err, plan.ErrNoSuchSync):
		return data, errNotFound()
	case err != nil:
		data.Odd = err.Error()
	}
	if data.Odd != "" {
		return data, nil
	}
	data.Ends, data.Lists = data.written.Ends, data.written.Lists
	for side, end := range data.Ends {
		if data.All[side], err = c.fieldsOf(ctx, endpointOf(end)); err != nil {
			return data, err
		}
	}
	data.take(data.written)
	if form != nil && !data.enter(form) {
		return data, invalid("error.choice")
	}
	return data, c.checkMapping(ctx, &data)
}

// fieldsOf are the fields of an object that can be named.
func (c *console) fieldsOf(ctx context.Context, end plan.Endpoint) ([]record.Field, error) {
	objects, err := engine.RememberedObjects(ctx, c.hub.Store(), end.Connection)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(objects, func(o record.Object) bool { return o.Name == end.Object })
	if i < 0 {
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(objects[i].Fields), func(f record.Field) bool { return f.Key }), nil
}

// checkMapping puts the draft into the document, and says what is wrong with it and what it comes to.
func (c *console) checkMapping(ctx context.Context, data *mappingPage) error {
	draft, rows, keys := data.draft()
	text, err := plan.EditSync([]byte(data.Text), data.Name, draft)
	if errors.Is(err, plan.ErrOddSync) {
		data.Stuck, data.Wrong = true, true // what was entered stays to be looked at
		return nil
	}
	if err != nil {
		return err
	}
	data.text, data.Diff = string(text), compare(data.Text, string(text))
	sum := sha256.Sum256(text)
	data.Seen = hex.EncodeToString(sum[:8])
	p, problems, err := c.hub.CheckConfiguration(ctx, data.text)
	if err != nil {
		return err
	}
	data.Wrong = data.Empty || p == nil || problems.HasErrors() || slices.ContainsFunc(data.Rows, mapRow.Wrong) ||
		slices.ContainsFunc(data.Keys, func(k mapKey) bool { return k.Lacks || k.Variable })
	is, err := plan.WrittenSyncOf(text, data.Name)
	if err != nil {
		return err
	}
	data.place(problems, is, rows, keys)
	if p == nil {
		return nil
	}
	if err := c.resolveMapping(ctx, data, p, rows); err != nil || data.resolved == nil {
		return err
	}
	data.flows(rows)
	if len(draft.Match) == 0 {
		data.Usual = data.resolved.Mapping.KeyNames()
	}
	data.rows = rows
	if err := c.scoreKeys(ctx, data, p); err != nil {
		return err
	}
	return c.tryOut(ctx, data, p)
}

// resolveMapping binds the draft to what is known of both systems. Rows that are wrong are left out,
// so that the others can be looked at.
func (c *console) resolveMapping(ctx context.Context, data *mappingPage, p *plan.Plan, rows []int) error {
	sync, _ := p.Sync(data.Name)
	sync.Fields = slices.DeleteFunc(slices.Clone(sync.Fields), func(f plan.Field) bool {
		return f.Index >= 0 && f.Index < len(rows) && data.Rows[rows[f.Index]].Says.HasErrors()
	})
	resolved, found, err := engine.Remembered(ctx, c.hub.Store(), p, sync)
	data.resolved, data.Unknown = resolved, err == nil && resolved == nil && found == nil
	return err
}

// place tells each problem where it is to be mended.
func (p *mappingPage) place(problems plan.Problems, is plan.WrittenSync, rows, keys []int) {
	within := plan.Span{First: math.MaxInt}
	for _, span := range is.Lines {
		within.First, within.Last = min(within.First, span.First), max(within.Last, span.Last)
	}
	for _, x := range problems {
		row := slices.IndexFunc(is.Fields, func(f plan.WrittenField) bool { return f.Span.Holds(x.Line) })
		key := -1
		for i := range keys {
			if is.Lines["match["+strconv.Itoa(i)+"]"].Holds(x.Line) {
				key = i
			}
		}
		switch {
		case row >= 0 && row < len(rows):
			p.Rows[rows[row]].Says = append(p.Rows[rows[row]].Says, x)
		case key >= 0:
			p.Keys[keys[key]].Says = append(p.Keys[keys[key]].Says, x)
		case !x.Warning || within.Holds(x.Line) || x.Line == within.First-1:
			p.Others = append(p.Others, x)
		}
	}
}

// flows shows what each row comes to.
func (p *mappingPage) flows(rows []int) {
	flows := resolvedRows(p.resolved)
	for i, f := range p.resolved.Mapping.Fields() {
		at := slices.IndexFunc(p.Rows, func(r mapRow) bool { return r.All })
		if f.Entry >= 0 && f.Entry < len(rows) {
			at = rows[f.Entry]
		}
		switch {
		case len(f.Lists) > 0:
		case at >= 0:
			p.Rows[at].Flows = append(p.Rows[at].Flows, flows[i])
		default:
			p.Besides = append(p.Besides, flows[i])
		}
	}
	for _, i := range rows {
		row := &p.Rows[i]
		row.First = row.From != "" && len(row.Flows) == 0 && !row.Wrong()
	}
}

// cleanText is what was typed, in one line.
func cleanText(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "")))
}
