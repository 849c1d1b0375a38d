package dolibarrtwin

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// Pay lets a person enter a payment of a part of an invoice. That writes rows of their own and
// leaves the invoice's alone, whose stamp does not move as long as something is left to pay:
// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/compta/paiement/class/paiement.class.php (create)
// Its trigger, PAYMENT_CUSTOMER_CREATE, is not played.
func (t *Twin) Pay(invoice, amount string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[invoices]
	r := tab.byID(invoice)
	if r == nil || r.cells[tab.byKey["status"]] != "1" {
		return fmt.Errorf("pay: no unpaid invoice %s", invoice)
	}
	r.paid += cents(numeric(amount))
	return nil
}

// enter completes what a person typed into a record, or into a new one, as the vendor's
// pages do.
func (t *Twin) enter(tab *table, r *row, e *edit) error {
	e.byHand = true
	e.pencil = r != nil && len(e.extra) > 0 && len(e.cells) == 0 && e.lines == nil && e.tags == nil
	if r == nil {
		for _, key := range tab.typed {
			if e.cells[tab.byKey[key]] == "" {
				return fmt.Errorf("field %s is missing", key)
			}
		}
		for key, v := range t.preset(tab) {
			if i := tab.byKey[key]; e.cells[i] == "" {
				e.cells[i] = v
			}
		}
	}
	switch tab.name {
	case products:
		return t.admitProduct(tab, r, e)
	case projects:
		return t.admitProject(tab, r, e)
	case events:
		return t.admitEvent(tab, r, e, nil)
	case proposals, orders, invoices:
		return t.enterDocument(tab, r, e)
	default:
		return nil
	}
}

// preset is what a page for a new record begins with.
func (t *Twin) preset(tab *table) map[string]string {
	switch tab.name {
	case products:
		return map[string]string{"status": "1", "status_buy": "1"}
	case projects:
		return map[string]string{"ref": t.nextProject(tab), "usage_opportunity": "1"}
	case events:
		return map[string]string{
			"userownerid": strconv.Itoa(personID), "type_code": "AC_OTH", "percentage": "-1", "datep": strconv.FormatInt(t.Now().Unix(), 10),
		}
	case categories:
		return map[string]string{"type": "2"}
	case proposals, orders, invoices:
		return map[string]string{"date": t.Now().In(t.zone).Format(time.DateOnly)}
	default:
		return nil
	}
}

// enterDocument completes a document. A state that is typed stands for the button that
// leads to it.
func (t *Twin) enterDocument(tab *table, r *row, e *edit) error {
	soc := tab.byKey["socid"]
	if id, given := e.cells[soc]; given && t.tables[thirdParties].byID(id) == nil {
		return fmt.Errorf("no third party %q", id)
	}
	for _, key := range []string{"ref", "total_ht", "total_tva", "total_ttc"} {
		if _, given := e.cells[tab.byKey[key]]; given {
			return fmt.Errorf("nobody types %s", key)
		}
	}
	status := tab.byKey["status"]
	if to, given := e.cells[status]; given {
		if delete(e.cells, status); r != nil {
			t.press(tab, r, to, e)
		} else if e.press = to; to == "" {
			return errors.New("field status is missing")
		}
	}
	if r != nil {
		if e.lines != nil && e.press != draft && r.cells[status] != draft {
			return errors.New("the lines of what is no draft stay as they are")
		}
		return nil
	}
	if i, ok := tab.byKey["fin_validite"]; ok && e.cells[i] == "" {
		d, err := time.ParseInLocation(time.DateOnly, e.cells[tab.byKey["date"]], t.zone)
		if err != nil {
			return err
		}
		e.cells[i] = strconv.FormatInt(d.Unix()+validity*24*60*60, 10)
	}
	if tab.name == invoices {
		t.due(tab, nil, e)
	}
	return nil
}

// press adds to an edit what the button for a state does.
func (t *Twin) press(tab *table, r *row, to string, e *edit) {
	if r.cells[tab.byKey["status"]] == to {
		return
	}
	maps.Copy(e.cells, t.move(tab, r, to, personID).cells)
	e.press = to
}

// pressed is the trigger of a person's change: that of the button, if one was pressed.
func (t *Twin) pressed(tab *table, r *row, e edit) []firing {
	if e.press == "" {
		return firings(tab, "MODIFY", r, e)
	}
	for _, a := range actions() {
		to, trigger := a.to, a.trigger
		if tab.name == proposals && a.verb == "close" {
			to = e.press
			trigger = map[string]string{signed: "CLOSE_SIGNED", refused: "CLOSE_REFUSED"}[to]
		}
		if a.object == tab.name && to == e.press && trigger != "" {
			return []firing{{tab.trigger + "_" + trigger, tab, r, e}}
		}
	}
	return firings(tab, "MODIFY", r, e)
}

// file makes the record that a person typed.
func (t *Twin) file(tab *table, e edit, now int64) *row {
	r := t.build(tab, e, personID, now)
	if e.press != "" && e.press != draft {
		t.change(tab, r, t.move(tab, r, e.press, personID), personID, now)
		r.edited = false
	}
	tab.count(r)
	return r
}
