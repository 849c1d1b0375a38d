package dolibarrtwin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// call asks the twin as the synchronising user.
func call(t testing.TB, tw *Twin, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, root+path, strings.NewReader(body))
	r.Header.Set("Dolapikey", tw.Settings()["api_key"])
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	tw.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

func put(t testing.TB, tw *Twin, object, id string, fields map[string]string) string {
	t.Helper()
	id, err := tw.Put(object, id, fields)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestPeopleSeeWhatTheyTyped(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	for _, f := range []ExtraField{{Code: "vip", Type: "boolean"}, {Code: "since", Type: "date"}, {Code: "seen", Type: "datetime"}, {Code: "score", Type: "double"}} {
		f.Object = thirdParties
		tw.AddExtraField(f)
	}
	typed := map[string]string{
		"name": "Acme", "country_code": "GR", "note_private": "<b>n</b>", "client": "1", "phone": "+30210",
		"array_options.options_vip": "true", "array_options.options_since": "2026-11-30",
		"array_options.options_seen": "2026-11-30T08:00:00Z", "array_options.options_score": "7.5",
	}
	id := put(t, tw, thirdParties, "", typed)
	typed["status"], typed["fournisseur"] = "1", "0"
	if diff := cmp.Diff([]twin.Row{{ID: id, Fields: typed}}, tw.Rows(thirdParties)); diff != "" {
		t.Errorf("- typed, + seen\n%s", diff)
	}
	put(t, tw, thirdParties, id, map[string]string{"country_code": "", "array_options.options_vip": ""})
	if row := tw.Rows(thirdParties)[0].Fields; row["country_code"] != "" || row["array_options.options_vip"] != "" || row["name"] != "Acme" {
		t.Errorf("after clearing: %v", row)
	}
	put(t, tw, thirdParties, id, map[string]string{"status": "0"})
	if len(tw.Rows(thirdParties)) != 0 {
		t.Error("a closed third party is shown")
	}
}

func TestPeopleCannotTypeWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	id := put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
	tw.AttachDocument(id)
	for what, err := range map[string]error{
		"object":     second(tw.Put("tickets", "", nil)),
		"record":     second(tw.Put(thirdParties, "77", map[string]string{"name": "x"})),
		"field":      second(tw.Put(thirdParties, id, map[string]string{"nosuch": "x"})),
		"extrafield": second(tw.Put(thirdParties, id, map[string]string{"array_options.options_x": "x"})),
		"country":    second(tw.Put(thirdParties, id, map[string]string{"country_code": "QQ"})),
		"date":       second(tw.Put(contacts, "", map[string]string{"lastname": "x", "birthday": "tomorrow"})),
		"name":       second(tw.Put(contacts, "", map[string]string{"firstname": "x"})),
		"delete":     tw.Remove(thirdParties, id),
		"delete it":  tw.Remove(contacts, "1"),
		"hide":       tw.Hide(contacts, "1"),
		"merge":      tw.Merge("1", "2"),
		"seed":       tw.Seed("tickets", 1, time.Now(), nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func second(_ string, err error) error { return err }

func TestLedgerTellsWhoDidWhat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tw := open(twin.Options{})
		id := put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
		person := put(t, tw, contacts, "", map[string]string{"lastname": "Meyer", "socid": id})
		if code, body := call(t, tw, "PUT", "/thirdparties/"+id, `{"town":"Patras \"x\"","nosuch":1}`); code != 200 {
			t.Fatal(code, body)
		}
		if code, body := call(t, tw, "DELETE", "/thirdparties/"+id, ""); code != 200 {
			t.Fatal(code, body)
		}
		var got []string
		for _, a := range tw.Ledger().Acts() {
			got = append(got, fmt.Sprint(a.By, " ", a.Verb, " ", a.Object, " ", a.ID, " ", a.Fields))
		}
		want := []string{
			"person create thirdparties 1 map[name:Acme]", "person create contacts 1 map[lastname:Meyer socid:1]",
			"api update thirdparties 1 map[town:Patras x]", "api delete contacts " + person + " map[]", "api delete thirdparties 1 map[]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("- want, + got\n%s", diff)
		}
	})
}

// Whatever a connector asks for that the twin does not know is answered as the vendor
// would, and recorded.
func TestUnknownThingsAreRecorded(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
	for _, x := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/contracts", "", 200}, // a web page
		{"GET", "/thirdparties/1/fixedamountdiscounts", "", 404},
		{"GET", "/thirdparties?thirdparty_ids=1", "", 200},
		{"GET", "/thirdparties?properties=id,nosuch", "", 200},
		{"GET", "/thirdparties?sqlfilters=(t.siren:=:'1')", "", 503},
		{"POST", "/thirdparties", `{"name":"x","idprof1":"1"}`, 200},
		{"PUT", "/thirdparties/1", `{"array_options":{"options_x":1}}`, 200},
		{"GET", "/setup/dictionary/towns", "", 404},
	} {
		before := len(tw.Unknowns())
		path, query, ok := strings.Cut(x.path, "?")
		if ok {
			name, value, _ := strings.Cut(query, "=")
			path += "?" + name + "=" + url.QueryEscape(value)
		}
		if code, body := call(t, tw, x.method, path, x.body); code != x.status {
			t.Errorf("%s %s: %d %s", x.method, x.path, code, body)
		}
		if len(tw.Unknowns()) != before+1 {
			t.Errorf("%s %s is not recorded: %v", x.method, x.path, tw.Unknowns())
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/index.php", nil)
	tw.ServeHTTP(httptest.NewRecorder(), r)
	if len(tw.Unknowns()) != 9 {
		t.Errorf("a page outside the API is not recorded: %v", tw.Unknowns())
	}
}

// A PUT of equal values moves no stamp of the row; version 20 moves that of the
// extrafields. Both show the stamp only where an extrafield was saved, version 20 always.
func TestStampsMoveAsRecorded(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"20", "24"} {
		synctest.Test(t, func(t *testing.T) {
			tw := open(twin.Options{Version: version})
			tw.AddExtraField(ExtraField{Object: thirdParties, Code: "code", Type: "varchar"})
			code, id := call(t, tw, "POST", "/thirdparties", `{"name":"Acme","town":"Athens"}`)
			if code != 200 {
				t.Fatal(code, id)
			}
			r := tw.tables[thirdParties].byID(id)
			made := r.tms
			if known := modified(t, tw, id) != ""; known != (version == "20") {
				t.Errorf("%s: a fresh record shows a stamp: %v", version, known)
			}
			time.Sleep(time.Minute)
			call(t, tw, "PUT", "/thirdparties/"+id, `{"town":"Athens"}`)
			if r.tms != made {
				t.Errorf("%s: an equal PUT moved the row's stamp", version)
			}
			if moved := modified(t, tw, id) == fmt.Sprint(made+60); moved != (version == "20") {
				t.Errorf("%s: an equal PUT moved the shown stamp: %v", version, moved)
			}
			call(t, tw, "PUT", "/thirdparties/"+id, `{"array_options":{"options_code":"A"}}`)
			if r.tms != made+60 || modified(t, tw, id) != fmt.Sprint(made+60) {
				t.Errorf("%s: an extrafield moved the row's stamp to %d", version, r.tms-made)
			}
		})
	}
}

// modified returns the stamp that the API shows, "" for none.
func modified(t *testing.T, tw *Twin, id string) string {
	t.Helper()
	_, body := call(t, tw, "GET", "/thirdparties/"+id, "")
	var got struct {
		At any `json:"date_modification"`
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(got.At)
}

func TestCleaningIsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`SPECIAL q" <b>b</b> &amp; &lt;i&gt; \ back é`: `SPECIAL q b & \ back é`,
		"a < b & c > d": "a < b & c > d", "Line1\nLine2": "Line1\nLine2", `C:\xampp`: "C:/xampp", "../../etc": "etc",
		"a<br>b": "a\nb", "<abc": "abc", "  x  ": "x", "O'Brien": "O'Brien", "": "",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"<p>Hi &amp; bye <script>alert(1)</script></p>": "<p>Hi &amp; bye alert(1)</p>", `5 < 6 & "x" <p>para</p><br>`: `5 &lt; 6 &amp; "x" <p>para</p><br>`,
		`plain & simple "q"`: `plain &amp; simple "q"`, "": "",
	} {
		if got := cleanNote(in, 24); got != want {
			t.Errorf("note %q becomes %q, want %q", in, got, want)
		}
	}
	if got := cleanNote(`5 < 6 & "x"`, 20); got != `5 < 6 & "x"` {
		t.Errorf("version 20 makes %q of a note", got)
	}
}

func TestLikeIsTheDatabases(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		text, pattern string
		want          bool
	}{
		{"O'Brien", "O%Brien", true}, {"Nordlicht AG", "nordlicht%", true}, {"Müller", "MULLER", true}, {"abc", "a_c", true},
		{"abc", "a_", false}, {"aab", "%ab", true}, {"", "%", true}, {"abc", "%%c%", true}, {"abc", "b", false},
	} {
		if got := like(fold(x.text), fold(x.pattern)); got != x.want {
			t.Errorf("%q like %q: %v", x.text, x.pattern, got)
		}
	}
}

// FuzzFilter feeds the parser of sqlfilters: it ends, and a filter that it takes can be
// asked of every row.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"(t.rowid:>:3)", "(t.rowid:in:1,2,3)", "((t.tms:>=:'2026-11-21 18:00:00') and (t.rowid:>:4))", "(t.nom:like:'a%') or (t.email:is:null)",
		"((t.rowid:>:245) or (t.rowid:<:2)) and (t.client:=:1)", "t.nom:=:'x'", "(ef.code:!=:'A')", "(t.nom:=:'a'); DROP TABLE x", "((((", "(t.rowid:in:,)", "(t.tms:<:)",
	} {
		f.Add(s)
	}
	tw := open(twin.Options{})
	tw.AddExtraField(ExtraField{Object: thirdParties, Code: "code", Type: "varchar"})
	for i := range 5 {
		put(f, tw, thirdParties, "", map[string]string{"name": fmt.Sprint("Acme ", i), "array_options.options_code": "A"})
	}
	tab := tw.tables[thirdParties]
	f.Fuzz(func(t *testing.T, s string) {
		got, err := tw.parseFilter(tab, s)
		if err != nil {
			return
		}
		rows := 0
		for _, r := range tab.order {
			if got.match(r) {
				rows++
			}
		}
		// The hints must not hide a row that the filter wants.
		if picked := tw.pick(tab, tw.logins[0], got, nil, narrowing(tab, nil), 100, 0, true); len(picked) != rows {
			t.Fatalf("%q wants %d rows and the hints leave %d", s, rows, len(picked))
		}
	})
}

func seeded(b *testing.B, n int) *Twin {
	b.Helper()
	tw := open(twin.Options{})
	err := tw.Seed(thirdParties, n, time.Now().Add(-24*time.Hour), func(i int) map[string]string {
		return map[string]string{
			"name": fmt.Sprint("Acme ", i), "email": fmt.Sprintf("info%d@example.com", i), "phone": "+30210555", "town": "Athens",
			"country_code": "GR", "note_private": "A note of some length.", "client": "1",
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return tw
}

// BenchmarkPage lists pages of 500 whole records; rows/s is what counts.
func BenchmarkPage(b *testing.B) {
	for name, properties := range map[string]string{"whole": "", "properties": "&properties=id,name,email,phone,town,country_code,date_modification,array_options"} {
		b.Run(name, func(b *testing.B) {
			tw := seeded(b, 20_000)
			b.ResetTimer()
			rows := 0
			for b.Loop() {
				after := rows % 20_000
				code, body := call(b, tw, "GET", fmt.Sprintf("/thirdparties?limit=500&sortfield=t.rowid&sqlfilters=%s%s", url.QueryEscape(fmt.Sprintf("(t.rowid:>:%d)", after)), properties), "")
				if code != 200 || len(body) < 1000 {
					b.Fatal(code)
				}
				rows += 500
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkPut lets people make records.
func BenchmarkPut(b *testing.B) {
	tw := open(twin.Options{})
	fields := map[string]string{"name": "Acme", "email": "info@example.com", "phone": "+30210555", "town": "Athens", "country_code": "GR"}
	for b.Loop() {
		if _, err := tw.Put(thirdParties, "", fields); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkSeed fills an account.
func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		seeded(b, 10_000)
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "records/s")
}
