package mapping

import (
	"testing"

	"github.com/tandemhub/tandem/record"
)

func TestAFieldIsCalledByItsNames(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		key   string
		side  record.Side
		other string
		want  string
	}{
		{"name=name", record.Left, "Dolibarr", "name"},
		{"name=name", record.Right, "", "name"},
		{"phone=mobile", record.Left, "HubSpot", "phone (mobile in HubSpot)"},
		{"phone=mobile", record.Right, "Dolibarr", "mobile (phone in Dolibarr)"},
		{"phone=mobile", record.Right, "", "phone / mobile"},
		{"=mobile", record.Left, "HubSpot", "mobile"},
		{"phone=", record.Right, "HubSpot", "phone"},
		{"phone=", record.Left, "HubSpot", "phone"},
		{"notes", record.Right, "HubSpot", "notes"},
		{"", record.Left, "HubSpot", ""},
	} {
		if got := FieldName(x.key, x.side, x.other); got != x.want {
			t.Errorf("%q on the %s is called %q, not %q", x.key, x.side, got, x.want)
		}
	}
}
