package dolibarrtwin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/twin"
)

// A save is one transaction: who makes it, which triggers it sets off, and the change
// itself, which is done under the lock when nothing stands against it any more.
type save struct {
	by    int64
	calls []firing
	do    func() (any, error)
}

// A firing is a trigger that is set off for a record.
type firing struct {
	code    string
	tab     *table
	row     *row
	becomes edit // what will be changed
}

// commit does a save. Dolibarr calls its webhooks within the transaction: what they tell
// is not to be read yet, and one that blocks can undo it all. While they are called the
// lock is open.
func (t *Twin) commit(ctx context.Context, s save) (any, error) {
	if len(t.hooks) == 0 {
		result, err := s.do()
		if err != nil {
			return nil, err
		}
		for _, c := range s.calls {
			if t.logs(c) {
				agenda := t.tables[events]
				agenda.add(t.automatic(c, c.row, s.by))
			}
		}
		return result, nil
	}
	posts, made := t.announce(s)
	hooks := slices.Clone(t.hooks)
	t.mu.Unlock()
	err := deliver(ctx, hooks, posts)
	t.mu.Lock()
	if err != nil {
		return nil, fail(http.StatusInternalServerError, err.Error())
	}
	result, err := s.do()
	if err != nil {
		return nil, err
	}
	for _, r := range made {
		t.tables[events].add(r)
	}
	return result, nil
}

// announce works out what webhooks are told of a save, and the agenda's own rows for it:
// a row's ACTION_CREATE comes before the trigger that it is made for (recorded).
func (t *Twin) announce(s save) (posts []post, made []*row) {
	now := t.Now().Unix()
	for _, c := range s.calls {
		will := c.row
		if len(c.becomes.cells)+len(c.becomes.extra) > 0 || c.becomes.lines != nil {
			will = c.row.copy()
			t.change(c.tab, will, c.becomes, s.by, now)
		}
		if t.logs(c) {
			r := t.automatic(c, will, s.by)
			made = append(made, r)
			posts = append(posts, t.post(firing{code: "ACTION_CREATE", tab: t.tables[events], row: r}, r))
		}
		if t.posted(c.code) {
			posts = append(posts, t.post(c, will))
		}
	}
	return posts, made
}

// posted reports whether webhooks can ask for a trigger.
func (t *Twin) posted(code string) bool { return t.known[code] }

// triggers are those of Dolibarr's table that have to do with our objects.
func triggers(version int) map[string]bool {
	codes := []string{
		"COMPANY_CREATE", "COMPANY_MODIFY", "COMPANY_DELETE", "CONTACT_CREATE", "CONTACT_MODIFY", "CONTACT_DELETE",
		"PRODUCT_CREATE", "PRODUCT_MODIFY", "PRODUCT_DELETE", "PROJECT_CREATE", "PROJECT_VALIDATE", "PROJECT_MODIFY", "PROJECT_DELETE",
		"PROPAL_VALIDATE", "PROPAL_MODIFY", "PROPAL_CLOSE_SIGNED", "PROPAL_CLOSE_REFUSED", "PROPAL_CLASSIFY_BILLED", "PROPAL_DELETE",
		"ORDER_VALIDATE", "ORDER_MODIFY", "ORDER_CLOSE", "ORDER_CLASSIFY_BILLED", "ORDER_DELETE",
		"BILL_VALIDATE", "BILL_UNVALIDATE", "BILL_MODIFY", "BILL_" + settled, "BILL_DELETE", "ACTION_CREATE",
	}
	if version > 20 {
		codes = append(codes, "ACTION_MODIFY", "ACTION_DELETE")
	}
	known := make(map[string]bool, len(codes))
	for _, code := range codes {
		known[code] = true
	}
	return known
}

// logs reports whether the agenda gets a row of its own for a trigger. From version 23 on
// changes of drafts are not worth one (recorded).
func (t *Twin) logs(c firing) bool {
	if c.tab.name == events || !t.posted(c.code) {
		return false
	}
	i, ok := c.tab.byKey["status"]
	if t.version == 20 || !ok || c.tab.name == products || !strings.HasSuffix(c.code, "_MODIFY") {
		return true
	}
	status := c.row.cells[i]
	if v, given := c.becomes.cells[i]; given && !c.becomes.act {
		status = v
	}
	return status != "0" || c.becomes.act
}

// firings returns the trigger of a verb for a record.
func firings(tab *table, verb string, r *row, e edit) []firing {
	if tab.trigger == "" || tab.name == events && verb == "MODIFY" && !e.byHand {
		return nil // the API changes events without a trigger
	}
	return []firing{{tab.trigger + "_" + verb, tab, r, e}}
}

// note writes what was done to a record into the ledger, as people see the values.
func (t *Twin) note(tab *table, r *row, by, verb string, e edit) {
	var fields map[string]string
	if len(e.names) > 0 || verb != "delete" {
		fields = make(map[string]string, len(e.names))
	}
	for _, name := range e.names {
		fields[name] = tab.value(r, name)
	}
	t.Ledger().Record(twin.Act{
		At: t.Now(), By: by, Verb: verb, Object: tab.name, ID: strconv.FormatInt(r.id, 10), Fields: fields,
	})
}

// doer names who acts for the ledger.
const (
	byAPI    = "api"
	byPerson = "person"
)

// make saves a new record.
func (t *Twin) make(ctx context.Context, tab *table, r *row, e edit, doer string) (any, error) {
	return t.commit(ctx, save{by: r.author, calls: firings(tab, "CREATE", r, edit{}), do: func() (any, error) {
		tab.add(r)
		t.note(tab, r, doer, "create", e)
		return r.id, nil
	}})
}

// alter saves a change, and answers what then says.
func (t *Twin) alter(ctx context.Context, tab *table, r *row, e edit, by int64, doer string, set []firing, then func() (any, error)) (any, error) {
	return t.commit(ctx, save{by: by, calls: set, do: func() (any, error) {
		if r.gone {
			return nil, fail(http.StatusNotFound, tab.label+" not found")
		}
		t.change(tab, r, e, by, t.Now().Unix())
		t.note(tab, r, doer, "update", e)
		return then()
	}})
}

// discard saves a deletion.
func (t *Twin) discard(ctx context.Context, tab *table, r *row, by int64, doer string) (any, error) {
	message := map[string]any{"success": map[string]any{"code": 200, "message": tab.deleted}}
	return t.commit(ctx, save{by: by, calls: firings(tab, "DELETE", r, edit{}), do: func() (any, error) {
		if r.gone {
			return nil, fail(http.StatusNotFound, tab.label+" not found")
		}
		t.erase(tab, r, doer)
		return message, nil
	}})
}

// erase deletes a record for good and everything that hangs on it.
func (t *Twin) erase(tab *table, r *row, doer string) {
	switch tab.name {
	case thirdParties:
		children := t.tables[contacts]
		soc, id := children.byKey["socid"], strconv.FormatInt(r.id, 10)
		for _, c := range children.order {
			if !c.gone && c.cells[soc] == id {
				t.erase(children, c, doer)
			}
		}
	case categories:
		t.untag(r.id)
	}
	tab.remove(r)
	tab.lastNumber(r)
	t.note(tab, r, doer, "delete", edit{})
}
