package mapping

import (
	"testing"

	"github.com/tandemhub/tandem/record"
)

func TestAFieldThatIsMadeForAnExpressionHasItsKind(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]record.Kind{
		`count(deals, .status == "won")`:                   record.KindNumber,
		`round(sum(deals, convert(.value, .currency)), 2)`: record.KindNumber,
		`len(deals) > 0 ? len(deals) : 0`:                  record.KindNumber,
		`len(deals) > 0 ? len(deals) : "none"`:             record.KindText,
		`any(deals, .value > 10)`:                          record.KindBool,
		`not (len(deals) > 3)`:                             record.KindBool,
		`org_id.name`:                                      record.KindText,
		`firstname + " " + lastname`:                       record.KindText,
		`len(deals) + 1`:                                   record.KindNumber,
		`max(deals, "value")`:                              record.KindText, // it may be a date
		`that is none`:                                     record.KindText,
	} {
		if got := ResultKind(source); got != want {
			t.Errorf("%s is %s, want %s", source, got, want)
		}
	}
}
