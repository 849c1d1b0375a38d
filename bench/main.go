//go:build linux

// Command bench measures Tandem against a plain program that does the same job, in one run
// on one machine, so that its ratios mean something anywhere:
//
//	go run ./bench            10,000 contacts
//	go run ./bench -rows 100000 -only first
//
// It builds the three programs, starts the twins of both systems in a process of their own
// on loopback, and runs Tandem and the reference as processes whose wall time, CPU time and
// resident memory the system reports when they end. It needs Linux, which reports memory in kB.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type place struct{ ERP, CRM, Control, Key, Token string }

type bench struct {
	dir     string
	rows    int
	dirty   bool
	both    bool // the right side is full too
	times   int
	verbose bool
	wait    time.Duration
}

// A cost is what one process took.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // kB
	out       []byte
}

func main() {
	b := &bench{}
	flag.IntVar(&b.rows, "rows", 10000, "contacts")
	flag.IntVar(&b.times, "times", 3, "runs of each; the fastest counts")
	flag.BoolVar(&b.dirty, "dirty", false, "dirty data: Tandem alone, since the reference stops at the first bad record")
	flag.BoolVar(&b.verbose, "v", false, "print Tandem's own reports")
	flag.DurationVar(&b.wait, "wait", 0, "let the vendors' overlap pass in real time (6m is enough); 0 moves the twins' clocks instead, which costs a fresh process one search more")
	only := flag.String("only", "", "first or further: only these runs; both: two sides that hold the same people, and what 1,000 changes cost then")
	flag.Parse()
	if err := b.run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(only string) (err error) {
	if b.dir, err = os.MkdirTemp("", "tandem-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	for name, pkg := range map[string]string{"tandem": "./cmd/tandem", "reference": "./bench/reference", "twins": "./bench/twins"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(b.dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	if only == "both" {
		return b.large()
	}
	fmt.Printf("%s, %d cores, %d contacts, best of %d\n\n", runtime.Version(), runtime.NumCPU(), b.rows, b.times)
	if only != "further" {
		fmt.Println("| first sync | latency | wall | CPU | resident | calls | to the reference, whole rows |")
		fmt.Println("|---|---|---|---|---|---|---|")
		for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
			if err := b.first(latency); err != nil {
				return err
			}
		}
	}
	if only == "first" {
		return nil
	}
	fmt.Println("\n| further run | wall | CPU | work | read | updated | calls left | calls right |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	return b.further()
}

// first compares first syncs at one latency.
func (b *bench) first(latency time.Duration) error {
	var trimmed, wide cost
	if !b.dirty {
		for _, whole := range []bool{true, false} {
			got, err := b.best(latency, func(p place, dir string) (cost, error) {
				args := []string{"-erp", p.ERP, "-key", p.Key, "-crm", p.CRM, "-token", p.Token, "-cursor", filepath.Join(dir, "cursor")}
				if whole {
					args = append(args, "-whole")
				}
				return measure(exec.Command(filepath.Join(b.dir, "reference"), args...))
			})
			if err != nil {
				return fmt.Errorf("reference: %w", err)
			}
			name := "reference"
			if trimmed = got; whole {
				name, wide = "reference, whole rows", got
			}
			fmt.Printf("| %s | %s | %s | %s | %s | | |\n", name, latency, ms(got.wall), ms(got.cpu), mib(got.rss))
		}
	}
	got, err := b.best(latency, func(p place, dir string) (cost, error) { return b.tandem(p, dir) })
	if err != nil {
		return fmt.Errorf("tandem: %w", err)
	}
	rep := reportOf(got.out)
	ratio := ""
	if wide.wall > 0 {
		ratio = fmt.Sprintf("%.1f × wall (%.1f × with trimmed rows)", float64(got.wall)/float64(wide.wall), float64(got.wall)/float64(trimmed.wall))
	}
	fmt.Printf("| tandem | %s | %s | %s | %s | %d + %d | %s |\n", latency, ms(got.wall), ms(got.cpu), mib(got.rss), rep.Left.Calls, rep.Right.Calls, ratio)
	return nil
}

// best runs a program several times, each on fresh twins, and returns the fastest.
func (b *bench) best(latency time.Duration, once func(place, string) (cost, error)) (cost, error) {
	var best cost
	for i := range b.times {
		dir, err := os.MkdirTemp(b.dir, "run-")
		if err != nil {
			return cost{}, err
		}
		stop, p, err := b.twins(latency)
		if err != nil {
			return cost{}, err
		}
		got, err := once(p, dir)
		if err == nil && !b.dirty {
			err = b.complete(p)
		}
		stop()
		if err != nil {
			return cost{}, err
		}
		if i == 0 || got.wall < best.wall {
			best = got
		}
	}
	return best, nil
}

// complete checks that everything has arrived.
func (b *bench) complete(p place) error {
	var n int
	out, err := order(http.MethodGet, p.Control+"/count")
	if err == nil {
		_, err = fmt.Sscan(out, &n)
	}
	if err == nil && n != b.rows {
		err = fmt.Errorf("%d contacts arrived, not %d", n, b.rows)
	}
	return err
}

// further measures runs after the first: with nothing changed, and with 1% changed.
func (b *bench) further() error {
	stop, p, err := b.twins(0)
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return err
	}
	if _, err := b.tandem(p, dir); err != nil {
		return err
	}
	later := func() error {
		if b.wait > 0 {
			time.Sleep(b.wait)
			return nil
		}
		_, err := order(http.MethodPost, p.Control+"/later?by=2h")
		return err
	}
	if err := later(); err != nil {
		return err
	}
	if _, err := b.tandem(p, dir); err != nil { // reads the vendors' overlap once more
		return err
	}
	for _, step := range []struct {
		name string
		edit int
	}{{"nothing changed", 0}, {"1% changed", b.rows / 100}} {
		if err := later(); err != nil {
			return err
		}
		if step.edit > 0 {
			if _, err := order(http.MethodPost, fmt.Sprintf("%s/edit?n=%d", p.Control, step.edit)); err != nil {
				return err
			}
		}
		got, err := b.tandem(p, dir)
		if err != nil {
			return err
		}
		rep := reportOf(got.out)
		fmt.Printf("| %s | %s | %s | %d ms | %d + %d | %d | %d | %d |\n", step.name, ms(got.wall), ms(got.cpu), rep.DurationMS,
			rep.Left.Read, rep.Right.Read, rep.Right.Updated, rep.Left.Calls, rep.Right.Calls)
	}
	return nil
}

// large measures two sides that hold the same people before they are connected: the first
// sync links them all, and then 1,000 are changed.
func (b *bench) large() error {
	b.both = true
	stop, p, err := b.twins(0)
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %d contacts on each side\n\n", runtime.Version(), runtime.NumCPU(), b.rows)
	fmt.Println("| run | wall | CPU | resident | store | read | linked | updated | calls left | calls right |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, step := range []struct {
		name string
		edit int
	}{{"first", 0}, {"nothing changed", 0}, {"1,000 changed", 1000}} {
		if _, err := order(http.MethodPost, p.Control+"/later?by=2h"); err != nil { // what was invented is past the vendors' overlap
			return err
		}
		if step.edit > 0 {
			if _, err := order(http.MethodPost, fmt.Sprintf("%s/edit?n=%d", p.Control, step.edit)); err != nil {
				return err
			}
		}
		got, err := b.tandem(p, dir)
		if err != nil {
			return err
		}
		kept, err := size(filepath.Join(dir, "tandem.db"))
		if err != nil {
			return err
		}
		rep := reportOf(got.out)
		fmt.Printf("| %s | %s | %s | %s | %d MiB | %d + %d | %d | %d | %d | %d |\n", step.name, ms(got.wall), ms(got.cpu), mib(got.rss), kept>>20,
			rep.Left.Read, rep.Right.Read, rep.Linked, rep.Right.Updated, rep.Left.Calls, rep.Right.Calls)
	}
	return nil
}

// size is what a database takes on disk, its log included.
func size(file string) (int64, error) {
	var n int64
	for _, name := range []string{file, file + "-wal"} {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

// twins starts both twins and returns how to stop them.
func (b *bench) twins(latency time.Duration) (stop func(), p place, err error) {
	args := []string{"-rows", fmt.Sprint(b.rows), "-latency", latency.String()}
	if b.dirty {
		args = append(args, "-dirty")
	}
	if b.both {
		args = append(args, "-both")
	}
	cmd := exec.Command(filepath.Join(b.dir, "twins"), args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, p, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, p, err
	}
	if err := cmd.Start(); err != nil {
		return nil, p, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p)
	}
	stop = func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			fmt.Fprintln(os.Stderr, "bench: twins:", err)
		}
	}
	if err != nil {
		stop()
		return nil, p, fmt.Errorf("start the twins: %w", err)
	}
	return stop, p, nil
}

const config = `version: 1
country: GR
connections:
  erp: { system: dolibarr, url: "ERP/api/index.php", api_key: "${KEY}" }
  crm: { system: hubspot, url: "CRM", access_token: "${TOKEN}" }
syncs:
  contacts: { left: erp.contacts, right: crm.contacts, direction: left-to-right, match: [email] }
`

// tandem runs "tandem sync" in a folder of its own.
func (b *bench) tandem(p place, dir string) (cost, error) {
	text := strings.NewReplacer("ERP", p.ERP, "CRM", p.CRM).Replace(config)
	file := filepath.Join(dir, "tandem.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return cost{}, err
	}
	cmd := exec.Command(filepath.Join(b.dir, "tandem"), "sync", "-q", "-o", "json", "-c", file)
	cmd.Env = append(os.Environ(), "KEY="+p.Key, "TOKEN="+p.Token)
	got, err := measure(cmd)
	if b.verbose {
		fmt.Fprintf(os.Stderr, "%s", got.out)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 && b.dirty {
		err = nil // something waits in the review queue, as it must
	}
	return got, err
}

func measure(cmd *exec.Cmd) (cost, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(began), out: out.Bytes()}
	if cmd.ProcessState != nil {
		c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			c.rss = usage.Maxrss
		}
	}
	if err != nil {
		return c, fmt.Errorf("%w: %s%s", err, out.String(), errs.String())
	}
	return c, nil
}

type report struct {
	Left, Right struct{ Read, Created, Updated, Calls int }
	Linked      int
	DurationMS  int64 `json:"duration_ms"`
}

func reportOf(line []byte) report {
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		fmt.Fprintln(os.Stderr, "bench: read the report:", err)
	}
	return r
}

func order(method, address string) (string, error) {
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", address, res.Status, body)
	}
	return string(body), errors.Join(err, res.Body.Close())
}

func ms(d time.Duration) string { return d.Round(time.Millisecond).String() }
func mib(kb int64) string       { return fmt.Sprintf("%d MiB", kb/1024) }
