package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axe-core finds what keeps people out: https://github.com/dequelabs/axe-core. It comes from the
// npm registry by its own client, once; it is no part of the program.
const (
	axeVersion   = "4.14.1"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512, as the registry tells it
)

// An axe is the script, ready to be run in pages.
type axe struct{ source string }

// newAxe returns nil where it cannot be had: that alone is skipped then, aloud.
func newAxe(t *testing.T) *axe {
	t.Helper()
	var a *axe
	t.Run("axe-core", func(t *testing.T) {
		packed, err := axePackage(t)
		unless(t, err == nil, "pages are not looked at by axe-core, which cannot be had (npm, or the network, is missing)")
		source, err := axeScript(packed)
		if err != nil {
			t.Fatal(err)
		}
		a = &axe{source: source}
	})
	return a
}

// axePackage returns the package, from the user's cache if it is there. It is what its hash says,
// or an error.
func axePackage(t *testing.T) ([]byte, error) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	name := "axe-core-" + axeVersion + ".tgz"
	kept := filepath.Join(cache, "tandem-tests", name)
	if packed, err := os.ReadFile(kept); err == nil && intact(packed) {
		return packed, nil
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", dir)
	cmd.Dir, cmd.WaitDelay = dir, 10*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("npm pack: %v\n%s", err, out)
		return nil, err
	}
	packed, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	if !intact(packed) {
		t.Fatalf("%s is not what it should be", name)
	}
	fresh := kept + ".new"
	return packed, errors.Join(os.MkdirAll(filepath.Dir(kept), 0o755), os.WriteFile(fresh, packed, 0o600), os.Rename(fresh, kept))
}

func intact(packed []byte) bool {
	sum := sha512.Sum512(packed)
	return base64.StdEncoding.EncodeToString(sum[:]) == axeIntegrity
}

func axeScript(packed []byte) (string, error) {
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		head, err := files.Next()
		if err != nil {
			return "", err
		}
		if head.Name == "package/axe.min.js" {
			source, err := io.ReadAll(files)
			return string(source), err
		}
	}
}

// axeRun asks for the rules of WCAG 2.2, levels A and AA; the size of targets is off by default.
const axeRun = `axe.run(document, {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
  rules: { "target-size": { enabled: true } }, resultTypes: ["violations"], preload: false,
}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + " — " + n.target.join(" ") + " — " + n.failureSummary)))`

// violations returns what is wrong with the page that is shown.
func (a *axe) violations(w *tab) []string {
	w.Helper()
	var loaded bool
	w.script(`typeof axe === "object"`, &loaded)
	if !loaded {
		w.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := chromedp.Evaluate[bool](a.source+"; true")(ctx, t)
			return chromedp.Void{}, err
		})
	}
	var all []string
	w.script(axeRun, &all)
	return all
}

func (a *axe) check(w *tab, what string) {
	w.Helper()
	if a == nil {
		return
	}
	for _, v := range a.violations(w) {
		w.Errorf("%s: %s", what, strings.ReplaceAll(v, "\n", " "))
	}
}
