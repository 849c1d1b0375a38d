package console

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/account"
)

// filledIn fills in the pattern of an address of the API with what there is in an apiWorld.
func filledIn(x route) string {
	id := "1"
	for part, is := range map[string]string{"/connections/": "a", "/syncs/": "cards", "/runs/": "r1", "/systems/": "toy", "/reports/": "volume", "/secrets/": "a_key"} {
		if strings.Contains(x.pattern, part) {
			id = is
		}
	}
	return strings.NewReplacer("{token}", "1", "{id}", id, "{object}", "cards", "{number}", "1").Replace(x.pattern)
}

// Whatever a program sends, it is answered in the API's form, nothing breaks, and nothing that is
// malformed is done.
func FuzzBodiesOfTheAPI(f *testing.F) {
	w := newAPIWorld(f)
	w.conflict(1)
	w.token = w.grantAs(account.Admin, "all", account.TokenRights()...)
	admin := w.signed(account.Admin)
	var writes []route
	for _, x := range w.c.apiRoutes() {
		if x.method != http.MethodGet {
			writes = append(writes, x)
		}
	}
	for i := range writes {
		for _, body := range []string{"", "{}", "null", "[", `{"choice":"left"}`, `{"values":{"notes":"x"},"preview":true}`, `{"records":[{"object":"cards","id":"1"}]}`,
			`{"run":"r1"}`, `{"change":99999999999999999999}`, `{"record":"a.cards/1","since":"2h"}`, `{"repair":true}`, `{"changes":[1,2]}`, `{"key":"ann0@x.gr"}`, `{"text":"version: 1","after":1}`,
			`{"name":"x","rights":["see"],"days":1}`, `{"name":"y","role":"viewer","password":"correct horse battery"}`, `{"system":"toy","secrets":{"api_key":"x"}}`, `{"value":"x"}`, `{"choice":"left","kind":"conflict"}`, "\x00\xff"} {
			f.Add(uint8(i), "k", body)
		}
	}
	f.Fuzz(func(t *testing.T, at uint8, key, body string) {
		x := writes[int(at)%len(writes)]
		path := x.method + " " + filledIn(x)
		ask := w.ask
		if x.right == account.Own {
			ask = admin.ask
		}
		got := ask(x.method, filledIn(x), body, keyHeader, key)
		if got.Code >= http.StatusInternalServerError && got.Code != http.StatusServiceUnavailable && got.Code != http.StatusBadGateway {
			t.Fatalf("%s %q: %d %s\n%s", path, body, got.Code, got.Body, w.log)
		}
		if !json.Valid(got.Body.Bytes()) || strings.Contains(w.log.String(), "broke") {
			t.Fatalf("%s %q: %s\n%s", path, body, got.Body, w.log)
		}
	})
}

// Queries are foreign bytes too.
func FuzzQueriesOfTheAPI(f *testing.F) {
	w := newAPIWorld(f)
	w.token = w.grantAs(account.Admin, "all", account.TokenRights()...)
	var reads []string
	for _, x := range w.c.apiRoutes() {
		if x.method == http.MethodGet && strings.HasPrefix(x.pattern, "/api/v1/") && x.pattern != "/api/v1/events" {
			reads = append(reads, filledIn(x))
		}
	}
	for i := range reads {
		for _, q := range []string{"", "phone=210", "email=a@b.gr", "id=%00", "of=a.cards/%ff", "record=a.cards/1", "cursor=-9223372036854775808", "limit=1&cursor=9", "since=9999999h", "after=r0"} {
			f.Add(uint8(i), q)
		}
	}
	f.Fuzz(func(t *testing.T, at uint8, query string) {
		if strings.ContainsAny(query, " #\r\n\t") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(query, "wait") {
			t.Skip("no query, or one that waits")
		}
		path := reads[int(at)%len(reads)]
		got := w.ask(http.MethodGet, path+"?"+query, "")
		if got.Code >= http.StatusInternalServerError || !json.Valid(got.Body.Bytes()) {
			t.Fatalf("%s?%s: %d %s\n%s", path, query, got.Code, got.Body, w.log)
		}
	})
}
