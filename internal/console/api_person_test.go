package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/jsonl"
)

// Everything of a person is told, and erased in both systems; the audit does not name them.
func TestAPersonIsExportedAndErasedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	w.put(w.left, "", "name", "Bob", "email", "bob@x.gr")
	w.sync()
	const ann = `{"key":"Ann@X.gr"}`
	doc := read[jsonl.PersonDoc](w, "POST", "/api/v1/person/export", ann)
	if len(doc.Systems) != 2 || len(doc.Links) != 1 || len(doc.Journal) == 0 || doc.Systems[0].Records[0].Fields["name"].Text() != "Ann" {
		t.Errorf("%+v", doc)
	}
	found := read[foundPerson](w, "POST", "/api/v1/person/erase/preview", ann)
	if len(found.Records) != 2 || found.Records[0].Status != "found" || found.Links != 1 || len(w.left.Rows("cards")) != 2 {
		t.Errorf("%+v", found)
	}
	got := read[erasedPerson](w, "POST", "/api/v1/person/erase", ann)
	if len(got.Records) != 2 || got.Waits+got.ByHand != 0 || got.Records[0].By != "admin" || len(w.left.Rows("cards")) != 1 || len(w.right.Rows("cards")) != 1 {
		t.Errorf("%+v", got)
	}
	if left := read[foundPerson](w, "POST", "/api/v1/person/erase/preview", ann); len(left.Before) != 2 {
		t.Errorf("%+v", left)
	}
	w.want(w.ask("POST", "/api/v1/person/erase", `{"key":"nobody in particular"}`), http.StatusUnprocessableEntity, "body.key")
	w.want(w.ask("POST", "/api/v1/person/export", ann, keyHeader, "k"), http.StatusUnprocessableEntity, "nothing of this write is kept")
	lines := strings.ToLower(strings.Join(w.audited(), "\n"))
	if strings.Contains(lines, "ann@") || !strings.Contains(lines, "admin|person.erase|a person|2 records|done") {
		t.Error(lines)
	}
}
