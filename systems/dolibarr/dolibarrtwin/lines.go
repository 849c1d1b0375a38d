package dolibarrtwin

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A line is one line of a document. Its numbers are decimals without needless zeros; the
// sums are cents.
type line struct {
	id       int64
	desc     string // HTML
	label    string
	product  string // id, "" for none
	kind     string // product_type: 0 product, 1 service
	qty      string
	price    string // without tax
	vat      string // per cent
	discount string // per cent
	net      int64
	gross    int64
	more     map[string]string // what it holds besides, by key; nothing is worked out of it
}

// moreOfLine are the keys of what a line holds besides. Moments are seconds.
func moreOfLine() []string {
	return []string{
		"date_start", "date_end", "fk_unit", "pa_ht", "special_code", "info_bits", "fk_fournprice", "fk_parent_line",
		"localtax1_tx", "localtax2_tx", "ref_ext", "situation_percent",
	}
}

// set sets one field by its key; false: lines have no such field.
func (l *line) set(key, value string) bool {
	number := func(digits int) string {
		if n := rounded(value, digits); n != "" {
			return n
		}
		return "0"
	}
	switch key {
	case "desc", "description":
		l.desc = value
	case "label":
		l.label = clean(value)
	case "fk_product":
		if l.product = value; numeric(value) <= 0 {
			l.product = ""
		}
	case "product_type":
		l.kind = value
	case "qty":
		l.qty = number(4)
	case "subprice":
		l.price = number(8)
	case "tva_tx":
		l.vat = number(4)
	case "remise_percent":
		l.discount = number(4)
	default:
		if !slices.Contains(moreOfLine(), key) {
			return false
		}
		if l.more = maps.Clone(l.more); l.more == nil {
			l.more = map[string]string{}
		}
		l.more[key] = value
	}
	return true
}

// lineShown are the keys that a line is shown with and that nobody sets.
func lineShown(key string) bool {
	switch key {
	case "id", "rowid", "total_ht", "total_tva", "total_ttc":
		return true
	}
	return false
}

// sum works out what a line costs: both sums are rounded, and the tax is between them.
func (l *line) sum() {
	for _, n := range []*string{&l.kind, &l.qty, &l.price, &l.vat, &l.discount} {
		if *n == "" {
			*n = "0"
		}
	}
	net := numeric(l.qty) * numeric(l.price) * (1 - numeric(l.discount)/100)
	l.net, l.gross = cents(net), cents(net*(1+numeric(l.vat)/100))
}

// cents rounds half up as PHP does, which first forgives what binary numbers get wrong.
func cents(n float64) int64 {
	return int64(math.Round(n*100 + math.Copysign(1e-7, n)))
}

func centsText(n int64) string { return rounded(strconv.FormatFloat(float64(n)/100, 'f', 2, 64), 2) }

// total adds up the lines of a document.
func (t *table) total(r *row) {
	var net, gross int64
	for _, l := range r.lines {
		net, gross = net+l.net, gross+l.gross
	}
	r.cells[t.byKey["total_ht"]] = centsText(net)
	r.cells[t.byKey["total_tva"]] = centsText(gross - net)
	r.cells[t.byKey["total_ttc"]] = centsText(gross)
}

// linesForPerson writes lines as people see them: JSON with the API's keys in order.
func linesForPerson(lines []line) string {
	if len(lines) == 0 {
		return ""
	}
	all := make([]map[string]string, len(lines))
	for i, l := range lines {
		m := map[string]string{
			"id": strconv.FormatInt(l.id, 10), "desc": l.desc, "label": l.label, "fk_product": l.product, "product_type": l.kind,
			"qty": l.qty, "subprice": l.price, "tva_tx": l.vat, "remise_percent": l.discount,
			"total_ht": centsText(l.net), "total_tva": centsText(l.gross - l.net), "total_ttc": centsText(l.gross),
		}
		maps.Copy(m, l.more)
		for key, v := range m {
			if v == "" {
				delete(m, key)
			}
		}
		all[i] = m
	}
	return string(quoted(all))
}

// A linePiece writes one value of a line.
type linePiece func(b []byte, t *Twin, r *row, l *line) []byte

// A lineChunk is constant text, then perhaps a value of the line.
type lineChunk struct {
	text  string
	value linePiece
}

func newLineShape(x trait) []lineChunk {
	if x.line == "" {
		return nil
	}
	values := linePieces(x)
	var chunks []lineChunk
	text := strings.Builder{}
	for i, g := range parseShape(x.line) {
		text.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + `"` + g.key + `":`)
		v := values[g.key]
		if slices.Contains(moreOfLine(), g.key) {
			v = besides(g.key, g.blank)
		}
		if v != nil {
			chunks = append(chunks, lineChunk{text.String(), v})
			text.Reset()
			continue
		}
		text.WriteString(g.blank)
	}
	return append(chunks, lineChunk{text: text.String() + "}"})
}

// linePieces returns how the keys that come from a line are written.
func linePieces(x trait) map[string]linePiece {
	id := func(b []byte, _ *Twin, _ *row, l *line) []byte { return appendQuotedInt(b, l.id) }
	parent := func(b []byte, _ *Twin, r *row, _ *line) []byte { return appendQuotedInt(b, r.id) }
	words := func(get func(*line) string) linePiece {
		return func(b []byte, _ *Twin, _ *row, l *line) []byte { return appendText(b, get(l)) }
	}
	fixed := func(digits int, get func(*line) string) linePiece {
		return func(b []byte, _ *Twin, _ *row, l *line) []byte { return appendDecimal(b, get(l), digits) }
	}
	desc := words(func(l *line) string { return l.desc })
	price := fixed(8, func(l *line) string { return l.price })
	net := fixed(8, func(l *line) string { return centsText(l.net) })
	tax := fixed(8, func(l *line) string { return centsText(l.gross - l.net) })
	gross := fixed(8, func(l *line) string { return centsText(l.gross) })
	p := map[string]linePiece{
		"id": id, "rowid": id, "desc": desc, "description": desc, "subprice": price, "multicurrency_subprice": price,
		"product_type": words(func(l *line) string { return l.kind }), "qty": words(func(l *line) string { return l.qty }),
		"remise_percent": words(func(l *line) string { return l.discount }), "tva_tx": fixed(4, func(l *line) string { return l.vat }),
		"total_ht": net, "total_tva": tax, "total_ttc": gross,
		"multicurrency_total_ht": net, "multicurrency_total_tva": tax, "multicurrency_total_ttc": gross,
		"fk_product": productID, "ref": productCell("ref"), "product_ref": productCell("ref"), "product_label": productCell("label"), "libelle": productCell("label"),
		"label": func(b []byte, _ *Twin, _ *row, l *line) []byte { return orNull(b, l.label) },
	}
	p["fk_"+x.element] = parent
	if x.name == orders {
		p["commande_id"] = parent // and a number here alone (recorded)
		p["subprice"] = func(b []byte, _ *Twin, _ *row, l *line) []byte { return append(b, l.price...) }
	}
	return p
}

// besides writes what a line holds of a key, or what the vendor shows of one that holds nothing.
func besides(key, blank string) linePiece {
	return func(b []byte, _ *Twin, _ *row, l *line) []byte {
		switch v := l.more[key]; {
		case v == "":
			return append(b, blank...)
		case strings.HasPrefix(key, "date_"):
			return append(b, v...) // a number (jdate)
		default:
			return appendText(b, v)
		}
	}
}

func orNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

func productID(b []byte, _ *Twin, _ *row, l *line) []byte { return orNull(b, l.product) }

func productCell(key string) linePiece {
	return func(b []byte, t *Twin, _ *row, l *line) []byte {
		tab := t.tables[products]
		if p := tab.byID(l.product); p != nil {
			return appendText(b, p.cells[tab.byKey[key]])
		}
		return append(b, "null"...)
	}
}

// appendLines writes the lines of a document.
func (t *table) appendLines(b []byte, tw *Twin, r *row) []byte {
	b = append(b, '[')
	for i := range r.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.appendLine(b, tw, r, &r.lines[i])
	}
	return append(b, ']')
}

func (t *table) appendLine(b []byte, tw *Twin, r *row, l *line) []byte {
	for i := range t.lines {
		if b = append(b, t.lines[i].text...); t.lines[i].value != nil {
			b = t.lines[i].value(b, tw, r, l)
		}
	}
	return b
}

// readLine reads a line as a program sends it. On a create version 20 takes the
// description for plain text; what adds a line later keeps its HTML.
func (t *Twin) readLine(l *line, body map[string]any, plain bool) (unknown []string) {
	for _, key := range sortedKeys(body) {
		v := phpText(body[key])
		if key == "desc" || key == "description" {
			if v = cleanNote(v, t.version); plain && t.version == 20 {
				v = clean(v)
			}
		}
		if !l.set(key, v) && key != "id" {
			unknown = append(unknown, key)
		}
	}
	l.sum()
	return unknown
}

// lineBodies are the lines in a JSON value.
func lineBodies(v any) []map[string]any {
	var bodies []map[string]any
	list, _ := v.([]any) // anything else has no lines
	for _, item := range list {
		if body, ok := item.(map[string]any); ok {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// typeless reports whether the database of version 20 refuses a line for want of a type.
func typeless(version int, object string, body map[string]any) bool {
	_, given := body["product_type"].(json.Number)
	text, _ := body["product_type"].(string)
	return version == 20 && object != invoices && !given && text == ""
}
