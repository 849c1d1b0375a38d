package dolibarr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// A recording is one recorded exchange: a request to Dolibarr with its answer, or a hook
// that Dolibarr sent.
type recording struct {
	file    string
	Source  string `json:"source"`
	Version string `json:"version"`
	Request struct {
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Body   json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status int             `json:"status"`
		Type   string          `json:"type"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
}

// recordings reads those of a folder, at least so many, in the order of their names.
func recordings(t testing.TB, folder string, least int) []recording {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < least {
		t.Fatalf("%d recordings in %s, %v", len(files), folder, err)
	}
	slices.Sort(files)
	var all []recording
	for _, f := range files {
		all = append(all, recorded(t, f))
	}
	return all
}

// recorded reads one recording.
func recorded(t testing.TB, file string) recording {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x := recording{file: strings.TrimSuffix(filepath.Base(file), ".json")}
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if !strings.HasPrefix(x.Source, "recorded from a running Dolibarr "+x.Version) {
		t.Errorf("%s has the source %q", file, x.Source)
	}
	return x
}

func exchanges(t testing.TB) []recording { return recordings(t, "testdata/wire", 100) }

func hooks(t testing.TB) []recording { return recordings(t, "testdata/wire/hooks", 6) }

// body is the answer as it came; what was no JSON is recorded as a text.
func (x recording) body() []byte {
	var page string
	if !strings.HasPrefix(x.Response.Type, "application/json") && json.Unmarshal(x.Response.Body, &page) == nil {
		return []byte(page)
	}
	return x.Response.Body
}

// response makes the answer that rest hands to the classifier.
func (x recording) response(t testing.TB) *rest.Response {
	t.Helper()
	u, err := url.Parse(x.Request.Path)
	if err != nil {
		t.Fatal(err)
	}
	return &rest.Response{
		Status: x.Response.Status, Header: http.Header{"Content-Type": {x.Response.Type}}, Body: x.body(),
		Method: x.Request.Method, Path: u.Path,
	}
}

// TestEveryExchangeIsUnderstood decodes every recorded answer: what it means if it is an
// error, and every field of the records if it is none.
func TestEveryExchangeIsUnderstood(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, x := range exchanges(t) {
		fmt.Fprintf(&got, "%s: %s\n", x.file, understood(t, x))
	}
	connectortest.Golden(t, "testdata/understood.golden", got.String())
}

func understood(t *testing.T, x recording) string {
	t.Helper()
	r := x.response(t)
	if err := classify(r); err != nil {
		e := connector.ErrorOf(err)
		if errors.Is(err, errNothing) {
			return "an empty list"
		}
		text := fmt.Sprintf("%s of %s", e.Kind, e.Scope)
		if e.Field != "" {
			text += ", field " + e.Field
		}
		return text + ": " + e.Err.Error()
	}
	object := objectIn(r.Path)
	o, err := objectOf(object)
	var compact bytes.Buffer
	body := bytes.TrimSpace(r.Body)
	if json.Compact(&compact, body) == nil {
		body = compact.Bytes()
	}
	switch {
	case err != nil || len(body) == 0 || bytes.HasPrefix(body, []byte(`{"success"`)):
		return fmt.Sprintf("%d %s", x.Response.Status, x.Request.Method)
	case body[0] != '[' && body[0] != '{':
		return "the id " + scalar(body)
	}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 && scalar(list[0]) != "" {
		return fmt.Sprintf("%d × the id %s", len(list), scalar(list[0]))
	}
	rows := []wireRow{{}}
	if body[0] == '{' {
		err = json.Unmarshal(body, &rows[0])
	} else {
		err = json.Unmarshal(body, &rows)
	}
	if err != nil {
		t.Fatalf("%s: %v", x.file, err)
	}
	return fmt.Sprintf("%d × %s", len(rows), decoded(t, o, rows))
}

// decoded writes the first record of an answer.
func decoded(t *testing.T, o object, rows []wireRow) string {
	t.Helper()
	if len(rows) == 0 {
		return "nothing"
	}
	extras := []field{}
	for code, kind := range map[string]record.Kind{
		"tdmscore": record.KindNumber, "tdmdate": record.KindDate, "tdmflag": record.KindBool, "tdmsel": record.KindChoice, "tdmdt": record.KindDateTime,
	} {
		extras = append(extras, field{Field: record.Field{Name: "array_options.options_" + code, Kind: kind}})
	}
	var d drift
	for _, row := range rows {
		d = d.with(row.number(o.created), row.number(o.modified))
	}
	ch := change(o, rows[0], extras, athens(t), d, false)
	text := ch.ID
	if ch.Fate != "" {
		text += " (" + string(ch.Fate) + ")"
	}
	for _, at := range []time.Time{ch.Created, ch.Modified} {
		if !at.IsZero() {
			text += " " + at.Format(time.RFC3339)
		}
	}
	return text + " " + string(ch.Fields.Append(nil))
}

// FuzzRow feeds the decoder what no server would send; whatever comes out has the
// canonical form of its kind.
func FuzzRow(f *testing.F) {
	for _, x := range exchanges(f) {
		if body := bytes.TrimSpace(x.Response.Body); len(body) > 0 && body[0] == '{' {
			f.Add(body)
		}
	}
	f.Add([]byte(`{"id":1,"array_options":{"options_a":1e400,"options_b":[],"options_c":{"x":1}},"birthday":"-99999999999999","date_creation":"9223372036854775807"}`))
	zone := athens(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var row wireRow
		if json.Unmarshal(body, &row) != nil {
			return
		}
		extras := []field{
			{Field: record.Field{Name: "array_options.options_a", Kind: record.KindNumber}},
			{Field: record.Field{Name: "array_options.options_b", Kind: record.KindDate}},
			{Field: record.Field{Name: "array_options.options_c", Kind: record.KindBool}},
		}
		for _, o := range objects() {
			d := drift{}.with(row.number(o.created), row.number(o.modified))
			ch := change(o, row, extras, zone, d, false)
			back, err := record.DecodeFields(ch.Fields.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if len(back) != len(ch.Fields) {
				t.Fatalf("%d fields become %d", len(ch.Fields), len(back))
			}
		}
	})
}

// FuzzClassify lets a server say anything: it never panics, and never takes an error for
// a success.
func FuzzClassify(f *testing.F) {
	for _, x := range exchanges(f) {
		r := x.response(f)
		f.Add(r.Status, r.Header.Get("Content-Type"), r.Path, r.Body)
	}
	f.Fuzz(func(t *testing.T, status int, kind, path string, body []byte) {
		r := &rest.Response{Status: status, Header: http.Header{"Content-Type": {kind}}, Body: body, Method: http.MethodGet, Path: path}
		err := classify(r)
		if err == nil {
			return
		}
		if e := connector.ErrorOf(err); e.Kind == "" || e.Err == nil {
			t.Fatalf("an error without a kind or a cause: %#v", e)
		}
	})
}
