package hubspottwin

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// settle does what HubSpot itself decides when a record is written: what it refuses, and
// what it adds. r is nil for a new record.
func (a *Account) settle(o *object, r *rec, values texts, now time.Time) *failure {
	switch o.name {
	case "deals":
		return a.settleStage(o, r, values, now, "pipeline", "dealstage")
	case "leads":
		return a.settleStage(o, r, values, now, "hs_pipeline", "hs_pipeline_stage")
	case "line_items":
		return a.settleLine(r, values)
	case "quotes":
		a.settleQuote(o, r, values)
	case "invoices":
		return a.settleInvoice(o, r, values, now)
	case "tasks":
		settleTask(r, values, now)
	case "meetings":
		if r == nil && values["hs_meeting_start_time"] == "" && values["hs_timestamp"] != "" {
			values["hs_meeting_start_time"] = values["hs_timestamp"]
		}
	}
	return nil
}

// leadAlone is the answer to a lead without a contact; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/leads/guide#associations
// How the vendor words it is not documented.
func leadAlone() *failure {
	return invalid("Unable to create lead: it must be associated with an existing contact (LEAD_TO_PRIMARY_CONTACT)")
}

// current returns what a property will be.
func current(r *rec, values texts, name string) string {
	if v, ok := values[name]; ok || r == nil {
		return v
	}
	return r.props[name]
}

// settleStage puts a record into a pipeline: the default one if none is named. A stage has
// to be one of the pipeline's.
func (a *Account) settleStage(o *object, r *rec, values texts, now time.Time, pipeline, stage string) *failure {
	id := current(r, values, pipeline)
	if id == "" {
		id = o.pipelines[0].ID
		values[pipeline] = id
	}
	p := o.pipeline(id)
	if p == nil {
		return badValues([]*problem{refuse(pipeline, "INVALID_OPTION", "%s was not one of the allowed options", id)})
	}
	at := current(r, values, stage)
	if at == "" && o.name == "leads" {
		at = p.Stages[0].ID
		values[stage] = at
	}
	s := p.stage(at)
	if s == nil {
		return badValues([]*problem{refuse(stage, "INVALID_OPTION", "%s is not a stage of pipeline %s", at, id)})
	}
	if o.name == "deals" {
		a.settleDeal(r, values, s, now)
	}
	return nil
}

// settleDeal computes what follows from a deal's stage and amount. A deal that is closed
// gets the time of that as close date, see
// https://knowledge.hubspot.com/properties/hubspots-default-deal-properties
func (a *Account) settleDeal(r *rec, values texts, s *stage, now time.Time) {
	closed, won := s.Metadata["isClosed"] == "true", s.Metadata["probability"] == "1.0"
	was := r != nil && r.props["hs_is_closed"] == "true"
	if _, given := values["closedate"]; closed && !was && !given {
		values["closedate"] = stamp(now)
	}
	values["hs_is_closed"] = strconv.FormatBool(closed)
	values["hs_is_closed_won"] = strconv.FormatBool(closed && won)
	values["hs_deal_stage_probability"] = s.Metadata["probability"]
	home := current(r, values, "amount")
	if c := current(r, values, "deal_currency_code"); c != "" && c != "EUR" {
		home = "" // the twin knows no rates
	}
	values["amount_in_home_currency"] = home
}

// settleLine copies a product's values to a new line, and computes its net price.
func (a *Account) settleLine(r *rec, values texts) *failure {
	if id := values["hs_product_id"]; id != "" {
		p, _ := a.find(a.named["products"], id, "", false)
		if p == nil {
			return badValues([]*problem{refuse("hs_product_id", "INVALID_PRODUCT_ID", "Product %s does not exist", id)})
		}
		for _, name := range []string{"name", "description", "price", "hs_sku", "hs_cost_of_goods_sold", "recurringbillingfrequency"} {
			if _, given := values[name]; !given && r == nil && p.props[name] != "" {
				values[name] = p.props[name]
			}
		}
	}
	if r == nil && values["quantity"] == "" {
		values["quantity"] = "1"
	}
	gross := product(current(r, values, "price"), current(r, values, "quantity"))
	off := product(current(r, values, "discount"), current(r, values, "quantity"))
	if percent := decimal(current(r, values, "hs_discount_percentage")); percent.Sign() != 0 {
		off = new(big.Rat).Mul(gross, new(big.Rat).Quo(percent, big.NewRat(100, 1)))
	}
	values["amount"] = money(new(big.Rat).Sub(gross, off))
	values["hs_total_discount"] = money(off)
	return nil
}

func decimal(s string) *big.Rat {
	if n, ok := new(big.Rat).SetString(s); ok {
		return n
	}
	return new(big.Rat)
}

func product(x, y string) *big.Rat { return new(big.Rat).Mul(decimal(x), decimal(y)) }

// money is an amount without needless noughts.
func money(n *big.Rat) string {
	s := n.FloatString(2)
	return strings.TrimSuffix(strings.TrimSuffix(s, "00"), ".")
}

func (a *Account) settleQuote(o *object, r *rec, values texts) {
	if r == nil {
		values["hs_quote_number"] = fmt.Sprintf("Q-%d", o.next)
		values["hs_quote_amount"] = "0"
	}
	if current(r, values, "hs_status") == "" {
		values["hs_status"] = "DRAFT"
	}
}

// settleInvoice keeps to an invoice's course: made as a draft, opened once it has a contact
// and a line, and from then on moved by payments only. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/invoices/guide
// How the vendor words its refusals is not documented.
func (a *Account) settleInvoice(o *object, r *rec, values texts, now time.Time) *failure {
	wanted, given := values["hs_invoice_status"]
	was := ""
	if r != nil {
		was = r.props["hs_invoice_status"]
	}
	if r == nil {
		if given && wanted != "draft" {
			return invalid("An invoice can only be created as a draft")
		}
		values["hs_invoice_status"], values["hs_amount_billed"], values["hs_balance_due"] = "draft", "0", "0"
		values["hs_amount_paid"] = "0"
		return nil
	}
	if c, ok := values["hs_currency"]; ok && was != "draft" && c != r.props["hs_currency"] {
		return invalid("The currency of an invoice can only be changed while it is a draft")
	}
	if !given || wanted == was {
		return nil
	}
	if was != "draft" || wanted != "open" {
		return invalid("Invoice status cannot be changed from " + was + " to " + wanted)
	}
	for _, to := range []string{"contacts", "line_items"} {
		if rel, _ := a.relation(o, a.named[to]); len(rel.of[r.id]) == 0 {
			return invalid("Invoice cannot be opened: it must be associated with " + to)
		}
	}
	values["hs_number"] = fmt.Sprintf("INV-%d", r.id)
	values["hs_invoice_link"] = fmt.Sprintf("https://app-eu1.hubspot.com/invoices/%d/%d", portalID, r.id)
	if current(r, values, "hs_invoice_date") == "" {
		values["hs_invoice_date"] = stamp(now)
	}
	return nil
}

func settleTask(r *rec, values texts, now time.Time) {
	for name, v := range map[string]string{"hs_task_status": "NOT_STARTED", "hs_task_priority": "NONE", "hs_task_type": "TODO"} {
		if current(r, values, name) == "" {
			values[name] = v
		}
	}
	done := values["hs_task_status"] == "COMPLETED"
	if s, given := values["hs_task_status"]; !given || r != nil && s == r.props["hs_task_status"] {
		return
	}
	values["hs_task_is_completed"], values["hs_task_completion_date"] = "0", ""
	if done {
		values["hs_task_is_completed"], values["hs_task_completion_date"] = "1", stamp(now)
	}
}

// total adds the lines of a quote or an invoice up.
func (a *Account) total(paper *object, id int64, now time.Time) {
	x := paper.live(id)
	if x == nil || paper.name != "quotes" && paper.name != "invoices" {
		return
	}
	lines := a.named["line_items"]
	rel, _ := a.relation(paper, lines)
	sum := new(big.Rat)
	for _, l := range rel.of[x.id] {
		if line := lines.live(l.other); line != nil {
			sum.Add(sum, decimal(line.props["amount"]))
		}
	}
	values := texts{"hs_quote_amount": money(sum)}
	if paper.name == "invoices" {
		paid := decimal(x.props["hs_amount_paid"])
		values = texts{"hs_amount_billed": money(sum), "hs_balance_due": money(new(big.Rat).Sub(sum, paid))}
	}
	a.compute(paper, x, values, now)
}

// retotal adds up what a line is on.
func (a *Account) retotal(line *rec, now time.Time) {
	for _, rel := range a.named["line_items"].relations {
		for _, l := range rel.seen(line.id, true) {
			a.total(rel.from, l.other, now)
		}
	}
}

// compute writes what HubSpot itself worked out, if it is new.
func (a *Account) compute(o *object, x *rec, values texts, now time.Time) {
	if changed := a.changes(x, values); len(changed) > 0 {
		o.change(x, values, now, a.lag)
	}
}

// changes returns which of the values a record does not have yet.
func (a *Account) changes(x *rec, values texts) []string {
	var out []string
	for name, v := range values {
		if x.props[name] != v {
			out = append(out, name)
		}
	}
	return out
}

// Pay lets the vendor take a payment for an open invoice, which is paid with the last of it.
func (a *Account) Pay(invoice, amount string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.named["invoices"]
	n, _ := parseID(invoice)
	x := o.live(n)
	sum, ok := new(big.Rat).SetString(amount)
	if x == nil || !ok || x.props["hs_invoice_status"] != "open" {
		return fmt.Errorf("pay invoice %s: it is not open, or %q is no amount", invoice, amount)
	}
	now := a.Now().Truncate(time.Millisecond)
	paid := new(big.Rat).Add(decimal(x.props["hs_amount_paid"]), sum)
	due := new(big.Rat).Sub(decimal(x.props["hs_amount_billed"]), paid)
	values := texts{"hs_amount_paid": money(paid), "hs_balance_due": money(due), "hs_payment_date": stamp(now)}
	if due.Sign() <= 0 {
		values["hs_invoice_status"] = "paid"
	}
	a.change(o, x, values, values, "person", now)
	return nil
}
