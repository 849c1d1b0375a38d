package dolibarr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// declared are the types of extrafields that an administrator gave by hand, by object and
// code.
type declared map[string]map[string]record.Kind

// parseExtras reads the setting extrafields: "thirdparties.segment=choice, contacts.since=date".
func parseExtras(s string) (declared, error) {
	kinds := []record.Kind{
		record.KindText, record.KindNumber, record.KindBool, record.KindDate, record.KindDateTime,
		record.KindChoice, record.KindEmail, record.KindPhone, record.KindMoney,
	}
	d := declared{}
	for _, item := range items(s) {
		name, kind, ok := strings.Cut(item, "=")
		of, code, ok2 := strings.Cut(strings.TrimSpace(name), ".")
		kind = strings.TrimSpace(kind)
		if _, err := objectOf(of); err != nil || !ok || !ok2 || code == "" || !slices.Contains(kinds, record.Kind(kind)) {
			return nil, wrongSetting("extrafields", item, "write object.code=type, like thirdparties.segment=choice; the types are text, number, bool, date, datetime, choice, email, phone and money")
		}
		if d[of] == nil {
			d[of] = map[string]record.Kind{}
		}
		d[of][strings.TrimPrefix(code, "options_")] = record.Kind(kind)
	}
	return d, nil
}

// parseLeadStatuses reads the setting lead_statuses: "1=Prospecting, 6=Won:won, 7=Lost:lost";
// nil for the usual ones. What a status means is taken from the usual list if it is not
// said.
func parseLeadStatuses(s string) ([]record.Choice, error) {
	var list []record.Choice
	for _, item := range items(s) {
		value, label, ok := strings.Cut(item, "=")
		label, meaning, said := strings.Cut(label, ":")
		c := record.Choice{Value: strings.TrimSpace(value), Label: strings.TrimSpace(label), Kind: record.ChoiceOpen}
		i := slices.IndexFunc(defaultLeadStatuses(), func(d record.Choice) bool { return d.Value == c.Value })
		if i >= 0 {
			c.Kind = defaultLeadStatuses()[i].Kind
		}
		if said {
			c.Kind = record.ChoiceKind(strings.TrimSpace(meaning))
		}
		known := slices.Contains([]record.ChoiceKind{record.ChoiceOpen, record.ChoiceWon, record.ChoiceLost}, c.Kind)
		if !ok || !isID(c.Value) || c.Label == "" || !known {
			return nil, wrongSetting("lead_statuses", item, "write id=label, or id=label:won, id=label:lost or id=label:open, with the ids of the dictionary of opportunity statuses, like 1=Prospecting, 6=Won:won")
		}
		list = append(list, c)
	}
	return list, nil
}

// items splits a setting at its commas.
func items(s string) []string {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func wrongSetting(name, item, fix string) error {
	return &connector.Error{
		Kind: connector.Invalid, Scope: connector.ScopeConnection, Field: name, Fix: fix,
		Err: fmt.Errorf("setting %s: %q cannot be read", name, item),
	}
}
