// Command door measures how many webhooks a door takes, how fast it answers, and that nothing
// which it thanked for is gone when its process is killed:
//
//	go run ./bench/door                        1,000 a second for a minute, then the kill
//	go run ./bench/door -rate 0 -for 10s       as many as it takes
//	go run ./bench/door -through 200           how long an edit takes to the other side
//
// The door runs in a process of its own, with a SQLite file and signatures as vendors make
// them, on loopback. Each delivery names another record.
package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const secret = "bench-secret"

type load struct {
	rate    int
	span    time.Duration
	workers int
}

// A tally is what the sender saw.
type tally struct {
	accepted  []string
	busy      int
	failed    int
	latencies []time.Duration
	took      time.Duration
}

func main() {
	var l load
	child := flag.String("serve", "", "serve a door on this database; the program starts itself so")
	flag.IntVar(&l.rate, "rate", 1000, "deliveries a second; 0 = as many as it takes")
	flag.DurationVar(&l.span, "for", time.Minute, "how long")
	flag.IntVar(&l.workers, "workers", 64, "connections of the sender")
	var p passage
	flag.IntVar(&p.edits, "through", 0, "measure so many edits on their way from one system to the other, and nothing else")
	flag.DurationVar(&p.gap, "gap", 250*time.Millisecond, "with -through: the time between two edits")
	flag.DurationVar(&p.latency, "latency", 50*time.Millisecond, "with -through: how long each answer of the systems takes")
	flag.Parse()
	run := func() error { return bench(l) }
	if *child != "" {
		run = func() error { return serve(*child) }
	}
	if p.edits > 0 {
		run = func() error { return through(p) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "door:", err)
		os.Exit(1)
	}
}

// receiver verifies as most vendors ask for, and takes the body for an id.
type receiver struct{}

func (receiver) Receive(_ time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	given, err := hex.DecodeString(r.Header.Get("X-Signature"))
	if err != nil || !hmac.Equal(given, sign(body)) {
		return connector.Delivery{}, &connector.Error{Kind: connector.Unauthorized, Err: errors.New("not the vendor's")}
	}
	return connector.Delivery{Hints: []record.Ref{{Object: "contacts", ID: string(body)}}}, nil
}

func sign(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash takes all
	return mac.Sum(nil)
}

// serve is the process that is measured.
func serve(path string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	if err != nil {
		return err
	}
	at, err := s.OpenDoor(ctx, "crm")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	d := door.New(door.Options{Keeper: s, Connections: []door.Connection{
		{Name: "crm", Key: at.Key, Objects: []string{"contacts"}, Receiver: receiver{}, Door: connector.Door{ReadDelay: time.Second}},
	}})
	go d.Run(ctx)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Println(door.Address("http://"+listener.Addr().String(), "crm", at.Key))
	web := &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second}
	return errors.Join(web.Serve(listener), s.Close())
}

func bench(l load) (err error) {
	dir, err := os.MkdirTemp("", "tandem-door-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Printf("%s, %d cores, %d connections\n\n", runtime.Version(), runtime.NumCPU(), l.workers)
	fmt.Println("| asked for | taken | p50 | p99 | slowest | busy | failed |\n|---|---|---|---|---|---|---|")
	stop, address, err := start(filepath.Join(dir, "load.db"))
	if err != nil {
		return err
	}
	t := l.send(address, nil)
	stop()
	slices.Sort(t.latencies)
	at := func(part float64) time.Duration {
		if len(t.latencies) == 0 {
			return 0
		}
		return t.latencies[int(part*float64(len(t.latencies)-1))].Round(10 * time.Microsecond)
	}
	fmt.Printf("| %s | %.0f/s | %v | %v | %v | %d | %d |\n\n", l.asked(), float64(len(t.accepted))/t.took.Seconds(), at(0.5), at(0.99), at(1), t.busy, t.failed)
	return l.kill(filepath.Join(dir, "kill.db"))
}

func (l load) asked() string {
	if l.rate == 0 {
		return "all it takes"
	}
	return fmt.Sprintf("%d/s for %v", l.rate, l.span)
}

// kill ends the door with SIGKILL in the middle of the load, and looks for what it had thanked for.
func (l load) kill(path string) error {
	stop, address, err := start(path)
	if err != nil {
		return err
	}
	l.span = min(l.span, 10*time.Second)
	t := l.send(address, func() {
		time.Sleep(l.span / 2)
		stop()
	})
	kept, err := waiting(path)
	if err != nil {
		return err
	}
	lost := 0
	for _, id := range t.accepted {
		if !kept[id] {
			lost++
		}
	}
	fmt.Printf("killed after %v: %d thanked for, %d of them gone\n", l.span/2, len(t.accepted), lost)
	if lost > 0 || len(t.accepted) == 0 {
		return errors.New("the door lost what it had accepted")
	}
	return nil
}

func waiting(path string) (map[string]bool, error) {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	if err != nil {
		return nil, err
	}
	hints, err := s.DueHints(ctx, store.Object{Connection: "crm", Name: "contacts"}, time.Now().Add(time.Hour), 1<<30)
	kept := make(map[string]bool, len(hints))
	for _, h := range hints {
		kept[h.ID] = true
	}
	return kept, errors.Join(err, s.Close())
}

// start runs a door and returns how to kill it and its address.
func start(path string) (func(), string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(self, "-serve", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	var once sync.Once
	stop := func() {
		once.Do(func() {
			_ = cmd.Process.Kill() // it is gone already, or it goes now
			_ = cmd.Wait()         // which says that it was killed
		})
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, "", fmt.Errorf("the door did not open: %w", err)
	}
	return stop, strings.TrimSpace(line), nil
}

// send delivers for a while, at the rate that is asked for however slow the answers are: a
// latency counts from when a delivery was to leave.
func (l load) send(address string, meanwhile func()) tally {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: l.workers, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var mu sync.Mutex
	var all tally
	var wg sync.WaitGroup
	began := time.Now()
	if meanwhile != nil {
		wg.Go(meanwhile)
	}
	for range l.workers {
		wg.Go(func() {
			var mine tally
			for {
				n := next.Add(1)
				due := time.Now()
				if l.rate > 0 {
					due = began.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
					time.Sleep(time.Until(due))
				}
				if due.Sub(began) >= l.span {
					break
				}
				id := fmt.Sprintf("c%09d", n)
				mine.add(id, deliver(client, address, id), time.Since(due))
			}
			mu.Lock()
			defer mu.Unlock()
			all.accepted, all.latencies = append(all.accepted, mine.accepted...), append(all.latencies, mine.latencies...)
			all.busy, all.failed = all.busy+mine.busy, all.failed+mine.failed
		})
	}
	wg.Wait()
	all.took = time.Since(began)
	return all
}

func (t *tally) add(id string, status int, took time.Duration) {
	switch status {
	case http.StatusOK:
		t.accepted, t.latencies = append(t.accepted, id), append(t.latencies, took)
	case http.StatusServiceUnavailable:
		t.busy++
	default:
		t.failed++
	}
}

// deliver returns the status, 0 if there was no answer.
func deliver(client *http.Client, address, id string) int {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(id))
	if err != nil {
		return 0
	}
	req.Header.Set("X-Signature", hex.EncodeToString(sign([]byte(id))))
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0
	}
	return res.StatusCode
}
