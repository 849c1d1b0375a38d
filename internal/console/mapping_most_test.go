package console

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"
)

// A number that no form has is refused at once: nobody counts so far.
func TestAMappingOfTooManyIsRefused(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.adopt()
	base := filled(m.who.get(mappingAt).Body.String())
	for _, name := range []string{"rows", "keys", "row-0-values", "row-3-values", "row-0-at"} {
		for _, n := range []string{"99999999999999999999", "1000000000", "-1", "x"} {
			form := url.Values{}
			maps.Copy(form, base)
			form.Set(name, n)
			m.want(m.who.do(postRequest(mappingAt, form)), http.StatusUnprocessableEntity)
		}
	}
}

// Each row may have many values, but all together no more than were sent: else a short form would be
// answered with a page of any length.
func TestAMappingHasNoMoreValuesThanWereSent(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.adopt()
	form := filled(m.who.get(mappingAt).Body.String())
	form.Set("rows", "20")
	for i := range 20 {
		form.Set(fmt.Sprintf("row-%d-at", i), "0")
		form.Set(fmt.Sprintf("row-%d-values", i), "500")
	}
	m.want(m.who.do(postRequest(mappingAt, form)), http.StatusUnprocessableEntity)
	for i := range 20 {
		form.Set(fmt.Sprintf("row-%d-values", i), "1")
	}
	m.want(m.who.do(postRequest(mappingAt, form)), http.StatusOK)
}
