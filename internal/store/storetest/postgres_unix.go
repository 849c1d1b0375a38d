//go:build unix

package storetest

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx" with database/sql
)

// Postgres starts a PostgreSQL server that lives as long as the test and returns a
// function that makes an empty schema and gives its address. A machine without PostgreSQL
// skips the test; where CI is set that is a failure.
func Postgres(t *testing.T) func(*testing.T) string {
	t.Helper()
	bin := postgresBinaries()
	if bin == "" {
		const missing = "no PostgreSQL server in /usr/lib/postgresql/*/bin or PATH; install postgresql to run this test"
		if os.Getenv("CI") != "" && os.Getenv("CI") != "false" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	sockets := startPostgres(t, bin)
	admin := dsn(sockets, "")
	db, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	waitForPostgres(t, db)
	var n atomic.Int64
	return func(t *testing.T) string {
		t.Helper()
		schema := fmt.Sprintf("t%d", n.Add(1))
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
			t.Fatal(err)
		}
		return dsn(sockets, schema)
	}
}

func dsn(sockets, schema string) string {
	q := url.Values{"host": {sockets}, "user": {"tandem"}, "dbname": {"postgres"}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres:///?" + q.Encode()
}

func postgresBinaries() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// startPostgres makes a cluster and runs it; it listens on a socket in the directory that
// is returned and nowhere else.
func startPostgres(t *testing.T, bin string) string {
	t.Helper()
	dir := t.TempDir()
	var as *syscall.Credential
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		as = unprivileged(t)
		for _, d := range []string{filepath.Dir(dir), dir} {
			if err := os.Chmod(d, 0o711); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C", "TZ=UTC")
		if as != nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
		}
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "tandem", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // disconnects everybody; it may have ended
		if err := server.Wait(); err != nil {
			t.Errorf("postgres: %v\n%s", err, log.String())
		}
	})
	return dir
}

func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("no user to run PostgreSQL as: neither postgres nor nobody exists")
	return nil
}

func waitForPostgres(t *testing.T, db *sql.DB) {
	t.Helper()
	var err error
	for range 300 {
		if err = db.PingContext(t.Context()); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("PostgreSQL does not answer: %v", err)
}
