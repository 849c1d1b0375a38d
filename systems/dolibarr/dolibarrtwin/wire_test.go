package dolibarrtwin

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// An exchange is one recorded request with its answer.
type exchange struct {
	file    string
	Shows   string `json:"shows"`
	Source  string `json:"source"`
	Version string `json:"version"`
	Trimmed bool   `json:"trimmed"`
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"request"`
	Response struct {
		Status int             `json:"status"`
		Type   string          `json:"type"`
		Date   string          `json:"date"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
}

func exchanges(t *testing.T, pattern string) []exchange {
	t.Helper()
	files, err := filepath.Glob("../testdata/wire/" + pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges for %s: %v", pattern, err)
	}
	slices.Sort(files)
	var all []exchange
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		x := exchange{file: filepath.Base(f)}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, x)
	}
	return all
}

// TestWire replays the recorded exchanges, each group on a server that holds what the
// recorded one held before the group.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"20", "24"} {
		for _, group := range []string{"a", "b", "c", "d", "e", "em", "f", "g"} {
			t.Run(version+" "+group, func(t *testing.T) {
				all := exchanges(t, fmt.Sprintf("%s-%s[0-9]*.json", version, group))
				synctest.Test(t, func(t *testing.T) { replay(t, version, group, all) })
			})
		}
	}
}

func replay(t *testing.T, version, group string, all []exchange) {
	tw := recordedServer(t, version, group)
	for _, x := range all {
		at, err := time.Parse(http.TimeFormat, x.Response.Date)
		if err != nil {
			t.Fatalf("%s: %v", x.file, err)
		}
		tw.Kit().Skew(time.Until(at))
		prepare(t, tw, x)
		compare(t, x, ask(tw, x))
	}
}

// prepare sets what the administrator had set for an exchange.
func prepare(t *testing.T, tw *Twin, x exchange) {
	t.Helper()
	tw.SwitchOff(strings.Contains(x.file, "api-module-off"))
	tw.BlockAddress(strings.Contains(x.file, "ip-restricted"))
	tw.Lock(strings.Contains(x.file, "maintenance-mode"))
	if strings.Contains(x.file, "user-disabled") {
		if _, err := tw.Put(users, "4", map[string]string{"statut": "0"}); err != nil {
			t.Fatal(err)
		}
	}
}

func ask(tw *Twin, x exchange) *http.Response {
	key := strings.NewReplacer("key-of-", "twin-key-of-")
	r := httptest.NewRequest(x.Request.Method, key.Replace(x.Request.Path), strings.NewReader(x.Request.Body))
	for name, value := range x.Request.Headers {
		r.Header.Set(name, key.Replace(value))
	}
	w := httptest.NewRecorder()
	tw.ServeHTTP(w, r)
	return w.Result()
}

// recordedServer is as the recorded ones were: 250 third parties, 600 contacts, six
// extrafields; every second third party was changed after it was made.
func recordedServer(t *testing.T, version, group string) *Twin {
	t.Helper()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	tw := open(twin.Options{Version: version, Zone: athens})
	for _, object := range []string{thirdParties, contacts, products, proposals, orders, invoices, projects, events} {
		for _, f := range []ExtraField{
			{Code: "tdmcode", Label: "Tandem code", Type: "varchar", Size: "64"},
			{Code: "tdmscore", Label: "Tandem score", Type: "int", Size: "10"},
			{Code: "tdmdate", Label: "Tandem date", Type: "date"},
			{Code: "tdmflag", Label: "Tandem flag", Type: "boolean"},
			{Code: "tdmsel", Label: "Tandem select", Type: "select", Options: map[string]string{"a": "Alpha", "b": "Beta"}},
			{Code: "tdmdt", Label: "Tandem datetime", Type: "datetime"},
		} {
			f.Object = object
			tw.AddExtraField(f)
		}
	}
	made, changed := int64(1795277600), int64(1795277689)
	if version == "20" {
		made, changed = 1795277556, 1795277580
	}
	n := 250
	if group == "em" {
		n = 254
	}
	for i := 1; i <= n; i++ {
		seed(t, tw, thirdParties, made+int64(i/8), recordedCompany(i))
	}
	tw.Kit().Skew(time.Until(time.Unix(changed, 0)))
	if _, err := tw.Put(users, "1", map[string]string{"user_mobile": "1"}); err != nil {
		t.Fatal(err)
	}
	for i := 2; i <= n; i += 2 {
		if _, err := tw.Put(thirdParties, fmt.Sprint(i), map[string]string{"fournisseur": "1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Put(thirdParties, fmt.Sprint(i), map[string]string{"fournisseur": "0"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i <= 600; i++ {
		seed(t, tw, contacts, made+16, map[string]string{
			"lastname": fmt.Sprintf("Παπαδόπουλος %03d", i), "firstname": "Μαρία",
			"email": fmt.Sprintf("person%03d@company%03d.example", i, i), "socid": fmt.Sprint((i-1)%250 + 1),
			"phone_pro": "+49 30 " + fmt.Sprint(99999+i), "phone_mobile": "+30 " + fmt.Sprint(6909999999+i),
		})
	}
	tw.AttachDocument("1")
	recordedPapers(t, tw, group, made)
	if group == "em" {
		tw.SetDatabaseZone(time.UTC)
	}
	return tw
}

// recordedPapers adds what the recorded servers held besides, where it is asked for.
func recordedPapers(t *testing.T, tw *Twin, group string, made int64) {
	t.Helper()
	if group != "b" && group != "c" && group != "d" {
		return
	}
	for _, c := range [][2]string{{"Lead", "2"}, {"Lead", "4"}, {"Customer VIP", "2"}, {"Customer VIP", "4"}, {"Ελλάδα", "2"}} {
		seed(t, tw, categories, made, map[string]string{"label": c[0], "type": c[1], "color": "aabbcc"})
	}
	for i := 1; i <= 60; i++ {
		seed(t, tw, products, made+19, map[string]string{"ref": fmt.Sprintf("P%03d", i), "label": fmt.Sprintf("Product %03d", i), "price": "5", "tva_tx": "24"})
	}
	state := map[bool]string{true: "1", false: "0"}
	for i := 1; i <= 40; i++ {
		seed(t, tw, projects, made+21, map[string]string{
			"title": fmt.Sprintf("Opportunity %03d", i), "socid": fmt.Sprint(i), "opp_status": fmt.Sprint((i-1)%7 + 1), "opp_amount": fmt.Sprint(1000 * i),
			"opp_percent": "10", "date_start": "2026-01-01", "status": state[tw.version == 20],
		})
	}
	for _, x := range []struct {
		object string
		n      int
	}{{proposals, 80}, {orders, 80}, {invoices, 120}} {
		for i := 1; i <= x.n; i++ {
			date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i-1)
			fields := map[string]string{
				"socid": fmt.Sprint(i), "date": date.Format(time.DateOnly), "status": state[i%2 == 0],
				"lines": fmt.Sprintf(`[{"desc":"a","qty":3,"subprice":"10","tva_tx":24,"fk_product":%d},{"desc":"b","qty":1,"subprice":5,"tva_tx":24}]`, i%50+2),
			}
			if x.object == proposals {
				fields["fin_validite"] = date.AddDate(0, 0, 30).Format(time.RFC3339)
			}
			seed(t, tw, x.object, made+22, fields)
		}
	}
	recordedAgenda(t, tw, made)
}

// recordedAgenda adds the events that the recorded servers made of all that; the first id
// was spent on nothing.
func recordedAgenda(t *testing.T, tw *Twin, made int64) {
	t.Helper()
	agenda := tw.tables[events]
	agenda.rows, agenda.order, agenda.lastID = map[int64]*row{}, nil, 1
	n, at := 1154, time.Unix(1795277513, 0).Format(time.RFC3339)
	if tw.version == 20 {
		n, at = 1153, time.Unix(1795277512, 0).Format(time.RFC3339)
	}
	for i := range n {
		fields := map[string]string{"label": fmt.Sprint("Event ", i), "type_code": autoType, "code": "AC_CONTACT_CREATE", "userownerid": "4", "datep": at, "datef": at}
		switch i {
		case 0, 1, 2, 3:
			fields["label"], fields["code"], fields["userownerid"] = "CREATEInDolibarr", "AC_USER_CREATE", "1"
		case 4:
			fields["label"], fields["code"] = "Third party Αθήνα Τρόφιμα ΑΕ 001 created", "AC_COMPANY_CREATE"
		}
		seed(t, tw, events, made, fields)
	}
	if code := agenda.order[1].cells[agenda.byKey["code"]]; code != "AC_USER_CREATE" {
		t.Fatalf("the second event is a %s", code)
	}
	agenda.order[1].cells[agenda.byKey["code"]], agenda.order[1].cells[agenda.byKey["label"]] = "AC_USER_NEW_PASSWORD", "PASSWORDInDolibarr"
}

func seed(t *testing.T, tw *Twin, object string, at int64, fields map[string]string) {
	t.Helper()
	if err := tw.Seed(object, 1, time.Unix(at, 0), func(int) map[string]string { return fields }); err != nil {
		t.Fatal(err)
	}
}

func recordedCompany(i int) map[string]string {
	names := []string{
		"Αθήνα Τρόφιμα ΑΕ", "Müller & Söhne GmbH", "Café Zoé SARL", "บริษัท สยาม จำกัด", "O'Brien Ltd", "Κρήτη Έλαια ΕΠΕ",
		"Nordlicht AG", "Пример ООО", "Acme Inc", "Übersee KG", "Società Aperta SpA", "Peña e Hijos SL",
	}
	places := [][2]string{{"Athens", "GR"}, {"Berlin", "DE"}, {"Paris", "FR"}, {"Bangkok", "UA"}}
	f := map[string]string{
		"name":  fmt.Sprintf("%s %03d", names[(i-1)%len(names)], i),
		"email": fmt.Sprintf("info%03d@company%03d.example", i, i), "phone": fmt.Sprint("+", 302101000000+i-1),
		"address": fmt.Sprint("Οδός ", i), "zip": fmt.Sprint(10000 + i - 1),
		"town": places[(i-1)%4][0], "country_code": places[(i-1)%4][1], "note_private": fmt.Sprint("seed note ", i),
		"client": "3", "array_options.options_tdmcode": fmt.Sprintf("S%03d", i), "array_options.options_tdmscore": fmt.Sprint(i - 1),
	}
	switch {
	case i == 1 || i == 4 || i == 40 || i == 249:
		f["client"] = "1"
	case i >= 124:
		f["client"] = "0"
	}
	if f["client"] != "0" && i != 4 {
		f["code_client"] = fmt.Sprintf("CU2611-%05d", i)
	}
	if i == 1 || i == 41 {
		f["ref_ext"] = fmt.Sprintf("seed-%03d", i)
	}
	return f
}

// compare holds an answer against the recorded one: status, type, words of an error, ids
// of a list, the keys of a whole record, and the values of the fields that matter.
func compare(t *testing.T, x exchange, res *http.Response) {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != x.Response.Status || isJSON(res.Header.Get("Content-Type")) != isJSON(x.Response.Type) {
		t.Errorf("%s (%s): %d %s, recorded %d %s: %.300s", x.file, x.Shows, res.StatusCode, res.Header.Get("Content-Type"), x.Response.Status, x.Response.Type, body)
		return
	}
	if !isJSON(x.Response.Type) {
		var want string
		if err := json.Unmarshal(x.Response.Body, &want); err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(want, "\n"); !strings.HasPrefix(string(body), strings.TrimSpace(first)) {
			t.Errorf("%s: the page says %q, recorded %q", x.file, body, want)
		}
		return
	}
	var got, want any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v in %s", x.file, err, body)
	}
	if err := json.Unmarshal(x.Response.Body, &want); err != nil {
		t.Fatal(err)
	}
	if x.Trimmed {
		got = within(want, got)
	}
	if diff := cmp.Diff(relevant(x, want), relevant(x, got)); diff != "" {
		t.Errorf("%s (%s): - recorded, + twin:\n%s", x.file, x.Shows, diff)
	}
	if w, ok := want.(map[string]any); ok && !x.Trimmed && len(w) > 60 {
		g, _ := got.(map[string]any)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g))); diff != "" {
			t.Errorf("%s: keys: - recorded, + twin:\n%s", x.file, diff)
		}
	}
}

// within leaves of an answer what a trimmed exchange still has.
func within(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return got
		}
		out := map[string]any{}
		for key, w := range want {
			if v, ok := g[key]; ok {
				out[key] = within(w, v)
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok {
			return got
		}
		out := slices.Clone(g)
		for i := range min(len(want), len(g)) {
			out[i] = within(want[i], g[i])
		}
		return out
	default:
		return got
	}
}

func isJSON(contentType string) bool { return strings.HasPrefix(contentType, "application/json") }

var customerCode = regexp.MustCompile(`^CU\d{4}-\d{5}$`)

// relevant reduces an answer to what can be compared: no moments, no numbers given out
// by counters, no keys that nobody uses.
func relevant(x exchange, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			if i == 12 {
				break // recorded lists are cut there
			}
			out = append(out, relevant(x, item))
		}
		return out
	case map[string]any:
		if _, ok := v["id"]; ok && strings.HasSuffix(x.Request.Path, "/lines") {
			return relevantLine(v)
		} else if ok || len(v) > 40 {
			return relevantRecord(x, v)
		}
		out := map[string]any{}
		for key, item := range v {
			if key != "debug" {
				out[key] = relevant(x, item)
			}
		}
		return out
	default:
		return v
	}
}

func relevantRecord(x exchange, v map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range []string{
		"id", "name", "lastname", "firstname", "email", "mail", "phone", "phone_pro", "phone_mobile", "phone_perso", "poste",
		"town", "zip", "address", "country_id", "country_code", "url", "tva_intra", "client", "fournisseur", "fk_soc", "socname",
		"birthday", "civility_code", "note_private", "note_public", "array_options", "ref_ext", "login", "admin", "code_iso", "type", "label", "size", "elementtype", "param", "unique", "required",
	} {
		if value, ok := v[key]; ok {
			out[key] = value
		}
	}
	if strings.Contains(x.Request.Path, "/contacts") || strings.Contains(x.Request.Path, "/users") {
		if statut, ok := v["statut"]; ok {
			out["statut"] = statut
		}
	} else {
		if status, ok := v["status"]; ok {
			out["status"] = status
		}
		for _, key := range []string{"lastname", "firstname"} {
			delete(out, key) // echoed if sent
		}
	}
	if others := regexp.MustCompile(`/(products|projects|proposals|orders|invoices|agendaevents|categories)`); others.MatchString(x.Request.Path) {
		relevantPaper(x, v, out)
	}
	if code, ok := v["code_client"].(string); ok {
		out["code_client"] = customerCode.MatchString(code)
	}
	for _, key := range []string{"date_creation", "date_modification", "datec", "datem"} {
		if at, ok := v[key]; ok {
			out[key] = fmt.Sprintf("%T", at) // "" or a number
		}
	}
	for _, key := range []string{"date_c", "date_m", "datev", "date_signature"} {
		if at, ok := v[key]; ok {
			out[key] = fmt.Sprintf("%T", at)
		}
	}
	if strings.HasPrefix(x.file[2:], "-em") && v["date_modification"] != nil && v["date_creation"] != nil {
		out["drift"] = fmt.Sprint(v["date_modification"]) == fmt.Sprint(v["date_creation"])
	}
	if v["id"] == nil || strings.Contains(x.file, "a013") { // a shell and a specimen: the id is all that matters
		return map[string]any{"id": v["id"]}
	}
	return out
}

// relevantPaper adds what matters of products, projects, papers, events and categories.
func relevantPaper(x exchange, v, out map[string]any) {
	for _, key := range []string{
		"ref", "title", "statut", "status", "socid", "opp_status", "opp_amount", "opp_percent", "date_start", "date_end", "usage_opportunity", "public",
		"total_ht", "total_tva", "total_ttc", "multicurrency_total_ttc", "date", "datep", "date_commande", "datef", "fin_validite", "ref_client", "ref_customer",
		"date_lim_reglement", "paye", "remaintopay", "trackid", "user_validation_id", "user_creation_id", "user_modification_id", "user_author_id",
		"price", "price_ttc", "tva_tx", "price_base_type", "status_buy", "barcode", "description", "percentage", "transparency",
		"fulldayevent", "userassigned", "userownerid", "socpeopleassigned", "type_code", "type_id", "code", "authorid", "usermodid", "fk_parent", "color", "visible", "position", "billed",
	} {
		if value, ok := v[key]; ok {
			out[key] = value
		}
	}
	if _, event := v["datep"]; event && v["location"] != nil {
		out["location"] = v["location"]
	}
	if at, ok := v["date_validation"]; ok {
		out["date_validation"] = fmt.Sprintf("%T", at)
	}
	lines, ok := v["lines"].([]any)
	if !ok {
		return
	}
	var shown []any
	for _, l := range lines {
		shown = append(shown, relevantLine(l))
	}
	out["lines"] = shown
}

func relevantLine(v any) any {
	line, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for _, key := range []string{"id", "rowid", "desc", "qty", "subprice", "tva_tx", "remise_percent", "total_ht", "total_tva", "total_ttc", "product_type", "fk_product", "fk_propal", "fk_commande", "fk_facture"} {
		if value, ok := line[key]; ok {
			out[key] = value
		}
	}
	return out
}
