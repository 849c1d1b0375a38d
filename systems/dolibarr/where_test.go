package dolibarr

import (
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
)

// What is told to the database, and what is left to the hub (C4).
func TestWhereIsTranslated(t *testing.T) {
	t.Parallel()
	c := &conn{}
	for _, x := range []struct {
		object, field string
		op            connector.CondOp
		values        []string
		want          string
	}{
		{thirdParties, "client", connector.In, []string{"1", "3"}, "((t.client:=:1) or (t.client:=:3))"},
		{thirdParties, "client", connector.NotIn, []string{"0"}, "(((t.client:!=:0)) or (t.client:is:null))"},
		{thirdParties, "town", connector.In, []string{"Athens"}, "((t.town:=:'Athens'))"},
		{thirdParties, "email", connector.Filled, nil, "(t.email:isnot:null)"},
		{thirdParties, "email", connector.Empty, nil, ""},
		{thirdParties, "town", connector.NotIn, []string{"Athens"}, ""},
		{thirdParties, "town", connector.In, []string{"Athens", "O'Town"}, ""},
		{thirdParties, "town", connector.In, []string{"(Athens)"}, ""},
		{thirdParties, "town", connector.In, []string{"Zürich"}, ""},
		{thirdParties, "name", connector.In, []string{"Union Select"}, ""},
		{thirdParties, "name", connector.In, []string{""}, ""},
		{thirdParties, "country_code", connector.In, []string{"GR"}, ""},
		{thirdParties, "note_private", connector.In, []string{"x"}, ""},
		{thirdParties, "categories", connector.In, []string{"1"}, ""},
		{thirdParties, "array_options.options_x", connector.In, []string{"1"}, ""},
		{contacts, "socid", connector.In, []string{"7"}, "((t.fk_soc:=:7))"},
		{contacts, "socid", connector.NotIn, []string{"0"}, ""},
		{contacts, "birthday", connector.In, []string{"1980-05-06"}, ""},
		{projects, "opp_status", connector.In, []string{"6"}, "((t.fk_opp_status:=:6))"},
		{proposals, "status", connector.NotIn, []string{"0", "-1"}, "(((t.fk_statut:!=:0) and (t.fk_statut:!=:-1)) or (t.fk_statut:is:null))"},
		{invoices, "status", connector.In, []string{"nonsense"}, ""},
		{invoices, "paye", connector.In, []string{"false"}, "((t.paye:=:0))"},
		{invoices, "remaintopay", connector.Filled, nil, ""},
		{events, "type_code", connector.In, []string{"AC_RDV"}, ""},
		{products, "nonsense", connector.In, []string{"1"}, ""},
	} {
		o, err := objectOf(x.object)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.where(o, []connector.Cond{{Field: x.field, Op: x.op, Values: x.values}}); got != x.want {
			t.Errorf("%s.%s %s %q: %s, want %s", x.object, x.field, x.op, x.values, got, x.want)
		}
	}
	o, _ := objectOf(thirdParties)
	many := connector.Cond{Field: "client", Op: connector.In, Values: strings.Split(strings.Repeat("1 ", 500)+"1", " ")}
	if got := c.where(o, []connector.Cond{many}); got != "" {
		t.Errorf("a filter of %d bytes is too long for an address", len(got))
	}
}
