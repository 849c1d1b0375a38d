package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/jsonl"
)

// conflict makes both sides differ about the notes of so many records, which is asked about.
func (w *apiWorld) conflict(n int) []jsonl.Review {
	w.Helper()
	for i := range n {
		w.put(w.left, "", "name", "Ann", "email", fmt.Sprintf("ann%d@x.gr", i), "notes", "old")
	}
	w.sync()
	for _, row := range w.left.Rows("cards") {
		w.put(w.left, row.ID, "notes", "left")
	}
	for _, row := range w.right.Rows("cards") {
		w.put(w.right, row.ID, "notes", "right")
	}
	w.sync()
	items := read[list[jsonl.Review]](w, "GET", "/api/v1/review", "").Items
	if len(items) != n {
		w.Fatalf("%d items, want %d: %+v", len(items), n, items)
	}
	return items
}

func TestItemsAreDecidedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	items := w.conflict(3)
	for _, q := range []string{"?limit=2", "?limit=2&sync=cards&kind=conflict&field=" + items[0].Field} {
		page := read[list[jsonl.Review]](w, "GET", "/api/v1/review"+q, "")
		rest := read[list[jsonl.Review]](w, "GET", "/api/v1/review"+q+"&cursor="+page.Next, "")
		if len(page.Items) != 2 || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID != items[2].ID {
			t.Errorf("%s: %+v then %+v", q, page, rest)
		}
	}
	if got := read[list[jsonl.Review]](w, "GET", "/api/v1/review?kind=parked", ""); len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
	at := fmt.Sprintf("/api/v1/review/%d", items[0].ID)
	if got := read[reviewBody](w, "GET", at, ""); got.Left.Text() != "left" || got.Right.Text() != "right" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", at+"/decide", `{"choice":"nothing"}`), http.StatusUnprocessableEntity, "one of: ")
	got := read[jsonl.Review](w, "POST", at+"/decide", `{"choice":"left"}`)
	if got.Decision != "left" || got.By != "operator" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", at+"/decide", `{"choice":"right"}`), http.StatusConflict, "error.decided")
	at = fmt.Sprintf("/api/v1/review/%d", items[1].ID)
	seen := read[editedBody](w, "POST", at+"/edit", `{"values":{"notes":"both"},"preview":true}`)
	if len(seen.Items) != 2 || seen.Items[0].Status != "preview" {
		t.Errorf("%+v", seen)
	}
	read[editedBody](w, "POST", at+"/edit", `{"values":{"notes":"both"}}`)
	w.want(w.ask("POST", at+"/edit", `{"values":{"notes":"again"}}`), http.StatusConflict)
	w.want(w.ask("POST", fmt.Sprintf("/api/v1/review/%d/edit", items[2].ID), `{"values":{"no such":"x"}}`), http.StatusUnprocessableEntity)
	w.sync()
	notes := map[string]int{}
	for _, row := range append(w.left.Rows("cards"), w.right.Rows("cards")...) {
		notes[row.Fields["notes"]]++
	}
	if diff := cmp.Diff(map[string]int{"left": 3, "right": 1, "both": 2}, notes); diff != "" {
		t.Error(diff)
	}
}

func TestManyItemsAreDecidedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	items := w.conflict(4)
	const at = "/api/v1/review"
	seen := read[manyBody](w, "POST", at, `{"choice":"left","kind":"conflict","preview":true}`)
	if seen.Decided != 4 || len(seen.Groups) != 1 || seen.Groups[0].Items != 4 || seen.UpTo != items[3].ID {
		t.Errorf("%+v", seen)
	}
	if open := read[list[jsonl.Review]](w, "GET", "/api/v1/review", ""); len(open.Items) != 4 {
		t.Errorf("a look has decided: %+v", open)
	}
	got := read[manyBody](w, "POST", at, fmt.Sprintf(`{"choice":"right","ids":[%d]}`, items[0].ID))
	if got.Decided != 1 {
		t.Errorf("%+v", got)
	}
	got = read[manyBody](w, "POST", at, fmt.Sprintf(`{"choice":"left","sync":"cards","up_to":%d}`, items[2].ID))
	if open := read[list[jsonl.Review]](w, "GET", "/api/v1/review", "").Items; got.Decided != 2 || len(open) != 1 || open[0].ID != items[3].ID {
		t.Errorf("%+v, and open are %+v", got, open)
	}
	for _, body := range []string{`{"choice":"left"}`, `{"choice":"nonsense","kind":"conflict"}`, `{"choice":"left","sync":"x"}`, `{"choice":"left","ids":[1],"kind":"conflict"}`, `{"choice":"left","ids":[999]}`} {
		if got := w.ask("POST", at, body); got.Code/100 != 4 {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "operator|review.decide|2 review items|left|done") || !strings.Contains(lines, "4 review items|left (shown first)|done") {
		t.Error(lines)
	}
}
