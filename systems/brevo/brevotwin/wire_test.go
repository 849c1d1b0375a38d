package brevotwin

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
	"github.com/tandemhub/tandem/twin/wiretest"
)

// A step is one thing that happened before the call.
type step struct {
	Put, Attribute, Kind, Allow, Call, Wait string
	Fields                                  map[string]string
	Options                                 []string
	Body                                    json.RawMessage
	Parts                                   map[string]string
	File                                    *wiretest.File
	Foreign                                 bool
	Calls                                   int
}

func TestTwinAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	for _, x := range wiretest.Read(t, "../testdata/wire", 50) {
		if x.Hook != nil {
			continue // what the vendor sends; the connector's test reads it
		}
		t.Run(x.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

func replay(t *testing.T, x wiretest.Exchange) {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
	a := New(twin.Options{}).(*Account)
	for _, s := range wiretest.Extra[struct{ Setup []step }](t, x).Setup {
		prepare(t, a, s)
	}
	open := func(name string) bool { return name == "authorId" } // its names are not documented
	wiretest.Rules{Open: open}.Answered(t, x, ask(t, a, x.Request))
	if u := a.Unknowns(); len(u) > 0 {
		t.Errorf("unknown to the twin: %v", u)
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
		res := ask(t, a, wiretest.Request{Method: http.MethodPost, Path: s.Call, Body: s.Body, Parts: s.Parts, File: s.File})
		defer res.Body.Close()
		if res.StatusCode/100 != 2 {
			t.Fatalf("%s: %s", s.Call, res.Status)
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

// ask asks with the key of the account, unless the request names another one.
func ask(t *testing.T, h http.Handler, r wiretest.Request) *http.Response {
	t.Helper()
	req := r.HTTP(t, "api.brevo.com")
	key := apiKey
	if r.Token != nil {
		key = *r.Token
	}
	if key != "" {
		req.Header.Set("api-key", key)
	}
	res, err := twin.Transport(h).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
