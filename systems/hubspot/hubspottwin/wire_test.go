package hubspottwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
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
	Setup   []act
	Twin    *bool
	Request struct {
		Method, Path string
		Token        *string
		Body         json.RawMessage
		Form         map[string]string
		Multipart    map[string]string // "file" is the content of the file
	}
	Response struct {
		Status int
		Body   json.RawMessage
	}
	Unknowns int // how much of the call the twin does not know, on purpose
}

// An act is one thing that happened before the call.
type act struct {
	Put, Remove, Merge, Property, Revoke string
	List, Of, Grant                      string
	ID, Keep, Lose, Name, Kind, Wait     string
	Fields                               map[string]string
	Unique                               bool
	Calls, Searches                      int
	Attach, Content, Convert, Unlabel    string
	With                                 string
	MaxFile                              int
}

func TestTwinAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/wire/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges: %v", err)
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
		if x.Twin != nil && !*x.Twin {
			continue // the twin does not play this
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

func replay(t *testing.T, x exchange) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	a := New(twin.Options{Zone: zone}).(*Account)
	for _, s := range x.Setup {
		if err := a.prepare(t, s); err != nil {
			t.Fatal(err)
		}
	}
	auth := token
	if x.Request.Token != nil {
		auth = *x.Request.Token
	}
	sent := []byte(x.Request.Body)
	if x.Request.Form != nil {
		values := url.Values{}
		for name, v := range x.Request.Form {
			values.Set(name, v)
		}
		sent = []byte(values.Encode())
	}
	if x.Request.Multipart != nil {
		sent = formData(t, x.Request.Multipart)
	}
	status, body := call(t, a, auth, x.Request.Method, x.Request.Path, sent)
	if status != x.Response.Status {
		t.Fatalf("status %d, want %d: %s", status, x.Response.Status, body)
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
	if u := a.Unknowns(); len(u) != x.Unknowns {
		t.Errorf("unknown to the twin: %v", u)
	}
}

const boundary = "example"

func formData(t *testing.T, fields map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for name, v := range fields {
		head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"`}}
		if name == "file" {
			head.Set("Content-Disposition", multipart.FileContentDisposition(name, fields["fileName"]))
		}
		part, err := w.CreatePart(head)
		if err == nil {
			_, err = io.WriteString(part, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (a *Account) prepare(t *testing.T, s act) error {
	t.Helper()
	switch {
	case s.Put != "":
		_, err := a.Put(s.Put, s.ID, s.Fields)
		return err
	case s.Remove != "":
		return a.Remove(s.Remove, s.ID)
	case s.Merge != "":
		_, err := a.Merge(s.Merge, s.Keep, s.Lose)
		return err
	case s.Property != "":
		return a.AddProperty(s.Property, s.Name, s.Kind, s.Unique)
	case s.Revoke != "":
		a.Revoke(s.Revoke)
	case s.Grant != "":
		a.Install(s.Grant)
	case s.List != "":
		_, err := a.PutList(s.List, s.Of, s.ID)
		return err
	case s.Attach != "":
		_, err := a.Attach(s.Attach, s.ID, s.Name, []byte(s.Content))
		return err
	case s.Convert != "":
		return a.ConvertList(s.Convert, s.Kind)
	case s.Unlabel != "":
		return a.RemoveLabel(s.Of, s.With, s.Unlabel)
	case s.MaxFile > 0:
		a.SetMaxFile(s.MaxFile)
	case s.Wait != "":
		d, err := time.ParseDuration(s.Wait)
		time.Sleep(d)
		return err
	}
	for range s.Calls {
		call(t, a, token, "GET", "/account-info/2026-09/details", nil)
	}
	for range s.Searches {
		call(t, a, token, "POST", "/crm/objects/2026-09/contacts/search", []byte(`{}`))
	}
	return nil
}

func call(t *testing.T, h http.Handler, auth, method, path string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, "https://api.hubapi.com"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if auth != "" {
		req.Header.Set("Authorization", "Bearer "+auth)
	}
	switch {
	case len(body) > 0 && body[0] != '{' && body[0] != '[' && strings.HasPrefix(path, "/oauth/"):
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case bytes.HasPrefix(body, []byte("--"+boundary)):
		req.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
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
// there, times and marks by which support finds a call apart.
func differences(at string, want, got any) []string {
	name := at[strings.LastIndexByte(at, '.')+1:]
	if slices.Contains([]string{
		"createdAt", "updatedAt", "archivedAt", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate", "membershipTimestamp",
		"startedAt", "completedAt", "expiresAt", "correlationId", "requestId", "link", "utcOffset", "utcOffsetMilliseconds",
	}, name) {
		if want != nil && got == nil {
			return []string{at + ": not there"}
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, want an object", at, got)}
		}
		var out []string
		for key, v := range w {
			if have, ok := g[key]; ok || v == nil && name == "properties" {
				out = append(out, differences(at+"."+key, v, have)...)
			} else {
				out = append(out, at+"."+key+": not there")
			}
		}
		for key := range g {
			if _, ok := w[key]; !ok && name == "properties" {
				out = append(out, at+"."+key+": not documented")
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, want a list", at, got)}
		}
		if name == "results" && len(g) > len(w) && len(w) > 1 {
			g = sameNames(w, g)
		}
		if len(g) != len(w) {
			return []string{fmt.Sprintf("%s: %d elements, want %d", at, len(g), len(w))}
		}
		var out []string
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s.%d", at, i), w[i], g[i])...)
		}
		return out
	default:
		if want != got {
			return []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		return nil
	}
}

// sameNames keeps of a long list of properties those that the example shows.
func sameNames(want, got []any) []any {
	names := map[any]bool{}
	for _, w := range want {
		names[w.(map[string]any)["name"]] = true
	}
	return slices.DeleteFunc(slices.Clone(got), func(g any) bool { return !names[g.(map[string]any)["name"]] })
}
