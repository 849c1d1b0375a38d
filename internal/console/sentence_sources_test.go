package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/record"
)

// A sink is where sources put a sentence that pages show.
type sink struct {
	file string // of texts/sentences/LANGUAGE, without .yaml; a row counts where that file is
	dir  string // of the package, from the root of the repository; its packages too if it ends in /...
	what string // "problemf" a call, "fmt.Errorf" one of a package, ".Text" a field, "required.help" a field beside another, "text =" a variable, "onlyTo()" what a function returns, "f[]" a key of a map
	arg  int    // of a call: which argument; it is a format if the function's name ends in f, or a % stands after it
}

// sinks is the table of all of them. A package whose sentences reach a page has rows here;
// rows of a file that no language has are asleep.
func sinks() []sink {
	all := []sink{
		{"configuration", "internal/mapping", "problemf", 0}, // of an expression
		{"configuration", "internal/mapping", "problemf", 1},
		{"configuration", "internal/mapping", "warnf", 1},
		{"configuration", "internal/mapping", "misfit%", 1},
	}
	for _, what := range []string{".Text", "text =", "words =", "remedy =", "Error()", "orUnknown()", "argumentsText()", "noChoice()", "fmt.Sprintf", "fmt.Errorf", "errors.New"} {
		all = append(all, sink{"configuration", "internal/mapping", what, 0})
	}
	for _, call := range []string{"fail", "near", "warn", "report", "syntax"} {
		all = append(all, sink{"configuration", "internal/plan", call, 1})
	}
	for _, what := range []string{".Text", ".text", "text =", "onlyTo()", "done()", "label()", "blankHint()", "required.help", "fmt.Sprintf", "fmt.Errorf", "errors.New"} {
		all = append(all, sink{"configuration", "internal/plan", what, 0})
	}
	all = append(all,
		sink{"configuration", "internal/plan", "notAMap", 2}, sink{"configuration", "internal/plan", "readMap", 3},
		sink{"configuration", "internal/plan", "warnf", 1}, sink{"configuration", "internal/plan", "fmt.Fprintf", 1},
	)
	return slices.Concat(all, hubSinks(), specSinks())
}

// spokenWords are what sentences have as arguments, and no source writes out.
func spokenWords() map[string]string {
	all := map[string]string{"left to right": "mapping", "right to left": "mapping"}
	for _, side := range record.Sides() {
		all[side.String()] = "record.Side"
	}
	for _, kind := range kindsOfValues() {
		all[string(kind)] = "record.Kind"
	}
	return all
}

// noSentences are texts at a sink that no person reads as a sentence, and why not.
func noSentences() map[string]string {
	const code, path, file = "an expression that is compiled", "a path within a sync", "a line of a file that is written"
	all := map[string]string{
		"among(%s[%q], %s)": code, "pick(f[%q], %q, %s, %q)": code,
		`(among(%[1]s[%[2]q], %[3]s) ?? (%[1]s[%[2]q] == %[4]q ? among(%[1]s[%[5]q], %[6]s) : ""))`: code,
		"fields[%d]": path, "events[%d]": path, "lists[%d]": path, "match[%d]": path,
		`# - { in: %s, when: "…" } # %s: who belongs there?`: file, "# - { left: the key of %s, right: %s }": file,
		`- { in: %s, when: "true" } # %s`: file, "- { on: %s.%s, send: %s }": file,
		"Tandem keeps %s and %s in step; this file says what and how.": file,
	}
	for _, key := range []string{"console", "delete", "email", "guard", "notify", "oidc", "retention", "webhook", "where"} {
		all[key] = "a key of the file"
	}
	return all
}

// A source is a package whose sinks are looked through.
type source struct {
	consts map[string]string
	files  []*ast.File
}

func parseSource(t *testing.T, dir string) source {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	s := source{consts: map[string]string{}}
	maps.Copy(s.consts, reasonsOfStore())
	set := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, f)
	}
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, is := n.(*ast.ValueSpec); is {
				for i, name := range v.Names {
					if i < len(v.Values) {
						if text, ok := s.format(v.Values[i], true); ok {
							s.consts[name.Name] = text
						}
					}
				}
			}
			return true
		})
	}
	return s
}

// format is what an expression says, as a format: what is not written out is %v. It says
// nothing if nothing is written out.
func (s source) format(x ast.Expr, isFormat bool) (string, bool) {
	const something = "%v"
	switch x := x.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		if x.Kind != token.STRING || err != nil {
			return something, false
		}
		if !isFormat {
			text = strings.ReplaceAll(text, "%", "%%")
		}
		return text, true
	case *ast.ParenExpr:
		return s.format(x.X, isFormat)
	case *ast.Ident:
		if text, ok := s.consts[x.Name]; ok {
			return text, true
		}
	case *ast.SelectorExpr:
		if text, ok := s.consts["."+x.Sel.Name]; ok {
			return text, true
		}
	case *ast.BinaryExpr:
		left, l := s.format(x.X, isFormat)
		right, r := s.format(x.Y, isFormat)
		return left + right, l || r
	case *ast.CallExpr:
		if len(x.Args) == 0 {
			break
		}
		switch called(x.Fun) {
		case "fmt.Sprintf":
			return s.format(x.Args[0], true)
		case "errors.New", "TrimSpace":
			return s.format(x.Args[0], isFormat)
		}
	}
	return something, false
}

// called is the name of a function that is called: with its package if that is of the
// standard library, else alone.
func called(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if pkg, is := f.X.(*ast.Ident); is && (pkg.Name == "fmt" || pkg.Name == "errors") {
			return pkg.Name + "." + f.Sel.Name
		}
		return f.Sel.Name
	}
	return ""
}

// at are the expressions of a node that feed a sink.
func (k sink) at(n ast.Node) []ast.Expr {
	what := strings.TrimSuffix(k.what, "%")
	switch n := n.(type) {
	case *ast.CallExpr:
		if called(n.Fun) == what && k.arg < len(n.Args) {
			return n.Args[k.arg : k.arg+1]
		}
	case *ast.CompositeLit:
		beside, field, _ := strings.Cut(k.what, ".")
		if value := fieldOf(n, field); value != nil && (beside == "" || fieldOf(n, beside) != nil) {
			return []ast.Expr{value}
		}
	case *ast.AssignStmt:
		var found []ast.Expr
		for i, to := range n.Lhs {
			name := ""
			if at, is := to.(*ast.IndexExpr); is {
				if called(at.X)+"[]" == k.what {
					found = append(found, at.Index)
				}
				to = at.X
			}
			switch to := to.(type) {
			case *ast.Ident:
				name = to.Name + " ="
			case *ast.SelectorExpr:
				name = "." + to.Sel.Name
			}
			if name == k.what && i < len(n.Rhs) {
				found = append(found, n.Rhs[i])
			}
			if keys := strings.TrimSuffix(k.what, "[]") + " ="; keys == name && keys != k.what && i < len(n.Rhs) {
				found = append(found, keysOf(n.Rhs[i])...)
			}
		}
		return found
	case *ast.ValueSpec:
		if begins, is := strings.CutPrefix(what, "const "); is && strings.HasPrefix(n.Names[0].Name, begins) {
			return n.Values
		}
	case *ast.FuncDecl:
		if n.Name.Name+"()" == what {
			return returned(n.Body)
		}
	}
	return nil
}

// fieldOf is what a field of a composite literal is given; nil = it has none.
func fieldOf(n *ast.CompositeLit, name string) ast.Expr {
	for _, e := range n.Elts {
		if pair, is := e.(*ast.KeyValueExpr); is {
			if key, is := pair.Key.(*ast.Ident); is && key.Name == name {
				return pair.Value
			}
		}
	}
	return nil
}

func returned(body *ast.BlockStmt) []ast.Expr {
	var found []ast.Expr
	ast.Inspect(body, func(n ast.Node) bool {
		if r, is := n.(*ast.ReturnStmt); is {
			found = append(found, r.Results...)
		}
		return true
	})
	return found
}

// folders are the packages of a row.
func (k sink) folders(t *testing.T, root string) []string {
	t.Helper()
	base, all := strings.CutSuffix(k.dir, "/...")
	base = filepath.Join(root, base)
	if !all {
		return []string{base}
	}
	var found []string
	err := filepath.WalkDir(base, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() != "testdata" && !strings.HasSuffix(d.Name(), "twin") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// canonical is a format with the verbs by which it is taken apart; "" if it says nothing.
func canonical(format string) string {
	parts, err := parseFormat(format)
	if err != nil {
		return format
	}
	letters, holes := 0, false
	var b strings.Builder
	for _, p := range parts {
		if p.verb != 0 {
			holes = true
			b.WriteString("%[" + strconv.Itoa(p.argument+1) + "]" + string(p.verb))
			continue
		}
		letters += lettersOf(p.text)
		b.WriteString(strings.ReplaceAll(p.text, "%", "%%"))
	}
	if letters == 0 || holes && letters < fewestLetters {
		return ""
	}
	return b.String()
}

// sourceFormats are the formats of the sentences that sources make, and where.
func sourceFormats(t *testing.T, rows []sink) map[string]string {
	t.Helper()
	parsed := map[string]source{}
	all := map[string]string{}
	for _, row := range rows {
		for _, dir := range row.folders(t, filepath.Join("..", "..")) {
			s, known := parsed[dir]
			if !known {
				s = parseSource(t, dir)
				parsed[dir] = s
			}
			isFormat := strings.HasSuffix(row.what, "f") || strings.HasSuffix(row.what, "%")
			for _, f := range s.files {
				ast.Inspect(f, func(n ast.Node) bool {
					for _, x := range row.listed(row.at(n)) {
						format, says := s.format(x, isFormat)
						format = strings.TrimPrefix(strings.TrimPrefix(format, "; "), ": ") // seams
						if says && canonical(format) != "" && noSentences()[format] == "" && hubSaysElsewhere()[format] == "" {
							all[format] = row.dir + " " + row.what
						}
					}
					return true
				})
			}
		}
	}
	return all
}
