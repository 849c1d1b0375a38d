// Package wiretest reads the exchanges of testdata/wire, what a vendor is asked and answers,
// and holds a connector and its twin to them: the connector has to understand the answer,
// the twin has to give it. It is all that their tests share.
package wiretest

import (
	"bytes"
	"encoding/json"
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

	"github.com/google/go-cmp/cmp"
)

// An Exchange is one documented call with its answer, or what the vendor sends by itself.
type Exchange struct {
	Name     string // of its file, without ".json"
	Source   string // the page that shows it
	Verified bool   // whether the page, or a running system, shows just this
	Request  Request
	Response Response
	Hook     json.RawMessage // what the vendor sends by itself
	Decodes  string          // what the connector reads the answer as; "none" if it reads nothing
	Want     map[string]any  // what the connector understands
	Twin     *bool           // false if the twin does not play it
	Unknowns int             // how much of the call the twin does not know, on purpose

	text []byte
}

// A Request is what is asked. At most one of Body, Form and Parts is set.
type Request struct {
	Method, Path string
	Body         json.RawMessage
	Form         map[string]string // of a form with encoded values
	Parts        map[string]string // of a multipart form
	File         *File             // goes with Parts
	Token        *string           // instead of the one that is good; "" sends none
}

// A File is the part of a multipart form that is a file.
type File struct{ Field, Name, Content string }

// A Response is what the vendor answers.
type Response struct {
	Status  int
	Headers map[string]string
	HTML    string // the title of a web page that comes instead of an answer
	Body    json.RawMessage
}

// Read returns the exchanges of a folder by the names of their files, and fails if there are
// fewer than that: a test that finds none would prove nothing.
func Read(t testing.TB, folder string, least int) []Exchange {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < max(1, least) {
		t.Fatalf("%d exchanges in %s: %v", len(files), folder, err)
	}
	slices.Sort(files)
	all := make([]Exchange, 0, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x := Exchange{Name: strings.TrimSuffix(filepath.Base(file), ".json"), text: text}
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !strings.HasPrefix(x.Source, "https://") {
			t.Errorf("%s names no page as its source", file)
		}
		all = append(all, x)
	}
	return all
}

// Extra decodes what only the files of one vendor have beside an exchange: what was there
// before, say.
func Extra[T any](t testing.TB, x Exchange) T { t.Helper(); return into[T](t, x.text) }

// Answer decodes the documented answer as a connector does, with numbers as they are written.
func Answer[T any](t testing.TB, x Exchange) T { t.Helper(); return into[T](t, x.Response.Body) }

func into[T any](t testing.TB, text []byte) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %.100s: %v", text, err)
	}
	return v
}

// Understood runs a test for each exchange: what decode makes of it, as JSON has it, is all
// that the exchange wants.
func Understood(t *testing.T, all []Exchange, decode func(*testing.T, Exchange) map[string]any) {
	t.Helper()
	for _, x := range all {
		t.Run(x.Name, func(t *testing.T) {
			t.Parallel()
			if (x.Decodes == "none") != (len(x.Want) == 0) {
				t.Errorf("decodes %q, but wants %v", x.Decodes, x.Want)
			}
			text, err := json.Marshal(decode(t, x))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			for key, want := range x.Want {
				if d := cmp.Diff(want, got[key]); d != "" {
					t.Errorf("%s (-want +got):\n%s", key, d)
				}
			}
		})
	}
}

// HTTP makes the request of it, to a host.
func (r Request) HTTP(t testing.TB, host string) *http.Request {
	t.Helper()
	body, kind := r.content(t)
	req, err := http.NewRequestWithContext(t.Context(), r.Method, "https://"+host+r.Path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

func (r Request) content(t testing.TB) (body []byte, kind string) {
	t.Helper()
	switch {
	case r.Parts != nil:
		return r.parts(t)
	case r.Form != nil:
		values := url.Values{}
		for name, v := range r.Form {
			values.Set(name, v)
		}
		return []byte(values.Encode()), "application/x-www-form-urlencoded"
	default:
		return r.Body, "application/json"
	}
}

func (r Request) parts(t testing.TB) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(r.Parts)) {
		if err := w.WriteField(name, r.Parts[name]); err != nil {
			t.Fatal(err)
		}
	}
	if r.File != nil {
		part, err := w.CreateFormFile(r.File.Field, r.File.Name)
		if err == nil {
			_, err = io.WriteString(part, r.File.Content)
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
