package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tandem": main})
}

// TestScript runs testdata/script: the program as people run it, against twins that
// answer over loopback. What scripts can do besides testscript's own commands:
//
//	twin SYSTEM             a fresh account; sets SYSTEM_URL and one variable per setting
//	person SYSTEM OBJECT ID FIELD=VALUE…   a person edits a record; ID new creates one and sets $ID
//	remove SYSTEM OBJECT ID                a person deletes one
//	shows SYSTEM OBJECT FIELD=VALUE…       some record has (with ! none has) these values; sets $ID
//	holds SYSTEM OBJECT N                  so many records are there
//	fault SYSTEM KIND [METHOD [PATH [TIMES]]]  the account plays a fault; none ends all
//	calls SYSTEM METHOD N                  so many requests of a method have come (with ! have not)
//	exits CODE PROGRAM ARGS…               run it; it must exit with that code
//	line PATH=VALUE…                       a JSON line on stdout has (with ! none has) all of these values
//	capture NAME PATH                      sets $NAME to a value of the JSON line on stdout
//	await URL TEXT                         ask until the answer holds the text
//	terminate                              SIGTERM to what runs in the background
//	hangup                                 SIGHUP to it
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[twinsKey{}] = &twins{byName: map[string]twin.Twin{}}
			port, err := freePort()
			e.Setenv("LISTEN", "127.0.0.1:"+port)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"twin": startTwin, "person": person, "remove": remove, "shows": shows, "holds": holds, "fault": fault, "calls": calls,
			"exits": exits, "line": line, "capture": capture, "await": await, "terminate": signalTo(syscall.SIGTERM), "hangup": signalTo(syscall.SIGHUP),
		},
	})
}

type twinsKey struct{}

// twins are the accounts of one script.
type twins struct {
	mu       sync.Mutex
	byName   map[string]twin.Twin
	started  int
	injected []*twin.Injected
}

func account(ts *testscript.TestScript, name string) twin.Twin {
	all, ok := ts.Value(twinsKey{}).(*twins)
	if !ok {
		ts.Fatalf("no twins in this script")
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	t := all.byName[name]
	if t == nil {
		ts.Fatalf("no twin %s: start it first", name)
	}
	return t
}

func need(ts *testscript.TestScript, args []string, n int, usage string) {
	if len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

func freePort() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func startTwin(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "twin SYSTEM")
	all, ok := ts.Value(twinsKey{}).(*twins)
	if !ok {
		ts.Fatalf("no twins in this script")
	}
	for _, s := range systems.All() {
		if s.Spec.Name != args[0] {
			continue
		}
		t := s.Twin(twin.Options{NoLimits: true})
		if slow, ok := t.(interface{ SetSearchLag(time.Duration) }); ok {
			slow.SetSearchLag(0) // scripts run in real time, and do not wait for an index
		}
		server := httptest.NewServer(t)
		ts.Defer(server.Close)
		all.mu.Lock()
		all.byName[args[0]] = t
		all.started++
		if old, ok := t.(interface{ SetInstalled(time.Time) }); ok {
			// Two that were installed within one second would be taken for one account.
			old.SetInstalled(time.Now().AddDate(0, 0, -all.started))
		}
		all.mu.Unlock()
		ts.Setenv(plan.EnvName(args[0], "url"), server.URL)
		for name, v := range t.Settings() {
			ts.Setenv(plan.EnvName(args[0], name), v)
		}
		ts.Defer(func() {
			if strange := t.Kit().Unknowns(); len(strange) > 0 {
				ts.Fatalf("%s was asked for what it does not know: %q", args[0], strange)
			}
		})
		return
	}
	ts.Fatalf("no system %s", args[0])
}

func pairs(ts *testscript.TestScript, args []string) map[string]string {
	fields := map[string]string{}
	for _, a := range args {
		name, v, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("%q is not NAME=VALUE", a)
		}
		fields[name] = v
	}
	return fields
}

func person(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 4, "person SYSTEM OBJECT ID|new FIELD=VALUE…")
	id := args[2]
	if id == "new" {
		id = ""
	}
	got, err := account(ts, args[0]).Put(args[1], id, pairs(ts, args[3:]))
	ts.Check(err)
	ts.Setenv("ID", got)
}

func remove(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "remove SYSTEM OBJECT ID")
	ts.Check(account(ts, args[0]).Remove(args[1], args[2]))
}

func shows(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 3, "shows SYSTEM OBJECT FIELD=VALUE…")
	want := pairs(ts, args[2:])
	rows := account(ts, args[0]).Rows(args[1])
	i := slices.IndexFunc(rows, func(r twin.Row) bool {
		for name, v := range want {
			if r.Fields[name] != v {
				return false
			}
		}
		return true
	})
	if i >= 0 {
		ts.Setenv("ID", rows[i].ID)
	}
	if (i >= 0) == neg {
		for _, r := range rows {
			ts.Logf("%s %s: %v", args[1], r.ID, r.Fields)
		}
		ts.Fatalf("a record with %v: %v", want, i >= 0)
	}
}

func holds(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "holds SYSTEM OBJECT N")
	if rows := account(ts, args[0]).Rows(args[1]); strconv.Itoa(len(rows)) != args[2] {
		for _, r := range rows {
			ts.Logf("%s %s: %v", args[1], r.ID, r.Fields)
		}
		ts.Fatalf("%s has %d %s, want %s", args[0], len(rows), args[1], args[2])
	}
}

func fault(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "fault SYSTEM KIND|none [METHOD [PATH [TIMES]]]")
	all, ok := ts.Value(twinsKey{}).(*twins)
	if !ok {
		ts.Fatalf("no twins in this script")
	}
	if args[1] == "none" {
		for _, in := range all.injected {
			in.Remove()
		}
		all.injected = nil
		return
	}
	f := twin.Fault{Kind: twin.FaultKind(args[1])}
	if len(args) > 2 {
		f.Method = args[2]
	}
	if len(args) > 3 {
		f.Path = args[3]
	}
	if len(args) > 4 {
		n, err := strconv.Atoi(args[4])
		ts.Check(err)
		f.Times = n
	}
	all.injected = append(all.injected, account(ts, args[0]).Kit().Inject(f))
}

func calls(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 3, "calls SYSTEM METHOD N")
	if n := account(ts, args[0]).Kit().Count(args[1], ""); (strconv.Itoa(n) == args[2]) == neg {
		ts.Fatalf("%s has had %d %s requests", args[0], n, args[1])
	}
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "exits CODE PROGRAM ARGS…")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func line(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 1, "line KEY=VALUE…")
	var near []string // lines that have the first value at least
	for text := range strings.SplitSeq(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n") {
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			ts.Fatalf("stdout has a line that is no JSON object: %q", text)
		}
		if !slices.ContainsFunc(args, func(want string) bool { return !matches(v, want) }) {
			if neg {
				ts.Fatalf("there is a line with %q: %s", args, text)
			}
			return
		}
		if matches(v, args[0]) {
			near = append(near, text)
		}
	}
	if !neg {
		ts.Fatalf("no line with %q; the nearest:\n%s", args, strings.Join(near, "\n"))
	}
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "capture NAME PATH")
	var v map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	got, ok := at(v, args[1])
	if !ok {
		ts.Fatalf("no %s in %v", args[1], v)
	}
	ts.Setenv(args[0], fmt.Sprint(got))
}

// matches reports whether a JSON object has, at a dotted path, the value as JSON prints
// it. A value * is any but none.
func matches(v map[string]any, pathIsValue string) bool {
	path, want, _ := strings.Cut(pathIsValue, "=")
	got, ok := at(v, path)
	return ok && (want == "*" || fmt.Sprint(got) == want)
}

// at returns what a JSON object has at a dotted path.
func at(v map[string]any, path string) (any, bool) {
	var here any = v
	for name := range strings.SplitSeq(path, ".") {
		m, ok := here.(map[string]any)
		if !ok {
			return nil, false
		}
		if here, ok = m[name]; !ok {
			return nil, false
		}
	}
	return here, true
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "await URL TEXT")
	last, client := "", &http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r, err := client.Get(args[0])
		if err != nil {
			last = err.Error()
			continue
		}
		b, err := io.ReadAll(r.Body)
		ts.Check(errors.Join(err, r.Body.Close()))
		if last = string(b); strings.Contains(last, args[1]) {
			return
		}
	}
	ts.Fatalf("no %q at %s; last: %s", args[1], args[0], last)
}

func signalTo(sig os.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		for _, c := range ts.BackgroundCmds() {
			if c.Process != nil {
				if err := c.Process.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
					ts.Check(err)
				}
			}
		}
	}
}
