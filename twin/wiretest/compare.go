package wiretest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Rules say in what a twin's answer may differ from the documented one. Without any it has to
// be the same.
type Rules struct {
	// Free are names whose values only have to be there: times, and marks by which support
	// finds a call. A documented "*" means the same anywhere.
	Free []string
	// Open reports whether an object, by its name in the one around it ("" at the top), may
	// have more than is documented. nil: none may.
	Open func(name string) bool
	// Absent reports whether what is documented as null may be missing from the object of that
	// name. nil: nothing may.
	Absent func(object, key string) bool
	// Sample picks, from a list that is longer than its example, what the example shows.
	// nil: none may be longer.
	Sample func(name string, example, got []any) []any
}

// Answered holds what a twin answered against an exchange: the status, the headers, and the
// body by the rules.
func (r Rules) Answered(t testing.TB, x Exchange, res *http.Response) {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != x.Response.Status {
		t.Fatalf("status %d, want %d: %s", res.StatusCode, x.Response.Status, body)
	}
	for name, want := range x.Response.Headers {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	switch {
	case x.Response.HTML != "":
		if !strings.Contains(string(body), x.Response.HTML) || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("no web page of %s: %s", x.Response.HTML, body)
		}
	case len(x.Response.Body) == 0:
		if len(body) > 0 {
			t.Errorf("a body where none is expected: %s", body)
		}
	default:
		r.Same(t, x.Response.Body, body)
	}
}

// Same holds one JSON text against the documented one.
func (r Rules) Same(t testing.TB, documented, got []byte) {
	t.Helper()
	var want, have any
	if err := json.Unmarshal(documented, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &have); err != nil {
		t.Fatalf("no JSON: %v: %s", err, got)
	}
	for _, d := range r.differences("", want, have) {
		t.Error(d)
	}
}

func (r Rules) differences(at string, want, got any) []string {
	name := at[strings.LastIndexByte(at, '.')+1:]
	if want == "*" || slices.Contains(r.Free, name) {
		if want != nil && got == nil {
			return []string{at + ": not there"}
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		return r.objects(at, name, w, got)
	case []any:
		return r.lists(at, name, w, got)
	}
	if want != got {
		return []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
	}
	return nil
}

func (r Rules) objects(at, name string, want map[string]any, got any) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %v, want an object", at, got)}
	}
	var out []string
	for key, v := range want {
		have, there := g[key]
		switch {
		case there:
			out = append(out, r.differences(at+"."+key, v, have)...)
		case v != nil || r.Absent == nil || !r.Absent(name, key):
			out = append(out, at+"."+key+": not there")
		}
	}
	if r.Open == nil || !r.Open(name) {
		for key := range g {
			if _, ok := want[key]; !ok {
				out = append(out, at+"."+key+": not documented")
			}
		}
	}
	slices.Sort(out)
	return out
}

func (r Rules) lists(at, name string, want []any, got any) []string {
	g, ok := got.([]any)
	if ok && len(g) > len(want) && r.Sample != nil {
		g = r.Sample(name, want, g)
	}
	if !ok || len(g) != len(want) {
		return []string{fmt.Sprintf("%s: %v, want %d elements", at, got, len(want))}
	}
	var out []string
	for i := range want {
		out = append(out, r.differences(fmt.Sprintf("%s.%d", at, i), want[i], g[i])...)
	}
	return out
}
