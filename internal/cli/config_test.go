package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
)

// runs carries out a command line and wants its code and parts of what it says.
func runs(t *testing.T, dir, line string, code int, says ...string) string {
	t.Helper()
	got, out, errs := command(t, dir, map[string]string{"ACME_KEY": "k", "USER": "ann"}, strings.Fields(line)...)
	for _, s := range says {
		if !strings.Contains(out+errs, s) {
			t.Errorf("tandem %s: %q is not in %q %q", line, s, out, errs)
		}
	}
	if got != code {
		t.Fatalf("tandem %s: exit %d, want %d: %q %q", line, got, code, out, errs)
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAConfigurationIsAdoptedAndReleased(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan})
	file := filepath.Join(dir, "tandem.yaml")
	runs(t, dir, "config show", exitOK, "tandem.yaml counts")
	runs(t, dir, "config history", exitOK, "never adopted")
	runs(t, dir, "config release", exitOK, "counts already")
	runs(t, dir, "config adopt --note because", exitOK, "version 1")
	runs(t, dir, "config show", exitOK, "version 1 in the database counts, saved by ann")
	runs(t, dir, "status", exitOK, "things")

	write(t, file, strings.Replace(acmePlan, "things:", "others:", 1))
	for _, line := range []string{"status", "plan", "sync", "check", "serve --listen 127.0.0.1:0"} {
		runs(t, dir, line, exitUsage, "was edited", "tandem config adopt", "tandem config export --replace", "tandem config release")
	}
	runs(t, dir, "config show", exitReview, "has been edited since")
	runs(t, dir, "-o json config show", exitReview, `"counts":"database","version":1,"by":"ann"`, `"edited":true`)

	if got := runs(t, dir, "config export", exitOK); got != acmePlan {
		t.Errorf("exported %q", got)
	}
	runs(t, dir, "config export "+file, exitUsage, "--replace")
	runs(t, dir, "config export --replace "+file, exitOK, "wrote")
	runs(t, dir, "status", exitOK, "things")

	write(t, file, strings.Replace(acmePlan, "15m", "1h", 1))
	runs(t, dir, "config adopt", exitOK, "version 2")
	runs(t, dir, "status", exitOK, "things")
	if got := runs(t, dir, "config export --version 1", exitOK); got != acmePlan {
		t.Errorf("exported %q as version 1", got)
	}
	runs(t, dir, "config export --version 9", exitUsage, "no version 9")
	runs(t, dir, "config history", exitOK, "because", "2")
	runs(t, dir, "-o json config history --most 1", exitOK, `{"version":2,"by":"ann"`)

	write(t, file, "version: 1\nconnections: {\n")
	runs(t, dir, "config adopt", exitUsage)
	write(t, file, strings.Replace(acmePlan, "things:", "others:", 1))
	runs(t, dir, "config release", exitOK, "counts again", "config export --version 2")
	runs(t, dir, "status", exitOK, "others")
}

// What is wrong with an adopted document is told with its version: the file has other lines.
func TestProblemsOfAnAdoptedConfigurationNameItsVersion(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan})
	runs(t, dir, "config adopt", exitOK)
	code, _, errs := command(t, dir, nil, "status")
	if code != exitUsage || !strings.Contains(errs, "tandem.yaml (version 1):5") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestAServerServesWhatIsSavedInTheConsole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		s.close()
		s.console = true
		s.start()
		ctx := t.Context()
		h := &hub{app: s.app, server: s.server, store: s.session.store, ctx: ctx}
		file, err := s.app.source()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := h.AdoptFile(ctx, "ann", ""); err != nil || n != 1 {
			t.Fatalf("adopted as %d: %v", n, err)
		}
		text := string(file) + "verify: 3d\n"
		if _, problems, err := h.CheckConfiguration(ctx, text); err != nil || problems.HasErrors() {
			t.Fatalf("%v %v", problems, err)
		}
		if _, problems, _ := h.CheckConfiguration(ctx, text+"database: sqlite:other.db\n"); !problems.HasErrors() {
			t.Error("another database is taken")
		}
		if n, err := h.SaveConfiguration(ctx, 1, store.Configuration{Text: text, By: "ann", At: time.Now()}); err != nil || n != 2 {
			t.Fatalf("saved as %d: %v", n, err)
		}
		synctest.Wait()
		if got := h.Plan().Verify; got != 72*time.Hour {
			t.Errorf("after saving it verifies every %s", got)
		}
		// A configuration that is not taken over is told, and the one before stays.
		if _, err := h.SaveConfiguration(ctx, 2, store.Configuration{Text: "version: 2\n", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c, err := h.Configuration(ctx)
		if err != nil || !strings.Contains(c.Refused, "version 1 of the file") || h.Plan().Verify != 72*time.Hour {
			t.Errorf("refused %q, verifies every %s: %v", c.Refused, h.Plan().Verify, err)
		}
		write(t, s.app.config, string(file)+"verify: 5d\n")
		if c, _ = h.Configuration(ctx); !c.Edited {
			t.Error("nobody sees that the file was edited")
		}
		if err := h.KeepConfiguration(ctx); err != nil {
			t.Fatal(err)
		}
		if c, _ = h.Configuration(ctx); c.Edited {
			t.Error("it is still to be decided")
		}
		if err := h.ReleaseConfiguration(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c, _ = h.Configuration(ctx); c.Adopted || c.Refused != "" || h.Plan().Verify != 120*time.Hour {
			t.Errorf("after release: %+v, verifies every %s", c, h.Plan().Verify)
		}
	})
}

// A secret that is sealed from outside is one of the safe's, and nothing tells its value.
func TestSecretsAreSealedFromOutside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		s.close()
		s.console = true
		env := s.app.Env
		s.app.Env = func(name string) (string, bool) {
			value, set := env(name)
			return value, set && name != safe.Variable // the key is in its file
		}
		s.start()
		ctx := t.Context()
		h := &hub{app: s.app, server: s.server, store: s.session.store, ctx: ctx}
		if err := h.SetSecret(ctx, "mail", "s3cret"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		all, err := h.Secrets(ctx)
		if err != nil || len(all) != 1 || all[0].Name != "mail" || all[0].Updated.IsZero() || strings.Contains(fmt.Sprint(all), "s3cret") {
			t.Errorf("%+v %v", all, err)
		}
		kept, err := h.sealed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if value, found, err := kept.Secret(ctx, "mail"); value != "s3cret" || !found || err != nil {
			t.Errorf("%q %t %v", value, found, err)
		}
		// The key is changed while all this goes on, and who had the safe open goes on with it.
		was, err := h.Key(ctx)
		if err != nil || was.Fingerprint == "" || was.Old != "" {
			t.Errorf("%+v %v", was, err)
		}
		r, err := h.RotateKey(ctx)
		if err != nil || r.From != was.Fingerprint || r.To == r.From || r.Values == 0 {
			t.Errorf("%+v %v", r, err)
		}
		if _, err := h.RotateKey(ctx); !errors.Is(err, safe.ErrOldKey) {
			t.Errorf("changed again before that has ended: %v", err)
		}
		if now, err := h.Key(ctx); err != nil || now.Fingerprint != r.To || now.Old != r.OldFile {
			t.Errorf("%+v %v", now, err)
		}
		if removed, err := h.ConfirmKey(ctx); removed != r.OldFile || err != nil {
			t.Errorf("removed %q: %v", removed, err)
		}
		if value, found, err := kept.Secret(ctx, "mail"); value != "s3cret" || !found || err != nil {
			t.Errorf("after the change: %q %t %v", value, found, err)
		}
		backup, err := h.Backup(ctx)
		if err != nil {
			t.Fatal(err)
		}
		file, err := s.app.source()
		if err != nil || backup.Backup.Config != string(file) || backup.Backup.Counts.Secrets != 1 {
			t.Errorf("%+v %v", backup.Backup, err)
		}
		if err := backup.Close(); err != nil {
			t.Error(err)
		}
		for _, had := range []bool{true, false} {
			if got, err := h.RemoveSecret(ctx, "mail"); got != had || err != nil {
				t.Errorf("removed %t: %v", got, err)
			}
		}
	})
}
