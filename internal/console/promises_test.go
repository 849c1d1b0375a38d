package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// These hold what docs/guide/console.md promises in numbers, and have them as it says them.

func TestAtMostTenThousandAreDecidedInOneGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	items := b.fill(10_003, parkedItem)
	w := b.signed(account.User)
	upto := fmt.Sprint(items[9_999].ID)
	b.want(w.get("/review/many?kind=parked&all=1&choice=dismiss"), http.StatusOK, "10,000 questions are answered at once.", `<span class="count">10,003</span>`, `<span class="badge badge-ask">10,003</span>`, `name="upto" value="`+upto+`"`, "3 more are left for another time.")
	_, chosen, err := b.c.chosenMany(postRequest("/review/many", url.Values{"kind": {"parked"}, "all": {"1"}, "upto": {upto}, "choice": {"dismiss"}}))
	b.ok(err)
	if len(chosen) != 10_000 || chosen[9_999].ID != items[9_999].ID {
		t.Errorf("%d are decided", len(chosen))
	}
}

func TestKeysAreTriedOutOnAtMostTwoThousandRecords(t *testing.T) {
	t.Parallel()
	for records, tried := range map[int]bool{2000: true, 2001: false} {
		b, _ := newSyncBench(t)
		mails := make([]string, records)
		for i := range mails {
			mails[i] = fmt.Sprintf("p%d@x.gr", i)
		}
		mirror(t, b.hub.store, "crm", "mail1", mails...)
		mirror(t, b.hub.store, "erp", "mail2", "p1@x.gr")
		got := b.signed(account.Admin).get("/syncs/new?left=crm.people&right=erp.people")
		b.want(got, http.StatusOK, "<code>mail1</code>")
		if is := strings.Contains(got.Body.String(), "1 pair by it."); is != tried {
			t.Errorf("with %d records the key is tried out: %t", records, is)
		}
	}
}

// A session ends after 12 hours without use, though a page is open that stays true by itself.
func TestAnOpenPageKeepsNobodySignedIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.populate()
		left, used := b.signed(account.Viewer), b.signed(account.Operator)
		header := regexp.MustCompile(`headers: \{ "([^"]+)": "1" \}`).FindSubmatch(b.c.files.bytes["console.js"])
		if header == nil {
			t.Fatal("the script sends no header by which it is known")
		}
		refresh := func() int {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.Header.Set(string(header[1]), "1")
			listens, gone := context.WithTimeout(t.Context(), time.Second)
			defer gone()
			left.do(httptest.NewRequestWithContext(listens, http.MethodGet, "/live", http.NoBody))
			return left.do(r).Code
		}
		for range 23 {
			time.Sleep(30*time.Minute - time.Second) // and it listens for a second
			if got := refresh(); got != http.StatusOK {
				t.Fatalf("within 12 hours: %d", got)
			}
			b.want(used.get("/"), http.StatusOK)
		}
		time.Sleep(31 * time.Minute)
		if got := refresh(); got != http.StatusSeeOther {
			t.Errorf("after 12 hours: %d", got)
		}
		b.want(used.get("/"), http.StatusOK)
	})
}

func TestAgreeingAtAVendorTakesAtMostTenMinutes(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.granted()
	w, began := b.signed(account.Admin), time.Now()
	b.c.now = func() time.Time { return began }
	begin := func() string {
		got := w.post("/connections/crm/authorize")
		b.want(got, http.StatusOK, "https://crm.example/agree?")
		return "/oauth/crm?code=c0de&state=" + regexp.MustCompile(`state=([A-Z0-9]+)`).FindStringSubmatch(got.Body.String())[1]
	}
	late, right := begin(), began.Add(10*time.Minute)
	b.c.now = func() time.Time { return right.Add(time.Second) }
	b.want(w.get(late), http.StatusBadRequest, "That sign-in was begun elsewhere")
	b.c.now = func() time.Time { return right }
	b.to(w.get(late), "/connections/crm?done=authorized")
}
