package dolibarrtwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// A receiver answers webhooks in process.
type receiver struct {
	mu     sync.Mutex
	told   []told
	status int
	answer func(told)
}

// told is one delivery.
type told struct {
	Code   string         `json:"triggercode"`
	Object map[string]any `json:"object"`
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	var x told
	if err := json.Unmarshal(body, &x); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.told = append(r.told, x)
	status, answer := r.status, r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(x)
	}
	if status < 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: max(status, 200), Body: http.NoBody, Request: q}, nil
}

// codes are the triggers that were told, with the object's id.
func (r *receiver) codes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, x := range r.told {
		all = append(all, fmt.Sprint(x.Code, " ", x.Object["id"]))
	}
	r.told = nil
	return all
}

func hooked(version string, r *receiver, blocking bool) *Twin {
	tw := open(twin.Options{Version: version})
	tw.Hook("https://hub.example/door", &http.Client{Transport: r}, blocking)
	return tw
}

// A receiver that reads the object back during the delivery sees the old town, or nothing
// of what is being made; the agenda's own event is told first (recorded).
func TestHooksTellWhatCannotBeReadYet(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"20", "24"} {
		synctest.Test(t, func(t *testing.T) {
			r := &receiver{}
			tw := hooked(version, r, true)
			var seen []string
			r.answer = func(x told) {
				path := "/thirdparties/1?"
				if x.Code == "ACTION_CREATE" {
					path = "/agendaevents/" + fmt.Sprint(x.Object["id"])
				}
				code, body := call(t, tw, "GET", path, "")
				seen = append(seen, fmt.Sprint(x.Code, " ", code, " ", strings.Contains(body, `"town":"Volos"`)))
			}
			if code, body := call(t, tw, "POST", "/thirdparties", `{"name":"Hook Co","town":"Patras"}`); code != 200 {
				t.Fatal(code, body)
			}
			if code, body := call(t, tw, "PUT", "/thirdparties/1", `{"town":"Volos"}`); code != 200 || !strings.Contains(body, `"town":"Volos"`) {
				t.Fatal(code, body)
			}
			want := []string{"ACTION_CREATE 404 false", "COMPANY_CREATE 404 false", "ACTION_CREATE 404 false", "COMPANY_MODIFY 200 false"}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("%s: - want, + seen\n%s", version, diff)
			}
			if diff := cmp.Diff([]string{"ACTION_CREATE 1", "COMPANY_CREATE 1", "ACTION_CREATE 2", "COMPANY_MODIFY 1"}, r.codes()); diff != "" {
				t.Errorf("%s: - want, + told\n%s", version, diff)
			}
			if code, _ := call(t, tw, "GET", "/agendaevents/2", ""); code != 200 {
				t.Errorf("%s: the agenda's event answers %d", version, code)
			}
		})
	}
}

// What a blocking target does not answer with a success is undone, whoever did it, and
// says so with an error 500; in version 20 every target blocks. An id is spent all the
// same, and all targets are told (recorded).
func TestABlockingTargetUndoesTheSave(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		version  string
		status   int
		blocking bool
		undone   bool
	}{
		{"24", 500, true, true}, {"24", -1, true, true}, {"24", 302, true, true}, {"24", 500, false, false}, {"24", -1, false, false},
		{"24", 204, true, false}, {"20", 500, false, true}, {"20", 200, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &receiver{}
			tw := hooked(x.version, r, x.blocking)
			id := put(t, tw, thirdParties, "", map[string]string{"name": "Acme", "town": "Berlin"})
			acts, agenda := len(tw.Ledger().Acts()), len(tw.tables[events].order)
			r.codes()
			r.status = x.status
			refused := map[bool]int{true: 500, false: 200}[x.undone]
			for _, request := range [][3]string{
				{"PUT", "/thirdparties/" + id, `{"town":"Volos"}`}, {"POST", "/thirdparties", `{"name":"WH fail"}`}, {"DELETE", "/thirdparties/" + id, ""},
			} {
				if code, body := call(t, tw, request[0], request[1], request[2]); code != refused {
					t.Errorf("%+v: %s answers %d %s", x, request[0], code, body)
				}
			}
			if n := len(r.codes()); n != 6 {
				t.Errorf("%+v: %d deliveries", x, n)
			}
			if _, err := tw.Put(thirdParties, "", map[string]string{"name": "Typed"}); (err != nil) != x.undone {
				t.Errorf("%+v: a person's save: %v", x, err)
			}
			changed := len(tw.Ledger().Acts()) != acts || len(tw.tables[events].order) != agenda || tw.tables[thirdParties].byID(id) == nil
			if changed == x.undone {
				t.Errorf("%+v: changed: %v", x, changed)
			}
			r.status = 0
			if code, body := call(t, tw, "POST", "/thirdparties", `{"name":"Next"}`); code != 200 || body != "4" {
				t.Errorf("%+v: the next id is %s (%d)", x, body, code)
			}
		})
	}
}

// A receiver that takes 8 seconds makes a save take 16, one that never answers 60, after
// which the save is undone; no call outlives its save.
func TestASlowTargetHoldsTheSaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(told) { time.Sleep(8 * time.Second) }}
		tw := hooked("24", r, true)
		began := time.Now()
		if code, body := call(t, tw, "POST", "/thirdparties", `{"name":"WH slow"}`); code != 200 || time.Since(began) != 16*time.Second {
			t.Errorf("%d after %s: %s", code, time.Since(began), body)
		}
		tw.Unhook()
		tw.Hook("https://hub.example/door", &http.Client{Transport: dead{}}, true)
		began = time.Now()
		if code, body := call(t, tw, "PUT", "/thirdparties/1", `{"town":"x"}`); code != 500 || time.Since(began) != 60*time.Second {
			t.Errorf("%d after %s: %s", code, time.Since(began), body)
		}
	})
}

// dead never answers.
type dead struct{}

func (dead) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A target may write itself while it is told: the vendor's other rows are not locked.
func TestATargetMayWriteWhileItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		tw := hooked("24", r, true)
		id := put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
		r.answer = func(x told) {
			if x.Code == "CONTACT_CREATE" {
				r.answer = nil
				if code, body := call(t, tw, "POST", "/contacts", `{"lastname":"Second","socid":`+id+`}`); code != 200 {
					t.Error(code, body)
				}
			}
		}
		call(t, tw, "POST", "/contacts", `{"lastname":"First","socid":`+id+`}`)
		var names []string
		for _, row := range tw.Rows(contacts) {
			names = append(names, row.ID+" "+row.Fields["lastname"])
		}
		if diff := cmp.Diff([]string{"1 First", "2 Second"}, names); diff != "" {
			t.Errorf("- want, + got\n%s", diff)
		}
	})
}

// What sets off no trigger: tags, lines, what is done with notrigger, changes of events,
// and what version 24 does not log: changes of drafts.
func TestWhatHooksAreNotToldOf(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	tw := hooked("24", r, true)
	id := put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
	tag := put(t, tw, categories, "", map[string]string{"label": "VIP"})
	paper := put(t, tw, proposals, "", map[string]string{"socid": id})
	event := put(t, tw, events, "", map[string]string{"label": "Visit", "type_code": "AC_RDV"})
	r.codes()
	for _, x := range []struct {
		method, path, body string
		want               []string
	}{
		{"PUT", "/thirdparties/1/categories/" + tag, "", nil},
		{"POST", "/proposals/" + paper + "/line", `{"desc":"L","qty":1,"subprice":5,"tva_tx":24,"product_type":0}`, nil},
		{"PUT", "/proposals/" + paper, `{"ref_client":"X"}`, []string{"PROPAL_MODIFY 1"}},
		{"POST", "/proposals/" + paper + "/validate", `{"notrigger":1}`, nil},
		{"PUT", "/agendaevents/" + event, `{"label":"moved"}`, nil},
		{"PUT", "/proposals/" + paper, `{"ref_client":"Y"}`, []string{"ACTION_CREATE 5", "PROPAL_MODIFY 1"}},
		{"DELETE", "/agendaevents/" + event, "", []string{"ACTION_DELETE " + event}},
	} {
		if code, body := call(t, tw, x.method, x.path, x.body); code != 200 {
			t.Errorf("%s %s: %d %s", x.method, x.path, code, body)
		}
		got := r.codes()
		if len(got) == 2 {
			got[0], x.want[0] = "ACTION_CREATE", "ACTION_CREATE"
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s %s tells %v, want %v", x.method, x.path, got, x.want)
		}
	}
}

// TestDeliveriesHaveTheRecordedForm holds what is told against recorded deliveries: the
// types of the ids, what the object is called, which number a validated paper shows.
func TestDeliveriesHaveTheRecordedForm(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/wire/hooks/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no deliveries recorded", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var x struct {
			Version string
			Request struct{ Body told }
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		r := &receiver{}
		tw := hooked(x.Version, r, true)
		everything(t, tw)
		want := x.Request.Body
		i := slices.IndexFunc(r.told, func(y told) bool {
			return y.Code == want.Code && (want.Code != "ACTION_CREATE" || y.Object["code"] == want.Object["code"])
		})
		if i < 0 {
			t.Errorf("%s: %s is not told", filepath.Base(f), want.Code)
			continue
		}
		form := func(o map[string]any) map[string]any {
			out := map[string]any{"element": o["element"], "table_element": o["table_element"], "type_code": o["type_code"]}
			for _, key := range []string{"id", "ref", "socid"} {
				out[key] = fmt.Sprintf("%T", o[key])
			}
			if ref, _ := o["ref"].(string); strings.HasPrefix(ref, "(PROV") {
				out["ref"] = "draft"
			}
			return out
		}
		if diff := cmp.Diff(form(want.Object), form(r.told[i].Object)); diff != "" {
			t.Errorf("%s: - recorded, + twin\n%s", filepath.Base(f), diff)
		}
	}
}

// everything lets a program and people do what sets triggers off.
func everything(t *testing.T, tw *Twin) {
	t.Helper()
	do := func(method, path, body string) {
		t.Helper()
		if code, answer := call(t, tw, method, path, body); code != 200 {
			t.Fatalf("%s %s: %d %s", method, path, code, answer)
		}
	}
	do("POST", "/thirdparties", `{"name":"Hook Co","client":1}`)
	do("PUT", "/thirdparties/1", `{"town":"Volos"}`)
	do("POST", "/contacts", `{"lastname":"Hook","socid":1}`)
	do("DELETE", "/contacts/1", "")
	do("POST", "/invoices", `{"socid":1,"lines":[{"desc":"L","qty":1,"subprice":35,"tva_tx":24,"product_type":0}]}`)
	do("POST", "/invoices/1/validate", `{"notrigger":0}`)
	do("POST", "/proposals", `{"socid":1,"date":1796040000}`)
	do("POST", "/proposals/1/validate", `{"notrigger":0}`)
	do("POST", "/proposals/1/close", `{"status":2}`)
	do("POST", "/projects", `{"ref":"PJ2611-0001","title":"Deal","usage_opportunity":1,"socid":1}`)
	do("PUT", "/projects/1", `{"opp_percent":55}`)
}
