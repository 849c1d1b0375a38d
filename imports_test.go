package tandem_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tandemhub/tandem"

// A part is a folder, with what is under it unless that is a part of its own.
type part struct {
	name  string // path from the root; "*" stands for one folder, "." is the root itself
	floor int    // a part stands on lower floors only
	uses  string // the parts it may import
	tests string // the parts that only its tests may import besides
}

// parts is the architecture. Whoever needs an import that is not here either has the
// code in the wrong place or changes this table, in a commit that says why.
func parts() []part {
	return []part{
		{name: "record", floor: 0},
		{name: "twin", floor: 0},
		{name: "twin/wiretest", floor: 0},
		{name: "internal/vault", floor: 0},
		{name: "examples", floor: 0},
		{name: "connector", floor: 1, uses: "record twin"},
		{name: "internal/merge", floor: 1, uses: "record"},
		{name: "internal/mapping", floor: 1, uses: "record"},
		{name: "internal/report", floor: 1, uses: "record"},
		{name: "internal/notify", floor: 1, uses: "record"}, // which writes times for people
		{name: "rest", floor: 2, uses: "record connector", tests: "twin"},
		{name: "internal/plan", floor: 2, uses: "record connector internal/merge internal/mapping"},
		{name: "internal/store", floor: 2, uses: "record connector"},
		{name: "internal/safe", floor: 3, uses: "connector internal/store internal/vault"},
		{name: "internal/account", floor: 3, uses: "internal/store"},
		{name: "connectortest", floor: 3, uses: "record connector rest twin"},
		{name: "systems/*", floor: 3, uses: "record connector rest", tests: "twin twin/wiretest connectortest systems/*/*"},
		{name: "systems/*/*", floor: 1, uses: "twin", tests: "twin/wiretest"},
		{name: "systems", floor: 4, uses: "connector twin systems/* systems/*/*"},
		{
			name: "internal/engine", floor: 4,
			uses:  "record connector rest internal/merge internal/mapping internal/plan internal/report internal/store",
			tests: "twin connectortest",
		},
		{name: "internal/status", floor: 5, uses: "record connector rest internal/plan internal/store internal/engine"},
		{name: "internal/jsonl", floor: 5, uses: "record connector internal/engine internal/plan internal/report internal/store"},
		{name: "internal/door", floor: 5, uses: "record connector internal/store", tests: "rest twin connectortest"},
		{
			name: "internal/console", floor: 6,
			uses:  "record connector rest internal/account internal/door internal/engine internal/jsonl internal/mapping internal/plan internal/report internal/safe internal/status internal/store",
			tests: "rest twin connectortest",
		},
		{
			name: "internal/sim", floor: 5,
			uses:  "record connector rest twin internal/merge internal/mapping internal/plan internal/store internal/engine",
			tests: "connectortest",
		},
		{
			name: "internal/cli", floor: 7,
			uses: "record connector rest twin internal/merge internal/mapping internal/plan internal/store internal/safe internal/engine " +
				"internal/report internal/notify internal/door internal/account internal/console internal/jsonl internal/status examples",
			tests: "connectortest",
		},
		{name: ".", floor: 8, uses: "connector internal/cli"},
		{
			name: "cmd/tandem", floor: 9, uses: ". systems",
			tests: "record connector rest twin connectortest internal/merge internal/mapping internal/plan internal/store " +
				"internal/engine internal/sim internal/cli internal/console systems/*/*",
		},
		{name: "bench", floor: 9}, // programs that run the hub as a process
		{name: "bench/twins", floor: 9, uses: "twin systems/*/*"},
		{name: "bench/door", floor: 9, uses: "record connector twin internal/store internal/door systems/*/*"},
	}
}

// besides names the pairs that may import each other on one floor: the conformance suite
// is the real interface of a connector, and stands beside it.
func besides(from, to string) bool { return from == "systems/*" && to == "connectortest" }

// A ban keeps a package, or a function "package.Name", out of all parts but some.
type ban struct {
	what   string // import path, a path ending in "/..." with all below it, or path.Name of a function
	only   string // the parts that may; "" = none
	not    string // if set, only these parts are banned
	tests  bool   // whether tests are held to it too
	remedy string
}

func bans() []ban {
	const pure = "internal/merge internal/mapping internal/plan internal/report"
	list := []ban{
		{what: "database/sql", only: "internal/store", tests: true, remedy: "SQL lives in internal/store: ask it for a fact"},
		{what: "database/sql/driver", only: "internal/store", tests: true, remedy: "SQL lives in internal/store"},
		{what: "github.com/jackc/pgx/v5/...", only: "internal/store", tests: true, remedy: "SQL lives in internal/store"},
		{what: "modernc.org/sqlite/...", only: "internal/store", tests: true, remedy: "SQL lives in internal/store"},
		{what: "github.com/alecthomas/kong/...", only: "internal/cli", tests: true, remedy: "flags are read in internal/cli only"},
		{what: "go.opentelemetry.io/otel/sdk/...", only: "internal/cli", remedy: "take a tracer: only internal/cli decides where traces go"},
		{what: "go.opentelemetry.io/otel/exporters/...", only: "internal/cli", remedy: "take a tracer: only internal/cli decides where traces go"},
		{what: "go.opentelemetry.io/otel", remedy: "there is no global tracer: take one"},
		{what: "go.opentelemetry.io/contrib/...", remedy: "what is told of a request is decided in rest and door"},
		{what: "flag", only: "internal/cli bench bench/twins bench/door connectortest", remedy: "flags are read in internal/cli only"},
		{what: "os.Exit", only: "internal/cli bench bench/twins bench/door", remedy: "return an error: only internal/cli ends the process"},
		{what: "log.Fatal", remedy: "return an error: only internal/cli ends the process"},
		{what: "html/template", only: "internal/console", remedy: "HTML lives in the console only"},
		{what: "net/http.DefaultClient", only: "bench", tests: true, remedy: "take the client that the Env lends"},
	}
	for _, pkg := range []string{
		"os/...", "io/fs", "net/http/...", "syscall", "log/...", "embed",
		"net.Dial", "net.DialTimeout", "net.Dialer", "net.Listen", "net.ListenConfig", "net.Resolver", "net.LookupHost", "net.LookupIP",
		"path/filepath.Abs", "path/filepath.EvalSymlinks", "path/filepath.Glob", "path/filepath.Walk", "path/filepath.WalkDir",
	} {
		list = append(list, ban{what: pkg, not: pure, remedy: "merge, mapping and plan do no I/O: let the caller hand it in"})
	}
	for _, f := range []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"} {
		list = append(list, ban{what: "time." + f, not: pure, remedy: "merge, mapping and plan read no clock: let the caller hand the time in"})
	}
	return list
}

// TestImports holds the layout: who may import whom, and what lives in one place only.
func TestImports(t *testing.T) {
	t.Parallel()
	files := sources(t)
	if len(files) < 20 {
		t.Fatalf("found %d Go files: the test looks in the wrong place", len(files))
	}
	fset := token.NewFileSet()
	for _, file := range files {
		src, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		checkFile(t, fset, file, src)
	}
}

// TestPartsAreFloors proves that the table itself is in order: every part stands on
// lower floors only, so there can be no cycle.
func TestPartsAreFloors(t *testing.T) {
	t.Parallel()
	floor := map[string]int{}
	for _, p := range parts() {
		floor[p.name] = p.floor
	}
	for _, p := range parts() {
		for to := range strings.FieldsSeq(p.uses + " " + p.tests) {
			f, known := floor[to]
			if !known {
				t.Errorf("%s may import %s, which is no part", p.name, to)
			}
			if f >= p.floor && !besides(p.name, to) {
				t.Errorf("%s (floor %d) may import %s (floor %d): floors must be strictly lower", p.name, p.floor, to, f)
			}
			hub := func(n string) bool { return strings.HasPrefix(n, "internal/") }
			if hub(p.name) && strings.HasPrefix(to, "systems") || strings.HasPrefix(p.name, "systems") && hub(to) {
				t.Errorf("%s may import %s: the hub and the systems never know each other", p.name, to)
			}
		}
	}
}

// sources returns every Go file of the module, slash-separated from its root.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
				return filepath.SkipDir
			}
			switch base {
			case "util", "utils", "common", "helpers", "models", "types", "pkg":
				t.Errorf("%s: a folder is named after what it does, not %q", name, base)
			}
			return nil
		}
		if strings.HasSuffix(base, ".go") {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkFile(t *testing.T, fset *token.FileSet, file string, src *ast.File) {
	t.Helper()
	from, ok := partOf(path.Dir(file))
	if !ok {
		t.Errorf("%s belongs to no part: add its folder to the table in imports_test.go", file)
		return
	}
	test := strings.HasSuffix(file, "_test.go")
	names := map[string]string{} // what an imported package is called in this file → its path
	for _, spec := range src.Imports {
		to := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(to)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = to
		where := fset.Position(spec.Pos())
		if to == module || strings.HasPrefix(to, module+"/") {
			if why := checkImport(file, from, to, test); why != "" {
				t.Errorf("%s: %s", where, why)
			}
		}
		if remedy, banned := bannedIn(from.name, to, test); banned {
			t.Errorf("%s: %s must not import %s: %s", where, from.name, to, remedy)
		}
	}
	checkUses(t, fset, src, from, names, test)
}

// checkImport says what is wrong with an import inside the module, and how to mend it.
func checkImport(file string, from part, to string, test bool) string {
	target, ok := partOf(strings.TrimPrefix(strings.TrimPrefix(to, module), "/"))
	if !ok {
		return to + " belongs to no part: add it to the table in imports_test.go"
	}
	if target.name == from.name && from.name != "systems/*" && from.name != "systems/*/*" {
		return ""
	}
	// A system may know itself and, in tests, its own twin; never another system.
	if strings.HasPrefix(from.name, "systems/") && strings.HasPrefix(target.name, "systems/") &&
		strings.Split(file, "/")[1] != strings.Split(to, "/")[4] {
		return fmt.Sprintf("%s imports %s: a system never knows another one", path.Dir(file), to)
	}
	if target.name == from.name {
		return ""
	}
	if slices.Contains(strings.Fields(from.uses), target.name) ||
		test && slices.Contains(strings.Fields(from.tests), target.name) {
		return ""
	}
	allowed := from.uses
	if test {
		allowed += " " + from.tests
	}
	return fmt.Sprintf("%s must not import %s; it may import: %s. Move the code down, or hand the value in from above",
		from.name, target.name, strings.Join(strings.Fields(allowed), ", "))
}

// checkUses looks for functions that live in one place only, and for func init.
func checkUses(t *testing.T, fset *token.FileSet, src *ast.File, from part, names map[string]string, test bool) {
	t.Helper()
	ast.Inspect(src, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				t.Errorf("%s: func init: build the value where it is needed and hand it on", fset.Position(n.Pos()))
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || names[x.Name] == "" {
				return true
			}
			what := names[x.Name] + "." + n.Sel.Name
			if remedy, banned := bannedIn(from.name, what, test); banned {
				t.Errorf("%s: %s must not use %s: %s", fset.Position(n.Pos()), from.name, what, remedy)
			}
		}
		return true
	})
}

func bannedIn(name, what string, test bool) (string, bool) {
	for _, b := range bans() {
		tree, all := strings.CutSuffix(b.what, "/...")
		matches := what == b.what || all && (what == tree || strings.HasPrefix(what, tree+"/"))
		if !matches || test && !b.tests {
			continue
		}
		if b.not != "" && slices.Contains(strings.Fields(b.not), name) ||
			b.not == "" && !slices.Contains(strings.Fields(b.only), name) {
			return b.remedy, true
		}
	}
	return "", false
}

// partOf returns the part with the longest name that a folder belongs to.
func partOf(dir string) (part, bool) {
	if dir == "" || dir == "." {
		dir = "."
	}
	var best part
	found := false
	for _, p := range parts() {
		if covers(p.name, dir) && (!found || depth(p.name) > depth(best.name)) {
			best, found = p, true
		}
	}
	return best, found
}

func depth(name string) int { return len(strings.Split(name, "/")) }

// covers reports whether a folder is the part's own or lies below it. The list of the
// systems and the root cover nothing but themselves.
func covers(name, dir string) bool {
	if name == "." || name == "systems" {
		return dir == name
	}
	want, have := strings.Split(name, "/"), strings.Split(dir, "/")
	if len(have) < len(want) {
		return false
	}
	for i, w := range want {
		if w != "*" && w != have[i] {
			return false
		}
	}
	return true
}
