package connectortest

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// update is the flag -update of every test that imports this package.
var update = flag.Bool("update", false, "write golden files anew")

// Golden compares got with the file of that name beside the test, and fails with the
// difference. With -update it writes the file instead.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatalf("write golden file: %v", err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatalf("write golden file: %v", err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read golden file: %v", err)
	}
	if d := diff.Diff(name, want, "found", []byte(got)); d != nil {
		t.Errorf("%s is not what was found; if that is right, run the test with -update:\n%s", name, d)
		return
	}
	t.Logf("as in %s:\n%s", name, got)
}
