package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/store"
)

// A database that cannot be looked at is no new one: nothing is said of syncs that may have run for long.
func TestADatabaseThatCannotBeLookedAtIsNotTakenForANewOne(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": "database: sqlite:file/tandem.db\n" + acmePlan, ".env": "ACME_KEY=k", "file": "no folder"})
	for _, line := range []string{"status", "history", "review", "backup " + filepath.Join(dir, "b"), "compact"} {
		if code, out, stderr := command(t, dir, nil, strings.Fields(line)...); code == exitOK || out != "" || !strings.Contains(stderr, "not a directory") {
			t.Errorf("tandem %s: exit %d, out %q, err %q", line, code, out, stderr)
		}
	}
	dir = folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	runs(t, dir, "status", exitOK, "never")
	runs(t, dir, "backup "+filepath.Join(dir, "b"), exitUsage, "nothing to back up")
}

func TestAConfigurationWithNothingInItIsNoSilence(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": "version: 1\nconnections: {}\n"})
	for line, says := range map[string]string{
		"check": "there are no connections", "plan": "there are no syncs", "sync": "there are no syncs", "verify": "there are no syncs", "sync -o json": "there are no syncs",
	} {
		if code, out, stderr := command(t, dir, nil, strings.Fields(line)...); code != exitOK || out != "" || !strings.Contains(stderr, says) {
			t.Errorf("tandem %s: exit %d, out %q, err %q", line, code, out, stderr)
		}
	}
}

// "One at a time" in the guide to installing says which commands want the database for themselves.
func TestOneProcessAtATimeOwnsTheDatabase(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	backup := filepath.Join(dir, "backup")
	runs(t, dir, "config adopt", exitOK)
	runs(t, dir, "backup "+backup, exitOK)
	owner, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(dir, "tandem.db"), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := owner.Close(); err != nil {
			t.Error(err)
		}
	})
	const refused = "the database is in use"
	for _, line := range []string{
		"serve --listen 127.0.0.1:0", "sync", "plan", "revert --yes 1", "restore --offline " + backup, "compact", "person erase --yes ann@example.com", "connections disconnect one",
	} {
		if code, _, errs := command(t, dir, nil, strings.Fields(line)...); code == exitOK || !strings.Contains(errs, refused) {
			t.Errorf("tandem %s: exit %d: %s", line, code, errs)
		}
	}
	for _, line := range []string{
		"status", "history", "why one.things/1", "review", "verify", "check", "fields one", "backup " + backup + "2", "report pipeline", "person export ann@example.com",
		"secret list", "user list", "config history", "connections", "connections authorize one", "connections revoke one",
	} {
		if _, _, errs := command(t, dir, nil, strings.Fields(line)...); strings.Contains(errs, refused) || strings.Contains(errs, "--help tells") {
			t.Errorf("tandem %s: %s", line, errs)
		}
	}
}
