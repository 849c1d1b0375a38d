package dolibarrtwin

import (
	"fmt"
	"net/http"
	"strings"
)

// admitProduct completes a product: a reference of its own, and both prices from the one
// that counts.
func (t *Twin) admitProduct(tab *table, r *row, e *edit) error {
	get := func(key string) string {
		i := tab.byKey[key]
		if v, given := e.cells[i]; given || r == nil {
			return v
		}
		return r.cells[i]
	}
	i := tab.byKey["ref"]
	if ref, given := e.cells[i]; given {
		e.cells[i] = plainRef(ref)
		if e.cells[i] == "" {
			return fail(http.StatusInternalServerError, "ProductModuleNotSetupForAutoRef")
		}
		if tab.taken(r, i, e.cells[i]) {
			return fail(http.StatusInternalServerError, "ErrorProductAlreadyExists")
		}
	}
	if label, given := e.cells[tab.byKey["label"]]; r == nil && label == "" || given && label == "" {
		return fail(http.StatusInternalServerError, "ErrorMandatoryParametersNotProvided")
	}
	tax := 1 + numeric(get("tva_tx"))/100
	switch base := tab.byKey["price_base_type"]; {
	case get("price_base_type") == "TTC":
		e.cells[tab.byKey["price"]] = rounded(fmt.Sprint(numeric(get("price_ttc"))/tax), 5)
	default:
		if e.cells[base] == "" && r == nil {
			e.cells[base] = "HT"
		}
		e.cells[tab.byKey["price_ttc"]] = centsText(cents(numeric(get("price")) * tax))
	}
	return nil
}

// plainRef replaces what the vendor allows in no reference.
func plainRef(ref string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(` '/\:*?"<>|[],;=°$`, r) {
			return '_'
		}
		return r
	}, strings.TrimSpace(ref))
}

// taken reports whether another record has a value, as the collation compares.
func (t *table) taken(r *row, col int, value string) bool {
	want := fold(value)
	for _, other := range t.order {
		if !other.gone && other != r && same(other.cells[col], want) {
			return true
		}
	}
	return false
}

// admitProject completes a project: its reference, and a third party that is there.
func (t *Twin) admitProject(tab *table, r *row, e *edit) error {
	i := tab.byKey["ref"]
	if ref, given := e.cells[i]; given {
		switch {
		case ref == "auto" && r == nil && t.version != 20:
			e.cells[i] = t.nextProject(tab)
		case ref == "":
			return fail(http.StatusInternalServerError, "ErrorFieldsRequired")
		case tab.taken(r, i, ref):
			return fail(http.StatusInternalServerError, "Duplicate entry '"+ref+"-1' for key 'uk_projet_ref'")
		}
	}
	return t.parent(tab, r, e)
}

// nextProject is the reference that the usual numbering gives next.
func (t *Twin) nextProject(tab *table) string {
	return fmt.Sprintf("PJ%s-%04d", t.Now().In(t.zone).Format("0601"), tab.numbers+1)
}
