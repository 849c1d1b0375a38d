package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

// rewrite answers a request in the vendor's stead; nil lets it pass.
type rewrite func(*http.Request) *http.Response

type rewriting struct {
	next http.RoundTripper
	f    rewrite
}

func (r rewriting) RoundTrip(req *http.Request) (*http.Response, error) {
	if resp := r.f(req); resp != nil {
		if req.Body != nil {
			if err := req.Body.Close(); err != nil {
				return nil, err
			}
		}
		resp.Request = req
		return resp, nil
	}
	return r.next.RoundTrip(req)
}

func jsonAnswer(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body))}
}

// crowd fills the erp with so many contacts, without companies.
func (w *world) crowd(n int) {
	w.t.Helper()
	err := must[dolibarr](w.t, w.erp).Seed("contacts", n, time.Now().Add(-time.Hour), func(i int) map[string]string {
		return map[string]string{"firstname": fmt.Sprintf("First %d", i), "lastname": fmt.Sprintf("Last %d", i), "email": fmt.Sprintf("c%d@crowd.example", i)}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestR21AnEmptyPageInTheMiddleDeletesNothingAndLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deletingYAML())
		empty := false
		w.around = func(next http.RoundTripper) http.RoundTripper {
			return rewriting{next, func(r *http.Request) *http.Response {
				second := strings.Contains(r.URL.RawQuery, "rowid%3A%3E%3A5") // the page after id 500
				if empty && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/contacts") && second {
					return jsonAnswer("[]")
				}
				return nil
			}}
		}
		w.restart()
		const n = 700
		w.crowd(n)
		w.settled()
		time.Sleep(2 * time.Hour)
		empty = true
		w.trySync(engine.SyncOptions{Sweep: true})
		for tw, name := range map[twin.Twin]string{w.erp: "erp", w.crm: "crm"} {
			if got := len(tw.Rows("contacts")); got != n {
				t.Errorf("%s has %d contacts, want %d", name, got, n)
			}
		}
		w.crm.Kit().Ledger().Forget()
		empty = false
		w.trySync(engine.SyncOptions{Sweep: true})
		w.quiet()
	})
}

func TestAnEmptyPageOfAFirstListingIsHealedByTheNextSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		times := 0
		w.around = func(next http.RoundTripper) http.RoundTripper {
			return rewriting{next, func(r *http.Request) *http.Response {
				if times == 0 && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/contacts") && strings.Contains(r.URL.RawQuery, "rowid%3A%3E%3A5") {
					times++
					return jsonAnswer("[]")
				}
				return nil
			}}
		}
		w.restart()
		const n = 700
		w.crowd(n)
		w.settled()
		if times != 1 {
			t.Fatal("there was no empty page")
		}
		time.Sleep(25 * time.Hour)
		w.settled()
		if got := len(w.crm.Rows("contacts")); got != n {
			t.Errorf("crm has %d contacts, want %d", got, n)
		}
		w.quiet()
	})
}

func TestARecordThatChangesWhileItIsPagedArrives(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, pairYAML)
				w.worker = workers
				w.restart()
				const n = 1200
				w.crowd(n)
				w.erp.Kit().Ledger().Forget()
				pages, edits := 0, 0
				edit := func(id string) {
					edits++
					if _, err := w.erp.Put("contacts", id, map[string]string{"poste": "Chief " + id}); err != nil {
						t.Error(err)
					}
				}
				hook := func(r *http.Request) {
					if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/contacts") && strings.Contains(r.URL.RawQuery, "limit=500") {
						if pages++; pages == 2 {
							edit("3")    // on a page that was read
							edit("700")  // on the one being read
							edit("1100") // on one that is to come
						}
					}
				}
				w.erp.Kit().Before(hook)
				w.trySync(engine.SyncOptions{})
				time.Sleep(10 * time.Minute)
				w.recovered()
				if edits != 3 {
					t.Fatalf("%d edits were made, want 3", edits)
				}
				if got := len(w.crm.Rows("contacts")); got != n {
					t.Errorf("crm has %d contacts, want %d", got, n)
				}
				for _, id := range []string{"3", "700", "1100"} {
					mail := w.row(w.erp, "contacts", id)["email"]
					if got := w.by(w.crm, "contacts", "email", mail).Fields["jobtitle"]; got != "Chief "+id {
						t.Errorf("the edit of %s arrived as %q", id, got)
					}
				}
				w.quiet()
			})
		})
	}
}
