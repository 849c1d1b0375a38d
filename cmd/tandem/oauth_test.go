package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/cli"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

// grantedYAML is a pair of which a person grants one side.
const grantedYAML = `version: 1
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: hubspot
    client_id: ${CRM_APP_ID}
    client_secret: ${CRM_APP_SECRET}
syncs:
  contacts: { left: erp.contacts, right: crm.contacts, match: [email], schedule: 1h }
`

var shown = regexp.MustCompile(`(?m)^  (https?://\S+)$`)

// authorize has a person agree: she opens the address that the command shows, and pastes
// the one that the browser ends at.
func (s *site) authorize() (int, string) {
	s.t.Helper()
	in, keyboard := io.Pipe()
	out, code := &buffer{}, make(chan int)
	go func() {
		code <- cli.Run(s.t.Context(), s.args([]string{"connections", "authorize", "crm", "--no-browser"}), s.streams(out, in), systems.All())
	}()
	synctest.Wait()
	address := shown.FindStringSubmatch(out.String())
	if address == nil {
		s.t.Fatalf("no address is shown\n%s", out)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address[1], nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := twin.Transport(s.crm).RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusFound {
		s.t.Fatalf("the consent page at %s answers %v: %v", address[1], res, err)
	}
	if q := r.URL.Query(); q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" {
		s.t.Errorf("no PKCE in %s", address[1])
	}
	fmt.Fprintln(keyboard, res.Header.Get("Location"))
	defer func() { _ = keyboard.Close() }()
	return <-code, out.String()
}

// granted is a site whose CRM a person has granted a while ago.
func granted(t *testing.T, o twin.Options) *site {
	t.Helper()
	s := newSiteOf(t, grantedYAML, o)
	if code, out := s.run("check", "crm"); code != 1 || !strings.Contains(out, "nobody has authorized it yet; run tandem connections authorize crm") {
		t.Fatalf("before: exit %d\n%s", code, out)
	}
	if code, out := s.authorize(); code != 0 || !strings.Contains(out, "✓ crm: HubSpot") {
		t.Fatalf("authorize: exit %d\n%s", code, out)
	}
	time.Sleep(10 * time.Minute)
	return s
}

func (s *site) renewals() int { return s.crm.Kit().Count("POST", "/oauth/2026-09/token") }

func TestTokensEndAndAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := granted(t, twin.Options{})
		s.put(s.erp, "contacts", "", map[string]string{"lastname": "Berg", "email": "ann@x.example"})
		s.serve()
		for i := range 5 { // tokens live for half an hour
			s.put(s.erp, "contacts", "1", map[string]string{"poste": fmt.Sprint("Director ", i)})
			s.within(2*time.Hour, s.crm, "contacts", "email", "ann@x.example", "jobtitle", fmt.Sprint("Director ", i))
		}
		if n := s.renewals(); n < 4 {
			t.Errorf("tokens were asked for %d times in hours", n)
		}
		if strings.Contains(s.log.String(), "level=WARN") {
			t.Errorf("somebody was bothered:\n%s", s.log)
		}
		_, secret := s.crm.App()
		for _, hidden := range []string{secret, "CNyKtwin-", "eu1-refresh-", "eu1-code-"} {
			if strings.Contains(s.log.String(), hidden) {
				t.Errorf("the log shows %s (invariant 9)", hidden)
			}
		}
	})
}

// A token that ends between two pages costs one more request, and no record.
func TestATokenThatEndsWithinAListing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := granted(t, twin.Options{PageSize: 5})
		for i := range 23 {
			s.put(s.crm, "contacts", "", map[string]string{"lastname": fmt.Sprint("Berg ", i), "email": fmt.Sprintf("ann%d@x.example", i)})
		}
		time.Sleep(10 * time.Second)
		pages, before := 0, s.renewals()
		s.crm.Kit().After(func(r *http.Request) {
			if strings.Contains(r.URL.Path, "/objects/2026-09/contacts") {
				if pages++; pages == 2 {
					s.crm.ExpireTokens()
				}
			}
		})
		if code, out := s.run("sync", "-o", "json"); code != 0 {
			t.Errorf("exit %d\n%s", code, out)
		}
		if n := len(s.erp.Rows("contacts")); n != 23 || pages < 5 {
			t.Errorf("%d contacts have arrived, of 23 on %d pages", n, pages)
		}
		if n := s.renewals() - before; n != 1 {
			t.Errorf("%d renewals, want 1", n)
		}
	})
}

// Vendors that give a new refresh token each time take the use of an old one for theft.
// Processes that share a grant never do that.
func TestProcessesShareAGrantThatRotates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := granted(t, twin.Options{})
		s.crm.RotateRefreshTokens(true)
		s.put(s.erp, "contacts", "", map[string]string{"lastname": "Berg", "email": "ann@x.example"})
		s.serve()
		for i := range 8 {
			time.Sleep(26 * time.Minute) // another process is first to renew
			if code, out := s.run("check", "crm"); code != 0 {
				t.Fatalf("check: exit %d\n%s", code, out)
			}
			s.put(s.erp, "contacts", "1", map[string]string{"poste": fmt.Sprint("Director ", i)})
			s.within(2*time.Hour, s.crm, "contacts", "email", "ann@x.example", "jobtitle", fmt.Sprint("Director ", i))
		}
		if strings.Contains(s.log.String(), "level=WARN") {
			t.Errorf("somebody was bothered:\n%s", s.log)
		}
	})
}

func TestAnAppThatWasRemovedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := granted(t, twin.Options{})
		s.put(s.erp, "contacts", "", map[string]string{"lastname": "Berg", "email": "ann@x.example"})
		s.crm.Uninstall()
		for _, command := range []string{"check", "sync"} {
			if code, out := s.run(command); code != 1 || !strings.Contains(out, "tandem connections authorize crm") {
				t.Errorf("%s: exit %d\n%s", command, code, out)
			}
		}
		code, out := s.run("status")
		if code != 0 || !strings.Contains(out, "asks a person to agree") || !strings.Contains(out, "tandem connections authorize crm") {
			t.Errorf("status: exit %d\n%s", code, out)
		}
		s.crm.DeclineConsent(true)
		if code, out := s.authorize(); code != 1 || !strings.Contains(out, "access_denied") {
			t.Errorf("a person who says no: exit %d\n%s", code, out)
		}
		s.crm.DeclineConsent(false)
		if code, out := s.authorize(); code != 0 {
			t.Errorf("authorize: exit %d\n%s", code, out)
		}
		if code, out := s.run("sync"); code != 0 || len(s.crm.Rows("contacts")) != 1 {
			t.Errorf("sync: exit %d, %d contacts\n%s", code, len(s.crm.Rows("contacts")), out)
		}
	})
}

// The whole way as somebody who tries it out goes it: over loopback, with a browser that
// comes back to the command.
func TestTwinsCanBeAuthorized(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	line, told := io.Pipe()
	ended := make(chan int, 1)
	var refused bytes.Buffer
	streams := cli.Streams{In: strings.NewReader(""), Out: told, Err: io.Discard, Env: os.LookupEnv}
	go func() {
		ended <- cli.Run(ctx, []string{"twin", "hubspot", "--oauth", "-o", "json"}, streams, systems.All())
	}()
	defer func() { cancel(); <-ended }()
	var account struct {
		URL      string
		Settings map[string]string
	}
	if err := json.NewDecoder(line).Decode(&account); err != nil || account.Settings["client_id"] == "" || account.Settings["access_token"] != "" {
		t.Fatalf("the twin tells %+v: %v", account, err)
	}
	config := filepath.Join(t.TempDir(), "tandem.yaml")
	yaml := fmt.Sprintf("version: 1\nconnections:\n  crm:\n    system: hubspot\n    url: %s\n    client_id: %s\n    client_secret: ${S}\n", account.URL, account.Settings["client_id"])
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := &buffer{}, make(chan int, 1)
	streams = cli.Streams{In: strings.NewReader(""), Out: out, Err: out, Env: func(name string) (string, bool) { return account.Settings["client_secret"], name == "S" }}
	go func() {
		code <- cli.Run(ctx, []string{"-c", config, "connections", "authorize", "crm"}, streams, systems.All())
	}()
	for shown.FindStringSubmatch(out.String()) == nil {
		time.Sleep(10 * time.Millisecond)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, shown.FindStringSubmatch(out.String())[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(r) // which follows the way back
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !strings.Contains(string(page), "You can close this page") {
		t.Errorf("the browser ends at %s: %v", page, err)
	}
	if got := <-code; got != 0 || !strings.Contains(out.String(), "✓ crm: HubSpot") {
		t.Errorf("exit %d\n%s", got, out)
	}
	streams.Err = &refused
	if got := cli.Run(ctx, []string{"twin", "dolibarr", "--oauth"}, streams, systems.All()); got != 2 || !strings.Contains(refused.String(), "leave out --oauth") {
		t.Errorf("exit %d: %s", got, &refused)
	}
}
