package dolibarr

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// readDelay is how long after a hook its transaction is usually over: hooks are sent from
// within it, and one that reads at once sees what was before (recorded).
const readDelay = 3 * time.Second

// budget is how long a person who saves may have to wait for us. Dolibarr itself would wait
// for half a minute (recorded).
const budget = 2 * time.Second

// door is how Dolibarr's hooks are answered: with 200 whatever they hold, because any other
// status rolls back what a person has just saved (recorded).
func door() connector.Door {
	return connector.Door{
		OK: http.StatusOK, Bad: http.StatusOK, Busy: http.StatusOK, ReadDelay: readDelay, Budget: budget,
		Help: "In Dolibarr, switch on the module Webhook and add a target with the address of the door. From version 23 on choose the type " +
			"\"non-blocking\": with the blocking one, which is the only one of older versions, nobody can save a record while the hub is down. " +
			"Choose the triggers COMPANY_*, CONTACT_*, PRODUCT_*, PROJECT_*, PROPAL_*, ORDER_*, BILL_*, PAYMENT_CUSTOMER_* and ACTION_*, as far as they are " +
			"synchronised. From version 23 on an address in the own network is only called if conf/conf.php sets " +
			"$dolibarr_allow_localurl_for_webhooks. Hooks carry no signature: keep the address secret.",
	}
}

// A trigger is a beginning of trigger codes and the object that they are of.
type trigger struct {
	prefix string
	object string
	id     string // the property with the record's id
}

// triggers in this order: the first that fits counts. Papers of suppliers are no objects
// of ours.
func triggers() []trigger {
	return []trigger{
		{"ORDER_SUPPLIER_", "", ""}, {"BILL_SUPPLIER_", "", ""}, {"LINEORDER_SUPPLIER_", "", ""}, {"LINEBILL_SUPPLIER_", "", ""},
		{"COMPANY_", thirdParties, "id"},
		{"CONTACT_", contacts, "id"},
		{"USER_", users, "id"},
		{"PRODUCT_", products, "id"},
		{"PROJECT_", projects, "id"},
		{"PROPAL_", proposals, "id"}, {"LINEPROPAL_", proposals, "fk_propal"},
		{"ORDER_", orders, "id"}, {"LINEORDER_", orders, "fk_commande"},
		{"BILL_", invoices, "id"}, {"LINEBILL_", invoices, "fk_facture"},
		{"ACTION_", events, "id"},
		{"CATEGORY_", categories, "id"},
	}
}

// Receive takes from a hook which record it is about, and nothing else: what it shows of
// the record is an internal dump of a state that may still be rolled back. Nothing in it
// proves who sent it; the door's address is the secret.
func (c *conn) Receive(_ time.Time, _ *http.Request, body []byte) (connector.Delivery, error) {
	var hook struct {
		Code   string          `json:"triggercode"`
		Object json.RawMessage `json:"object"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return connector.Delivery{}, notHook(fmt.Errorf("read hook: %w", err))
	}
	if hook.Code == "" {
		return connector.Delivery{}, notHook(errors.New("read hook: there is no triggercode"))
	}
	var row wireRow
	if err := json.Unmarshal(hook.Object, &row); err != nil {
		return connector.Delivery{}, notHook(fmt.Errorf("read hook %q: %w", hook.Code, err))
	}
	if strings.HasPrefix(hook.Code, "PAYMENT_CUSTOMER_") {
		return connector.Delivery{Hints: paid(row)}, nil
	}
	ref, ok := hint(hook.Code, row)
	if !ok {
		return connector.Delivery{}, nil
	}
	return connector.Delivery{Hints: []record.Ref{ref}}, nil
}

// paid are the invoices that a payment is of: the keys of its amounts. One that was read from
// the database names none; then only a listing shows it (R35).
func paid(row wireRow) []record.Ref {
	var refs []record.Ref
	for _, item := range references(row["amounts"]).Items() {
		refs = append(refs, record.Ref{Object: invoices, ID: item.Text()})
	}
	return refs
}

func notHook(err error) error {
	return &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: err}
}

// hint returns the record that a hook is about; false if it is none of ours.
func hint(code string, row wireRow) (record.Ref, bool) {
	for _, t := range triggers() {
		if !strings.HasPrefix(code, t.prefix) {
			continue
		}
		o, err := objectOf(t.object)
		id := row.text(t.id)
		if err != nil || !isID(id) || o.only != nil && !o.only.lets(row) {
			return record.Ref{}, false
		}
		return record.Ref{Object: o.Name, ID: id}, true
	}
	return record.Ref{}, false
}
