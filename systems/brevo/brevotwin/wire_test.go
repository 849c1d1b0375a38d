package brevotwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// An exchange is one documented call, with what has to be there before.
type exchange struct {
	Setup   []step
	Hook    json.RawMessage
	Request struct {
		Method, Path string
		Key          *string
		Body         json.RawMessage
		Form         map[string]string
		Parts        map[string]string // of a multipart form; the one called file is a file
	}
	Response struct {
		Status int
		Body   json.RawMessage
	}
}

// A step is one thing that happened before the call.
type step struct {
	Put, Attribute, Kind, Allow, Call, Wait string
	Fields                                  map[string]string
	Options                                 []string
	Body                                    json.RawMessage
	Parts                                   map[string]string
	Foreign                                 bool
	Calls                                   int
}

func TestTwinAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/wire/*.json")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d exchanges: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x exchange
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if x.Hook != nil {
			continue // what the vendor sends; the connector's test reads it
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

func replay(t *testing.T, x exchange) {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
	a := New(twin.Options{}).(*Account)
	for _, s := range x.Setup {
		prepare(t, a, s)
	}
	key := apiKey
	if x.Request.Key != nil {
		key = *x.Request.Key
	}
	sent, kind := []byte(x.Request.Body), "application/json"
	if x.Request.Form != nil {
		values := url.Values{}
		for name, v := range x.Request.Form {
			values.Set(name, v)
		}
		sent, kind = []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	if x.Request.Parts != nil {
		sent, kind = form(t, x.Request.Parts)
	}
	status, body := send(t, a, key, x.Request.Method, x.Request.Path, kind, sent)
	if status != x.Response.Status {
		t.Fatalf("status %d, want %d: %s", status, x.Response.Status, body)
	}
	if u := a.Unknowns(); len(u) > 0 {
		t.Errorf("unknown to the twin: %v", u)
	}
	if len(x.Response.Body) == 0 {
		if len(body) > 0 {
			t.Errorf("a body where none is expected: %s", body)
		}
		return
	}
	var want, got any
	if err := json.Unmarshal(x.Response.Body, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("no JSON: %v: %s", err, body)
	}
	for _, d := range differences("", want, got) {
		t.Error(d)
	}
}

func prepare(t *testing.T, a *Account, s step) {
	t.Helper()
	var err error
	switch {
	case s.Put != "":
		_, err = a.Put(s.Put, "", s.Fields)
	case s.Attribute != "":
		err = a.AddAttribute(s.Attribute, s.Kind, s.Options...)
	case s.Foreign:
		a.Foreign(true)
	case s.Allow != "":
		a.Allow(s.Allow, s.Calls, time.Hour)
	case s.Call != "":
		sent, kind := []byte(s.Body), "application/json"
		if s.Parts != nil {
			sent, kind = form(t, s.Parts)
		}
		if status, body := send(t, a, apiKey, http.MethodPost, s.Call, kind, sent); status/100 != 2 {
			t.Fatalf("%s: %d %s", s.Call, status, body)
		}
	case s.Wait != "":
		var d time.Duration
		d, err = time.ParseDuration(s.Wait)
		time.Sleep(d)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// form writes a multipart form.
func form(t *testing.T, parts map[string]string) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		add := w.CreateFormField
		if name == "file" {
			add = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "companies.csv") }
		}
		part, err := add(name)
		if err == nil {
			_, err = io.WriteString(part, parts[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func send(t *testing.T, h http.Handler, key, method, path, kind string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, "https://api.brevo.com"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("api-key", key)
	}
	req.Header.Set("Content-Type", kind)
	res, err := twin.Transport(h).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text
}

// differences compares an answer with the documented one: everything documented has to be
// there; times are compared by their form.
func differences(at string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, want an object", at, got)}
		}
		var out []string
		for key, v := range w {
			have, there := g[key]
			if !there {
				out = append(out, at+"."+key+": not there")
				continue
			}
			out = append(out, differences(at+"."+key, v, have)...)
		}
		for key := range g {
			if _, ok := w[key]; !ok {
				out = append(out, at+"."+key+": not documented")
			}
		}
		if strings.HasSuffix(at, ".authorId") {
			return nil // its names are not documented
		}
		slices.Sort(out)
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		var out []string
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s.%d", at, i), w[i], g[i])...)
		}
		return out
	}
	if want != got {
		return []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
	}
	return nil
}
