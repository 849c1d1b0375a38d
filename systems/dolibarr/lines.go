package dolibarr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// linesName is the wire name of a paper's lines.
const linesName = "lines"

// productName is the wire name of a line's product.
const productName = "fk_product"

// linesField describes the lines of a proposal, an order or an invoice. The server
// computes their totals and the paper's.
func linesField() field {
	id := field{Field: record.Field{Name: "id", Label: "Line", Kind: record.KindText, ReadOnly: true, Key: true}}
	kind := choice("product_type", "Type", "", "product", "service")
	lines := field{apart: true, elem: []field{
		id,
		reference(productName, "Product", "product", "", products),
		text("product_ref", "Product's reference", "sku", "", 0).readOnly(),
		text("product_label", "Product's label", "name", "", 0).readOnly(),
		html("desc", "Description", "description", ""),
		kind,
		plainField(record.KindNumber, "qty", "Quantity", "quantity", ""),
		plainField(record.KindMoney, "subprice", "Unit price without tax", "unit_price", ""),
		plainField(record.KindNumber, "remise_percent", "Discount in percent", "discount_percent", ""),
		plainField(record.KindNumber, "tva_tx", "Tax rate", "tax_rate", ""),
		plainField(record.KindMoney, "total_ht", "Total without tax", "net_total", "").readOnly(),
	}}
	lines.Field = record.Field{Name: linesName, Label: "Lines", Common: "lines", Kind: record.KindList}
	for _, f := range lines.elem {
		lines.Elem = append(lines.Elem, f.Field)
	}
	return lines
}

// list decodes the elements of a list.
func (f *field) list(raw json.RawMessage, zone *time.Location) record.Value {
	var rows []wireRow
	if json.Unmarshal(raw, &rows) != nil {
		return record.Value{}
	}
	items := make([]record.Value, 0, len(rows))
	for _, row := range rows {
		fields := record.Fields{}
		for i := range f.elem {
			e := &f.elem[i]
			if v := e.decode(row[e.Name], zone); !v.IsEmpty() {
				fields[e.Name] = v
			}
		}
		if len(fields) > 0 {
			items = append(items, record.Struct(fields))
		}
	}
	return record.List(items...)
}

// wireLines encodes lines as a create takes them.
func (f field) wireLines(v record.Value, zone *time.Location) ([]map[string]any, error) {
	lines := []map[string]any{}
	for i, item := range v.Items() {
		line, err := f.wireLine(item.Fields(), zone)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// wireLine encodes one line, always with its product_type: without it version 20 fails
// in SQL, and says so behind a page with status 202 (recorded).
func (f field) wireLine(fields record.Fields, zone *time.Location) (map[string]any, error) {
	line := map[string]any{"product_type": 0}
	for _, e := range f.elem {
		v, given := fields[e.Name]
		if !given || !e.Writable() || v.IsEmpty() && e.Kind != record.KindText {
			continue
		}
		if v.IsEmpty() {
			line[e.Name] = ""
			continue
		}
		wire, err := encode(e, v, zone)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		line[e.Name] = wire
	}
	return line, nil
}

// A lineEdit is one call that brings lines nearer to what is wanted.
type lineEdit struct {
	method string
	id     string // of the line; "" for a new one
	like   string // id of the line whose place it takes; "" for none
	body   map[string]any
}

// lineEdits compares the lines that are with those that shall be. A line has no identity
// on the other side, so they are told by their place: what is equal at both ends stays,
// what lies between is changed in place, and what is too much goes. New lines are added at
// the end, because the API adds nowhere else. A line's product cannot be changed, so such a line
// is added anew, and with it all that shall stand behind it. What is added comes before what
// goes: whoever is cut off in the middle has lost no line, and the same comparison leads on from
// there (R16).
func (f field) lineEdits(have, want []record.Value, zone *time.Location) ([]lineEdit, error) {
	head := 0
	for head < len(have) && head < len(want) && f.sameLine(have[head], want[head]) {
		head++
	}
	have, want = f.withoutTail(have[head:], want[head:])
	places := inPlace(have, want)
	before := f.replaced(have, want, places)
	var edits []lineEdit
	for i, item := range want {
		e, fields := lineEdit{method: http.MethodPost}, item.Fields()
		if from := before[i]; from >= 0 {
			// What the other side does not know of a line stays, also where it is added anew, or
			// where the call takes for empty what is not sent.
			e.like = have[from].Fields()["id"].Text()
			fields = have[from].Fields().Clone()
			maps.Copy(fields, item.Fields())
		}
		if i < len(places) {
			if f.sameLine(have[places[i]], item) {
				continue
			}
			e.method, e.id = http.MethodPut, e.like
		}
		var err error
		if e.body, err = f.wireLine(fields, zone); err != nil {
			return nil, fmt.Errorf("line %d: %w", head+i+1, err)
		}
		edits = append(edits, e)
	}
	for i, item := range have {
		if !slices.Contains(places, i) {
			edits = append(edits, lineEdit{method: http.MethodDelete, id: item.Fields()["id"].Text()})
		}
	}
	return edits, nil
}

// withoutTail leaves out what is equal at the end, if all before it can be had without adding a
// line, which would stand behind it.
func (f field) withoutTail(have, want []record.Value) ([]record.Value, []record.Value) {
	if len(have) < len(want) {
		return have, want
	}
	h, w := have, want
	for len(w) > 0 && f.sameLine(h[len(h)-1], w[len(w)-1]) {
		h, w = h[:len(h)-1], w[:len(w)-1]
	}
	if len(inPlace(h, w)) < len(w) {
		return have, want
	}
	return h, w
}

// inPlace finds for the first of the wanted lines, in their order, the lines that can become
// them: those of the same product.
func inPlace(have, want []record.Value) []int {
	var places []int
	next := 0
	for _, item := range want {
		product, given := item.Fields()[productName]
		for next < len(have) && given && !product.Equal(have[next].Fields()[productName]) {
			next++
		}
		if next == len(have) {
			break
		}
		places = append(places, next)
		next++
	}
	return places
}

// replaced finds for each wanted line the one whose place it takes; -1 = it is new. A line that
// is only moved is its own.
func (f field) replaced(have, want []record.Value, places []int) []int {
	from := make([]int, len(want))
	var left []int // those that go
	for i := range have {
		if !slices.Contains(places, i) {
			left = append(left, i)
		}
	}
	for i := range want {
		if from[i] = -1; i < len(places) {
			from[i] = places[i]
		} else if n := slices.IndexFunc(left, func(j int) bool { return f.sameLine(have[j], want[i]) }); n >= 0 {
			from[i] = left[n]
			left = slices.Delete(left, n, n+1)
		}
	}
	for i := range want {
		if from[i] < 0 && len(left) > 0 {
			from[i], left = left[0], left[1:]
		}
	}
	return from
}

// sameLine reports whether a line holds what is wanted of it; what the server computes
// does not count.
func (f field) sameLine(have, want record.Value) bool {
	return !slices.ContainsFunc(f.elem, func(e field) bool {
		w, given := want.Fields()[e.Name]
		return given && e.Writable() && !w.Equal(have.Fields()[e.Name])
	})
}

// writeLines carries the edits out, which only a draft takes.
func (c *conn) writeLines(ctx context.Context, o object, row wireRow, want record.Value) error {
	f, _ := known(o.fields, linesName)
	zone, err := c.timezone(ctx)
	if err != nil {
		return err
	}
	if row.text(statusName) != draft {
		return &connector.Error{
			Kind: connector.Invalid, Field: linesName, Err: errors.New("only a draft's lines can be changed"),
			Fix: "set its status back to draft, or change the lines in Dolibarr",
		}
	}
	edits, err := f.lineEdits(f.list(row[linesName], zone).Items(), want.Items(), zone)
	if err != nil {
		return &connector.Error{Kind: connector.Invalid, Field: linesName, Err: err}
	}
	keepRest(edits, row[linesName], o.Name == proposals)
	for i, e := range edits {
		call := rest.Call{Method: e.method, Path: o.path + "/" + url.PathEscape(row.text("id"))}
		if e.id == "" {
			call.Path += o.addLine
		} else {
			call.Path += "/lines/" + url.PathEscape(e.id)
		}
		if e.body != nil {
			call.Body = e.body
		}
		if _, err := c.api.Do(ctx, call); err != nil && i > 0 {
			return &connector.Error{Kind: connector.Ambiguous, Err: fmt.Errorf("its lines are changed in part: %w", err)}
		} else if err != nil {
			return named(err, linesName)
		}
	}
	return nil
}

// keepRest sends back what a line holds and we have no fields for, where it is changed or added
// anew. Orders and invoices take for empty what the call for a line does not name; that of
// proposals leaves it:
// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/commande/class/api_orders.class.php (putLine)
func keepRest(edits []lineEdit, have json.RawMessage, leaves bool) {
	var rows []wireRow
	if json.Unmarshal(have, &rows) != nil {
		return
	}
	for _, e := range edits {
		i := slices.IndexFunc(rows, func(row wireRow) bool { return e.like != "" && row.text("id") == e.like })
		if i < 0 || leaves && e.id != "" {
			continue
		}
		names := []string{"date_start", "date_end", "ref_ext"}
		product := ""
		if v, set := e.body[productName]; set {
			product = fmt.Sprint(v)
		}
		if e.id != "" || rows[i].text(productName) == product {
			// The rest belongs to the product: its cost, its unit, its local taxes.
			names = append(names, "fk_unit", "pa_ht", "special_code", "info_bits", "fk_fournprice", "localtax1_tx", "localtax2_tx", "label", "situation_percent")
		}
		if e.id != "" {
			names = append(names, "fk_parent_line") // whose id changes where it is added anew as well
		}
		for _, name := range names {
			if rows[i].text(name) != "" {
				e.body[name] = rows[i][name]
			}
		}
	}
}

// named names the field in an error that was caused by it alone.
func named(err error, field string) error {
	e := connector.ErrorOf(err)
	if e.Kind != connector.Invalid || e.Field != "" {
		return err
	}
	of := *e
	of.Field = field
	return &of
}
