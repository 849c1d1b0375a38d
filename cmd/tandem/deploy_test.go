package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTheServiceUnit holds what the unit promises.
func TestTheServiceUnit(t *testing.T) {
	t.Parallel()
	unit := deployed(t, "tandem.service")
	set := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(unit))
	for lines.Scan() {
		line := lines.Text()
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "["):
		case !ok:
			t.Errorf("no setting: %q", line)
		default:
			set[key] = value
		}
	}
	for key, want := range map[string]string{
		"ExecReload": "/bin/kill -HUP $MAINPID", "KillSignal": "SIGTERM", "User": "tandem", "NoNewPrivileges": "true",
		"ProtectSystem": "strict", "CapabilityBoundingSet": "", "StateDirectory": "tandem", "Restart": "always",
	} {
		if got, ok := set[key]; !ok || got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if args := strings.Fields(set["ExecStart"]); len(args) < 2 || args[1] != "serve" {
		t.Errorf("it starts %q", set["ExecStart"])
	}
}

// TestSystemdTakesTheServiceUnit has systemd judge it. Where there is none the test is
// skipped; where CI is set that is a failure.
func TestSystemdTakesTheServiceUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		const missing = "no systemd-analyze in PATH; install systemd to run this test"
		if ci := os.Getenv("CI"); ci != "" && ci != "false" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	unit := deployed(t, "tandem.service")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tandem.service")
	if err := os.WriteFile(file, []byte(strings.Replace(unit, "/usr/local/bin/tandem", self, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", file}, {"security", "--offline=yes", "--threshold=20", file}} {
		if out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// TestTheContainer holds what can be seen of the image without building it.
func TestTheContainer(t *testing.T) {
	t.Parallel()
	file := deployed(t, "Containerfile")
	var words []string
	for line := range strings.Lines(strings.ReplaceAll(file, "\\\n", " ")) {
		if word, _, ok := strings.Cut(line, " "); ok && word != "#" && !strings.HasPrefix(word, "#") {
			words = append(words, word)
		}
	}
	if n := strings.Count(strings.Join(words, " "), "FROM"); n != 2 {
		t.Errorf("%d stages, want one that builds and one that runs", n)
	}
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	for _, word := range words {
		if !slices.Contains(known, word) {
			t.Errorf("unknown instruction %q", word)
		}
	}
	for _, want := range []string{"USER 10001:10001", "HEALTHCHECK", "/healthz", `ENTRYPOINT ["tandem"]`, `"serve"`} {
		if !strings.Contains(file, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	if i, j := strings.Index(file, "\nUSER "), strings.Index(file, "\nENTRYPOINT "); i < 0 || i > j {
		t.Error("it would run as root")
	}
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(mod), "\ngo ")
	version := strings.Join(strings.SplitN(rest, ".", 3)[:2], ".")
	if !strings.Contains(file, "golang:"+version+"-") {
		t.Errorf("it does not build with Go %s, which go.mod names", version)
	}
}

func TestTheComposeFile(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]struct {
			Build    struct{ Context, Dockerfile string }
			ReadOnly bool `yaml:"read_only"`
			Volumes  []string
			Ports    []string
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	s := file.Services["tandem"]
	if _, err := os.Stat(filepath.Join("..", "..", s.Build.Dockerfile)); err != nil || s.Build.Context != ".." {
		t.Errorf("it builds %+v: %v", s.Build, err)
	}
	if _, ok := file.Volumes["data"]; !ok || !s.ReadOnly || !slices.Contains(s.Volumes, "data:/var/lib/tandem") {
		t.Errorf("the database has no place of its own: %+v", s)
	}
	for _, port := range s.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is open to the world", port)
		}
	}
}
