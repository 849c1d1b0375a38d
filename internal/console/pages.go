package console

import (
	"net/http"
	"strings"
)

// A Page is an address that people look at: whoever tests all of them asks for the list.
type Page struct {
	Pattern string // as http.ServeMux has it, without the method
	Public  bool   // for who is not signed in
}

// Pages are all addresses that answer with a page: what is read, but for files, streams, the API
// and links that sign in.
func Pages() []Page {
	var all []Page
	for _, x := range (&console{}).routes() {
		if x.method != http.MethodGet || x.live || strings.HasPrefix(x.pattern, "/static/") || strings.HasPrefix(x.pattern, "/api/") || x.audit != "" || strings.HasPrefix(x.pattern, "/login/") {
			continue
		}
		all = append(all, Page{Pattern: x.pattern, Public: x.right == public})
	}
	return all
}
