package dolibarr

import (
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// The calls that lead from one status to another, and the transitions that none makes.
func TestWays(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ object, from, to, want string }{
		{proposals, "0", "0", ""},
		{proposals, "0", "1", "validate"},
		{proposals, "0", "2", "validate close"},
		{proposals, "0", "3", "validate close"},
		{proposals, "0", "4", "validate close setinvoiced"},
		{proposals, "1", "0", "settodraft"},
		{proposals, "2", "0", "settodraft"},
		{proposals, "2", "4", "setinvoiced"},
		{proposals, "3", "2", "none"},
		{proposals, "2", "1", "none"},
		{proposals, "4", "0", "none"},
		{proposals, "1", "-1", "none"},
		{orders, "0", "3", "validate close"},
		{orders, "3", "1", "reopen"},
		{orders, "3", "0", "reopen settodraft"},
		{orders, "2", "3", "close"},
		{orders, "1", "2", "none"},
		{orders, "1", "-1", "none"},
		{invoices, "0", "2", "validate settopaid"},
		{invoices, "2", "1", "settounpaid"},
		{invoices, "2", "0", "settounpaid settodraft"},
		{invoices, "3", "1", "none"},
		{invoices, "1", "nonsense", "none"},
	} {
		o, err := objectOf(x.object)
		if err != nil {
			t.Fatal(err)
		}
		path, err := o.wayFor(x.from, record.Text(x.to))
		var calls []string
		for _, m := range path {
			calls = append(calls, m.call)
		}
		if x.want == "none" {
			wants(t, err, connector.Invalid, connector.ScopeRecord, statusName, "status")
			continue
		}
		if err != nil || strings.Join(calls, " ") != x.want {
			t.Errorf("%s from %s to %s: %v, %v; want %s", x.object, x.from, x.to, calls, err, x.want)
		}
	}
}

// A state that can be written can be reached from a draft: else a create could not have it.
func TestEveryOfferedStateCanBeReached(t *testing.T) {
	t.Parallel()
	for _, o := range objects() {
		f, _ := known(o.fields, statusName)
		if len(o.moves) == 0 {
			continue
		}
		for _, c := range f.Choices {
			if _, ok := way(o.moves, draft, c.Value); ok == c.Hidden {
				t.Errorf("%s: %s is offered %v and reached %v", o.Name, c.Label, !c.Hidden, ok)
			}
		}
	}
}
