package dolibarrtwin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of documents. What they are called depends on the object.
const (
	draft     = "0"
	validated = "1"
	signed    = "2" // of a proposal
	paid      = "2" // of an invoice
	refused   = "3" // of a proposal
	closed    = "3" // of an order: delivered
	billed    = "4" // of a proposal
	canceled  = "-1"
)

// settled is what the triggers call an invoice that is paid.
const settled = "PAYED" //nolint:misspell // the vendor's word

// validity is how many days a proposal is good for unless somebody says otherwise.
const validity = 15

// admitDocument completes a document: the day that it is of, until when it is good, when
// it is due.
func (t *Twin) admitDocument(tab *table, r *row, e *edit, body map[string]any) error {
	date := tab.byKey["date"]
	of, given := e.cells[date]
	switch {
	case r != nil && tab.name == orders:
		delete(e.cells, date) // is passed over in silence: it would have to be called date_commande
		e.drop("date")
		if v, ok := body["date_commande"]; ok {
			e.cells[date], e.names = t.day(phpText(v)), append(e.names, "date")
		}
	case r == nil && of == "" && tab.name == proposals:
		return fail(http.StatusInternalServerError, "Date of proposal is required")
	case r == nil && of == "":
		e.cells[date] = t.Now().In(t.zone).Format(time.DateOnly)
	case given && of == "":
		return fail(http.StatusInternalServerError, "Column 'date' cannot be null")
	}
	switch tab.name {
	case proposals:
		t.goodUntil(tab, r, e, body)
	case invoices:
		t.due(tab, r, e)
	}
	return t.parent(tab, r, e)
}

// goodUntil works out until when a proposal is good: from its date, with the time that was
// sent, and its days of validity. Every PUT works it out again, with the server's usual
// number of days if it does not say another, so that a fin_validite that is sent has no
// effect (recorded).
func (t *Twin) goodUntil(tab *table, r *row, e *edit, body map[string]any) {
	from := phpText(body["date"])
	if from == "" && r != nil {
		from = r.cells[tab.byKey["date"]]
	}
	at, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		d, err := time.ParseInLocation(time.DateOnly, from[:min(len(from), len(time.DateOnly))], t.zone)
		if err != nil {
			return
		}
		at = d.Unix()
	}
	days := int64(validity)
	if v, ok := body["duree_validite"]; ok {
		days = int64(numeric(phpText(v)))
	}
	if r != nil && days == 0 {
		return // the one case in which what was sent counts
	}
	e.cells[tab.byKey["fin_validite"]] = strconv.FormatInt(at+days*24*60*60, 10)
}

// due works out when an invoice is to be paid: on its day, or on the next one under the
// first of the terms.
func (t *Twin) due(tab *table, r *row, e *edit) {
	i := tab.byKey["date_lim_reglement"]
	if r != nil || e.cells[i] != "" {
		return
	}
	d, err := time.Parse(time.DateOnly, e.cells[tab.byKey["date"]])
	if err != nil {
		return
	}
	if e.cells[tab.byKey["cond_reglement_id"]] == "1" {
		d = d.AddDate(0, 0, 1)
	}
	e.cells[i] = d.Format(time.DateOnly)
}

// drop takes a name out of an edit.
func (e *edit) drop(name string) {
	e.names = slices.DeleteFunc(e.names, func(n string) bool { return n == name })
}

// number gives a draft its number, as the usual numbering does: a prefix, the month, and
// the next of one sequence. A number that was given is kept.
func (t *Twin) number(tab *table, r *row) string {
	ref := r.cells[tab.byKey["ref"]]
	if !strings.HasPrefix(ref, "(PROV") {
		return ref
	}
	month := t.Now().In(t.zone)
	if d, err := time.Parse(time.DateOnly, r.cells[tab.byKey["date"]]); err == nil && tab.name != proposals {
		month = d
	}
	prefix := map[string]string{proposals: "PR", orders: "SO", invoices: "IN"}[tab.name]
	return fmt.Sprintf("%s%s-%04d", prefix, month.Format("0601"), tab.numbers+1)
}

// sequence is the last part of a number that the usual numbering gave.
func sequence(ref string) int {
	if len(ref) < len("PR2611-0001") || ref[6] != '-' {
		return 0
	}
	n, err := strconv.Atoi(ref[7:])
	if err != nil {
		return 0
	}
	return n
}

// count takes notice of a number that is given.
func (t *table) count(r *row) {
	if i, ok := t.byKey["ref"]; ok && t.name != products {
		t.numbers = max(t.numbers, sequence(r.cells[i]))
	}
}

// lastNumber frees the highest number when the record that has it is gone.
func (t *table) lastNumber(r *row) {
	i, ok := t.byKey["ref"]
	if !ok || t.numbers == 0 || sequence(r.cells[i]) != t.numbers {
		return
	}
	t.numbers = 0
	for _, other := range t.order {
		if !other.gone {
			t.numbers = max(t.numbers, sequence(other.cells[i]))
		}
	}
}

// move is the edit that takes a document from its state to another, with all that the
// change of state brings.
func (t *Twin) move(tab *table, r *row, to string, by int64) edit {
	e := edit{cells: map[int]string{tab.byKey["status"]: to}, act: true, names: []string{"status"}}
	now := t.Now()
	if to != draft && r.cells[tab.byKey["status"]] == draft {
		e.cells[tab.byKey["ref"]] = t.number(tab, r)
		e.cells[tab.byKey["user_validation_id"]] = strconv.FormatInt(by, 10)
		e.cells[tab.byKey["date_validation"]] = strconv.FormatInt(now.Unix(), 10)
		if tab.name == invoices {
			e.cells[tab.byKey["date_validation"]] = now.In(t.zone).Format(time.DateOnly)
		}
	}
	switch {
	case tab.name == proposals && to == signed:
		e.cells[tab.byKey["date_signature"]] = strconv.FormatInt(now.Unix(), 10)
	case tab.name == invoices:
		e.cells[tab.byKey["paye"]] = "0"
		if to == paid {
			e.cells[tab.byKey["paye"]] = "1"
		}
	case tab.name == orders && to == validated:
		e.cells[tab.byKey["billed"]] = "0"
	}
	return e
}

// buys makes the third party of a document a customer, which moves the third party's
// stamp and sets off no trigger: when an order or invoice is validated or a proposal
// signed.
func (t *Twin) buys(tab *table, r *row, to string, by int64) {
	if to != validated && tab.name != proposals || to != signed && tab.name == proposals {
		return
	}
	parents := t.tables[thirdParties]
	p := parents.byID(r.cells[tab.byKey["socid"]])
	if p == nil {
		return
	}
	client, i := "1", parents.byKey["client"]
	if was := p.cells[i]; tab.name != proposals && (was == "2" || was == "3") {
		client = "3" // stays a prospect besides
	}
	if p.cells[i] != client {
		t.change(parents, p, edit{cells: map[int]string{i: client}, act: true}, by, t.Now().Unix())
	}
}

// erasable reports whether an invoice can be deleted: a draft that never had a number, or
// the one with the last number.
func (t *table) erasable(r *row) bool {
	ref := r.cells[t.byKey["ref"]]
	return t.name != invoices || strings.HasPrefix(ref, "(PROV") || sequence(ref) == t.numbers
}

// documented reports whether any document names a third party.
func (t *Twin) documented(id string) bool {
	for _, name := range []string{proposals, orders, invoices} {
		tab := t.tables[name]
		soc := tab.byKey["socid"]
		if slices.ContainsFunc(tab.order, func(r *row) bool { return !r.gone && r.cells[soc] == id }) {
			return true
		}
	}
	return false
}

// used reports whether any line names a product.
func (t *Twin) used(product string) bool {
	for _, name := range []string{proposals, orders, invoices} {
		for _, r := range t.tables[name].order {
			if !r.gone && slices.ContainsFunc(r.lines, func(l line) bool { return l.product == product }) {
				return true
			}
		}
	}
	return false
}

// technical is what version 20 answers where the database refuses a line without a type:
// a status that means success, a page about the trouble, and then the error in JSON.
func (t *Twin) technical(r *http.Request, tab *table) error {
	reason := fmt.Sprintf("Incorrect integer value: '' for column `dol20`.`%sdet`.`product_type` at row 1", tab.db)
	e := map[string]any{"code": 500, "message": "Internal Server Error: Error creating order", "0": nil}
	if tab.name == orders {
		e["0"], e["1"] = reason, reason
	}
	return pageError{http.StatusAccepted, "Dolibarr has detected a technical error.<br>\n" +
		"This information can be useful for diagnostic purposes (you can set option $dolibarr_main_prod to '1' to hide sensitive information):<br>\n" +
		"<b>Requested URL:</b> " + r.URL.Path + "<br>\n" +
		"<b>Return code for latest database access request error:</b> DB_ERROR_1366<br>\n" +
		"<b>Information for latest database access request error:</b> " + reason + "<br>\n<br>\n" +
		string(quoted(map[string]any{"error": e}))}
}
