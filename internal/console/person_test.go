package console

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/jsonl"
)

// The page does what the API does, and what cannot be taken back only after somebody has looked.
func TestAPersonIsExportedAndErasedOnTheirPage(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "<script>Ann</script>", "email", "ann@x.gr")
	w.put(w.left, "", "name", "Bob", "email", "bob@x.gr")
	w.sync()
	admin := w.signed(account.Admin)
	w.want(admin.get(personAt), http.StatusOK, `action="/settings/person/find"`, `aria-current="page">Privacy</a>`)
	const key = " Ann@X.gr "
	page := admin.post(personAt+"/find", "key", key)
	w.want(page, http.StatusOK, "&lt;script&gt;Ann", "Links: 1.", `value="Ann@X.gr"`, "their own", `formaction="/settings/person/erase"`)
	if strings.Contains(page.Body.String(), "bob@") || strings.Count(page.Body.String(), `name="except"`) != 2 {
		t.Error(words(page.Body.String(), ""))
	}
	got := admin.post(personAt+"/export", "key", key)
	var doc jsonl.PersonDoc
	if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil || len(doc.Systems) != 2 || !strings.HasPrefix(got.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%+v %v", doc, err)
	}
	w.want(admin.post(personAt+"/erase", "key", key), http.StatusUnprocessableEntity, "Say first that you have looked", "&lt;script&gt;Ann")
	for _, bad := range []string{"", "nobody in particular", strings.Repeat("x", 801)} {
		for _, act := range []string{"/find", "/export", "/erase"} {
			w.want(admin.post(personAt+act, "key", bad, "yes", "1"), http.StatusUnprocessableEntity, "That is no e-mail address")
		}
	}
	other := "b.cards/" + w.right.Rows("cards")[0].ID
	for _, act := range []string{"/find", "/erase"} { // what was left out stays so with the next step
		page := admin.post(personAt+act, "key", key, "except", other).Body.String()
		if !strings.Contains(page, `name="except" value="`+other+`" checked`) || strings.Count(page, `value="`+other+`"`) != 1 {
			t.Errorf("%s forgets who is somebody else: %s", act, words(page, ""))
		}
	}
	if len(w.left.Rows("cards")) != 2 || len(w.right.Rows("cards")) != 2 {
		t.Fatal("something was erased by looking")
	}
	w.hub.working = errBusy
	w.want(admin.post(personAt+"/erase", "key", key, "yes", "1"), http.StatusServiceUnavailable)
	w.hub.working = nil
	page = admin.post(personAt+"/erase", "key", key, "yes", "1")
	w.want(page, http.StatusOK, "Records: 2. Of these wait to be erased, so erase again: 0; for a person to do: 0.", "Receipts")
	if len(w.left.Rows("cards")) != 1 || len(w.right.Rows("cards")) != 1 {
		t.Error("they are still there")
	}
	lines := strings.ToLower(strings.Join(w.audited(), "\n"))
	if strings.Contains(lines, "ann@") || !strings.Contains(lines, "admin|person.erase|a person|2 records|done") || !strings.Contains(lines, "admin|person.export|a person|2 records|done") {
		t.Error(lines)
	}
	w.renders("person", personPage{Erased: &erasedPerson{Records: []jsonl.Erased{{Status: "waits", Waits: "x"}, {Status: "by hand", ByHand: "y"}}}, Found: &foundPerson{Before: []jsonl.Erased{{}}}})
	w.renders("person", personPage{})
}
