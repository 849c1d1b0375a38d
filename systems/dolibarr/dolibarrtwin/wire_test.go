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
