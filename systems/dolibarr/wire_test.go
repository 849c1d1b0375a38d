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

// An exchange is one recorded request with its answer.
type exchange struct {
	file    string
	Source  string `json:"source"`
	Version string `json:"version"`
	Request struct {
		Method string `json:"method"`
		Path   string `json:"path"`
	} `json:"request"`
	Response struct {
		Status int             `json:"status"`
		Type   string          `json:"type"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
}

func exchanges(t testing.TB) []exchange {
	t.Helper()
	files, err := filepath.Glob("testdata/wire/*.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d exchanges, %v", len(files), err)
	}
	slices.Sort(files)
	var all []exchange
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		x := exchange{file: strings.TrimSuffix(filepath.Base(f), ".json")}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, x)
	}
	return all
}

// response makes the answer that rest hands to the classifier.
func (x exchange) response(t testing.TB) *rest.Response {
	t.Helper()
	u, err := url.Parse(x.Request.Path)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(x.Response.Body)
	var page string
	if !strings.HasPrefix(x.Response.Type, "application/json") && json.Unmarshal(body, &page) == nil {
		body = []byte(page)
	}
	return &rest.Response{
		Status: x.Response.Status, Header: http.Header{"Content-Type": {x.Response.Type}}, Body: body,
		Method: x.Request.Method, Path: u.Path,
	}
}

// TestEveryExchangeIsUnderstood decodes every recorded answer: what it means if it is an
// error, and every field of the records if it is none.
func TestEveryExchangeIsUnderstood(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, x := range exchanges(t) {
		if !strings.HasPrefix(x.Source, "recorded from a running Dolibarr "+x.Version) {
			t.Errorf("%s has the source %q", x.file, x.Source)
		}
		fmt.Fprintf(&got, "%s: %s\n", x.file, understood(t, x))
	}
	connectortest.Golden(t, "testdata/understood.golden", got.String())
}

func understood(t *testing.T, x exchange) string {
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
