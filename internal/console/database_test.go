package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// onDisk gives the hub a database that is a file.
func (b *bench) onDisk() string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "tandem.db")
	s, err := store.Open(b.Context(), store.Options{DSN: "sqlite:" + path})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	b.hub.file = s
	return path
}

func TestABackupIsTakenAlong(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	admin, operator := w.signed(account.Admin), w.signed(account.Operator)
	const at, page = "/api/v1/database/backup", databaseAt + "/backup"
	w.want(w.ask("POST", at, ""), http.StatusServiceUnavailable, "error.full")
	path := w.onDisk()
	for name, got := range map[string]*httptest.ResponseRecorder{"api": w.ask("POST", at, ""), "page": admin.post(page)} {
		if got.Code != http.StatusOK || got.Header().Get("Content-Length") != strconv.Itoa(got.Body.Len()) {
			t.Fatalf("%s: %d, %s bytes of %d", name, got.Code, got.Header().Get("Content-Length"), got.Body.Len())
		}
		if h := got.Header().Get("Content-Disposition"); !strings.HasPrefix(h, `attachment; filename="tandem-`) || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s", name, h)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, got.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := store.ReadBackup(t.Context(), file); err != nil || b.Config != "version: 1\n" {
			t.Errorf("%s: %+v %v", name, b, err)
		}
	}
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if strings.Contains(x.Name(), "copy") {
			t.Errorf("%s is left", x.Name())
		}
	}
	w.want(operator.post(page), http.StatusForbidden)
	w.token = w.grantAs(account.Admin, "weak", account.Configure)
	w.want(w.ask("POST", at, ""), http.StatusForbidden, "this takes the right people") // who may sign in is part of it
	w.c.copying <- struct{}{}
	w.want(admin.post(page), http.StatusConflict, "being taken along already")
	<-w.c.copying
	w.want(admin.ask("POST", at, "", keyHeader, "k"), http.StatusOK)
	if lines := strings.Join(w.audited(), "\n"); strings.Count(lines, "bytes|done") != 3 || strings.Count(lines, "|backup|||refused") != 2 {
		t.Error(lines)
	}
}

// A goneBrowser takes nothing.
type goneBrowser struct{ *httptest.ResponseRecorder }

func (goneBrowser) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestABackupThatNobodyTakesIsNoDoneOne(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	path := w.onDisk()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/database/backup", http.NoBody)
	r.Host = "127.0.0.1:8420"
	r.Header.Set("Authorization", "Bearer "+w.token)
	w.handler.ServeHTTP(goneBrowser{httptest.NewRecorder()}, r)
	lines := w.audited()
	if got := lines[len(lines)-1]; !strings.HasSuffix(got, "bytes|failed") {
		t.Errorf("the audit ends with %s", got)
	}
	if _, err := os.Stat(path + ".copy"); err == nil {
		t.Error("the copy is left")
	}
	if len(w.c.copying) != 0 {
		t.Error("nobody can take another one")
	}
}

func TestTheDatabasesPage(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	admin := w.signed(account.Admin)
	w.want(admin.get(databaseAt), http.StatusOK, "The database is no file of this machine.", `aria-current="page">Database</a>`)
	path := w.onDisk()
	w.c.accounts, w.hub.store = account.New(account.Options{Store: w.hub.file, Cost: cheap()}), w.hub.file
	w.populate()
	admin = w.signed(account.Admin)
	w.hub.plan.Retention = plan.Retention{Size: 1 << 31, Runs: 90 * 24 * time.Hour, Reviews: 24 * time.Hour}
	token := w.grantAs(account.Admin, "all", account.Configure)
	w.token = token
	got := read[databaseBody](w, "GET", "/api/v1/database", "")
	d, err := w.hub.file.Disk(t.Context())
	if err != nil || got.File != path || got.Bytes != d.Bytes || got.Size != 1<<31 || !got.Shrinks || got.Full || got.Unmet != nil {
		t.Errorf("%+v, and it is %+v %v", got, d, err)
	}
	page := admin.get(databaseAt)
	w.want(page, http.StatusOK, path, "2 GiB", w.c.view.locales[0].bytes(d.Bytes), "becomes smaller by itself", `action="/settings/database/backup"`,
		"<dt>Changes that were made</dt><dd>for ever</dd><dt>Runs</dt><dd>90 days</dd><dt>Questions that were answered</dt><dd>1 day</dd>")
	for n, want := range map[int64]string{0: "0 KiB", 1: "1 KiB", 1<<20 - 1: "1,024 KiB", 3 << 19: "1.5 MiB", 5 << 30: "5 GiB"} {
		if got := w.c.view.locales[0].bytes(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}

func TestTheKeyOfTheSecretsIsChanged(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	admin := w.signed(account.Admin)
	w.want(admin.get(secretsAt), http.StatusOK, "4f0c9a17be62", `action="/settings/key/rotate"`)
	got := read[keyBody](w, "POST", "/api/v1/key/rotate", "")
	if got != (keyBody{Key: "4f0c9a17be62", File: "tandem.key", Old: "tandem.key.old", Was: "0123456789ab", Values: 3}) {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", "/api/v1/key/rotate", ""), http.StatusConflict, "error.oldkey")
	w.want(admin.get(secretsAt), http.StatusOK, "tandem.key.old", `action="/settings/key/confirm"`, "TANDEM_KEY")
	if got := read[keyBody](w, "GET", "/api/v1/key", ""); got.Old != "tandem.key.old" {
		t.Errorf("%+v", got)
	}
	if got := read[keyBody](w, "POST", "/api/v1/key/confirm", ""); got.Removed != "tandem.key.old" || got.Old != "" {
		t.Errorf("%+v", got)
	}
	w.to(admin.post("/settings/key/rotate"), secretsAt+"?done=keyrotated")
	w.to(admin.post("/settings/key/confirm"), secretsAt+"?done=keyconfirmed")
	w.hub.refuses = ErrNoKey
	w.want(admin.post("/settings/key/rotate"), http.StatusConflict, "is not where it is looked for")
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "admin|key.rotate|4f0c9a17be62|was 0123456789ab; 3 values|done") || !strings.Contains(lines, "admin|key.confirm|tandem.key.old||done") {
		t.Error(lines)
	}
}
