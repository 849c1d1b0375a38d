package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/twin"
)

// A program is another product that uses a hub that serves, over HTTP.
type program struct {
	*station

	token string
}

// program gives the station's hub an API, and a token for it.
func (s *station) program() *program {
	s.t.Helper()
	s.close()
	s.console = true
	s.start()
	accounts := account.New(account.Options{Store: s.session.store, Cost: account.Cost{Time: 1, Memory: 8, Threads: 1}})
	ann, err := accounts.Add(s.t.Context(), account.NewUser{Name: "ann", Role: account.Admin, Password: "correct horse battery"})
	if err != nil {
		s.t.Fatal(err)
	}
	token, _, err := accounts.Grant(s.t.Context(), account.Principal{Person: ann, Rights: account.Rights()}, "helpdesk", []account.Right{account.See, account.Run}, time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	return &program{station: s, token: token}
}

// RoundTrip passes on to the API what a vendor sends to a door of somebody else.
func (p *program) RoundTrip(r *http.Request) (*http.Response, error) {
	name := strings.Split(strings.TrimPrefix(r.URL.Path, "/tandem"), "/")[2]
	to := r.Clone(r.Context())
	to.URL.Scheme, to.URL.Host, to.URL.Path, to.Host = "http", "localhost:8420", "/api/v1/connections/"+name+"/events", ""
	to.Header.Set("Authorization", "Bearer "+p.token)
	return twin.Transport(p.server.routes()).RoundTrip(to)
}

// ask asks the API, wants a status, and decodes the answer.
func (p *program) ask(method, path, body string, want int, into any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://localhost:8420"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", "application/json")
	got, err := twin.Transport(p.server.routes()).RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	b, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != want {
		p.t.Fatalf("%s %s: %d, want %d: %s %v", method, path, got.StatusCode, want, b, err)
	}
	if into == nil {
		return
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(into); err != nil {
		p.t.Fatalf("%s %s: %v: %s", method, path, err, b)
	}
}

type ranBody struct {
	Items []struct {
		Run, Status string
		Reconciled  bool
		Right       struct{ Created, Updated int }
	}
}

// What docs/guide/api.md tells another product to do: try a connection, pass on what its vendor
// sends, start a sync, read how it ended, and look for a record.
func TestAnotherProductDrivesTheHubByItsAPI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		p := s.program()

		var checked struct{ OK bool }
		p.ask("POST", "/api/v1/connections/a/test", "", http.StatusOK, &checked)
		if !checked.OK {
			t.Error("the connection does not work")
		}

		// The vendor's payload, with the vendor's signature.
		s.put(s.a, id, map[string]string{"notes": "passed on"})
		statuses, err := s.a.Deliver(t.Context(), p, twin.HookFaults{})
		if err != nil || len(statuses) != 1 || statuses[0] != http.StatusAccepted {
			t.Fatalf("answered %v: %v", statuses, err)
		}
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "passed on" {
			t.Errorf("notes are %q on the other side", got)
		}
		p.ask("POST", "/api/v1/connections/a/events", `{"forged":true}`, http.StatusUnprocessableEntity, nil)

		// Without one the token vouches, and only for which record is to be read.
		s.put(s.a, id, map[string]string{"notes": "told of"})
		p.ask("POST", "/api/v1/connections/a/changes", `{"records":[{"object":"cards","id":"`+id+`"}]}`, http.StatusAccepted, nil)
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "told of" {
			t.Errorf("notes are %q on the other side", got)
		}

		s.put(s.a, "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		var asked struct{ After string }
		p.ask("POST", "/api/v1/syncs/cards/run", "", http.StatusAccepted, &asked)
		var ran ranBody
		p.ask("GET", "/api/v1/runs?sync=cards&wait=25&after="+asked.After, "", http.StatusOK, &ran)
		if len(ran.Items) != 1 || ran.Items[0].Status != "ok" || !ran.Items[0].Reconciled || ran.Items[0].Right.Created != 1 {
			t.Errorf("it ended as %+v", ran)
		}

		var found struct {
			Items []struct {
				Record string
				Links  []struct{ Record string }
			}
		}
		p.ask("GET", "/api/v1/records?email=BOB@x.gr&connection=a", "", http.StatusOK, &found)
		if len(found.Items) != 1 || len(found.Items[0].Links) != 1 || !strings.HasPrefix(found.Items[0].Links[0].Record, "b.cards/") {
			t.Errorf("found %+v", found)
		}
	})
}

// Nobody takes notice of what is reported of a connection that no sync of the schedule has.
func TestTheAPITellsThatNothingIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, strings.Replace(stationYAML, "    schedule: 6h\n", "", 1))
		s.start()
		p := s.program()
		p.ask("POST", "/api/v1/connections/a/changes", `{"records":[{"object":"cards","id":"1"}]}`, http.StatusConflict, nil)
	})
}
