package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

const killYAML = `version: 1
connections:
  erp: { system: dolibarr, url: "%s", api_key: "${ERP_KEY}" }
  crm: { system: hubspot, url: "%s", access_token: "${CRM_TOKEN}" }
syncs:
  contacts: { left: erp.contacts, right: crm.contacts, direction: right-to-left, match: [email] }
`

// Invariant 11: kill -9 in the middle of a push loses nothing and doubles nothing. This is
// the program itself, killed by the system; the crash tests beside it stop it at every
// single call.
func TestInvariant11KillNineInTheMiddleOfAPush(t *testing.T) {
	if testing.Short() {
		t.Skip("waits in real time for Dolibarr to settle")
	}
	t.Parallel()
	const n = 300
	erp := twinOf(t, "dolibarr", twin.Options{NoLimits: true, Latency: 8 * time.Millisecond})
	crm := twinOf(t, "hubspot", twin.Options{NoLimits: true, Prompt: true})
	for i := range n {
		if _, err := crm.Put("contacts", "", map[string]string{"lastname": fmt.Sprintf("Person %d", i), "email": fmt.Sprintf("p%d@x.example", i)}); err != nil {
			t.Fatal(err)
		}
	}
	erpServer, crmServer := httptest.NewServer(erp), httptest.NewServer(crm)
	t.Cleanup(erpServer.Close)
	t.Cleanup(crmServer.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tandem.yaml"), fmt.Appendf(nil, killYAML, erpServer.URL, crmServer.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	program := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), asTandem(t, dir), "sync", "-q")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ERP_KEY="+erp.Settings()["api_key"], "CRM_TOKEN="+crm.Settings()["access_token"])
		return cmd
	}
	for _, written := range []int{20, 90} {
		cmd := program()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(30 * time.Second); writes(erp) < written && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatalf("it had ended before it could be killed: %v", err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it had ended before it could be killed")
		}
	}
	if got := writes(erp); got < 90 || got >= n {
		t.Fatalf("killed after %d of %d writes: that is not the middle", got, n)
	}
	if out, err := program().CombinedOutput(); err != nil {
		t.Fatalf("after two kills: %v\n%s", err, out)
	}
	emails := map[string]int{}
	for _, r := range erp.Rows("contacts") {
		emails[r.Fields["email"]]++
	}
	if len(emails) != n || len(erp.Rows("contacts")) != n {
		t.Errorf("%d contacts with %d addresses arrived, want %d of each", len(erp.Rows("contacts")), len(emails), n)
	}
	before := writes(erp) + writes(crm)
	if out, err := program().CombinedOutput(); err != nil || writes(erp)+writes(crm) != before {
		t.Errorf("a further run wrote %d times: %v\n%s", writes(erp)+writes(crm)-before, err, out)
	}
}

// asTandem returns a path by which the test binary runs as the program (see TestMain).
func asTandem(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tandem")
	if _, err := os.Lstat(path); err == nil {
		return path
	}
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}
