package hubspottwin

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
	"github.com/tandemhub/tandem/twin/wiretest"
)

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
	for _, x := range wiretest.Read(t, "../testdata/wire", 60) {
		if x.Twin != nil && !*x.Twin {
			continue // the twin does not play this
		}
		t.Run(x.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

func replay(t *testing.T, x wiretest.Exchange) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	a := New(twin.Options{Zone: zone}).(*Account)
	for _, s := range wiretest.Extra[struct{ Setup []act }](t, x).Setup {
		if err := a.prepare(t, s); err != nil {
			t.Fatal(err)
		}
	}
	allowed().Answered(t, x, ask(t, a, x.Request))
	if u := a.Unknowns(); len(u) != x.Unknowns {
		t.Errorf("unknown to the twin: %v", u)
	}
}

// allowed are the times, the marks by which support finds a call, and that of an object only
// the properties are all shown.
func allowed() wiretest.Rules {
	return wiretest.Rules{
		Free: []string{
			"createdAt", "updatedAt", "archivedAt", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate", "membershipTimestamp",
			"startedAt", "completedAt", "expiresAt", "correlationId", "requestId", "link", "utcOffset", "utcOffsetMilliseconds",
		},
		Open:   func(name string) bool { return name != "properties" },
		Absent: func(object, _ string) bool { return object == "properties" },
		Sample: sameNames,
	}
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

// call asks with a token and returns the status and the body.
func call(t *testing.T, h http.Handler, auth, method, path string, body []byte) (int, []byte) {
	t.Helper()
	res := ask(t, h, wiretest.Request{Method: method, Path: path, Body: body, Token: &auth})
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text
}

// ask asks with the token of the account, unless the request names another one.
func ask(t *testing.T, h http.Handler, r wiretest.Request) *http.Response {
	t.Helper()
	req := r.HTTP(t, "api.hubapi.com")
	auth := token
	if r.Token != nil {
		auth = *r.Token
	}
	if auth != "" {
		req.Header.Set("Authorization", "Bearer "+auth)
	}
	res, err := twin.Transport(h).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// sameNames keeps of a long list of properties those that the example shows.
func sameNames(name string, want, got []any) []any {
	if name != "results" || len(want) < 2 {
		return got
	}
	names := map[any]bool{}
	for _, w := range want {
		names[w.(map[string]any)["name"]] = true
	}
	return slices.DeleteFunc(slices.Clone(got), func(g any) bool { return !names[g.(map[string]any)["name"]] })
}
