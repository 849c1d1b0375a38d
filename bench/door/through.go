package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// throughYAML leaves the work to webhooks: the schedule is a day away. HubSpot's changes can be
// read at once, so that no delay of a vendor's is in the numbers.
const throughYAML = `version: 1
public_url: http://%[1]s
connections:
  erp: { system: dolibarr, url: %[2]s/api/index.php, api_key: "${ERP_KEY}" }
  crm: { system: hubspot, url: %[3]s, access_token: "${CRM_TOKEN}", client_secret: "${CRM_SECRET}" }
syncs:
  contacts:
    left: erp.contacts
    right: crm.contacts
    match: [email]
    schedule: 1d
    guard: { update: 1000000 } # all edits fall on one day
    fields: [email, first_name, last_name, job_title]
`

// A passage is the way of an edit through Tandem: the vendor's webhook, the door, the read by id,
// the merge and the write to the other side.
type passage struct {
	dir     string
	edits   int
	gap     time.Duration
	latency time.Duration
	erp     twin.Twin
	crm     *hubspottwin.Account
	env     []string
	address string // of the server
}

// through measures how long an edit at a vendor takes to the other side.
func through(p passage) (err error) {
	if p.dir, err = os.MkdirTemp("", "tandem-through-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	ids, err := p.prepare()
	if err != nil {
		return err
	}
	stop, err := p.serve()
	if err != nil {
		return err
	}
	defer stop()
	if err := p.await(func() bool { return len(p.erp.Rows("contacts")) == len(ids) }); err != nil {
		return fmt.Errorf("the first sync: %w", err)
	}
	if err := p.aim(); err != nil {
		return err
	}
	left, err := p.edit(ids)
	if err != nil {
		return err
	}
	arrived := map[string]time.Time{}
	err = p.await(func() bool {
		for _, act := range p.erp.Kit().Ledger().Acts() {
			if title, ok := act.Fields["poste"]; ok && act.By == "api" && arrived[title].IsZero() {
				arrived[title] = act.At
			}
		}
		return len(arrived) == len(left)
	})
	if err != nil {
		return fmt.Errorf("%d of %d edits arrived: %w", len(arrived), len(left), err)
	}
	var took []time.Duration
	for title, at := range left {
		took = append(took, arrived[title].Sub(at))
	}
	slices.Sort(took)
	at := func(part float64) time.Duration { return took[int(part*float64(len(took)-1))].Round(time.Millisecond) }
	fmt.Println("| edits | one in | latency of a call | p50 | p99 | slowest |\n|---|---|---|---|---|---|")
	fmt.Printf("| %d | %v | %v | %v | %v | %v |\n", p.edits, p.gap, p.latency, at(0.5), at(0.99), at(1))
	return nil
}

// prepare builds Tandem, and has both vendors answer on loopback with contacts at the one.
func (p *passage) prepare() ([]string, error) {
	build := exec.Command("go", "build", "-o", filepath.Join(p.dir, "tandem"), "./cmd/tandem")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build tandem: %w", err)
	}
	crm, ok := hubspottwin.New(twin.Options{Latency: p.latency, NoLimits: true, Prompt: true}).(*hubspottwin.Account)
	if !ok {
		return nil, errors.New("the twin is another one")
	}
	p.crm, p.erp = crm, dolibarrtwin.New(twin.Options{Latency: p.latency, NoLimits: true})
	ids := make([]string, p.edits)
	for i := range ids {
		var err error
		ids[i], err = p.crm.Put("contacts", "", map[string]string{"email": fmt.Sprintf("c%d@bench.example", i), "lastname": fmt.Sprintf("Last%d", i)})
		if err != nil {
			return nil, err
		}
	}
	var urls []any
	for _, tw := range []twin.Twin{p.erp, p.crm} {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		web := &http.Server{Handler: tw, ReadHeaderTimeout: time.Minute}
		go func() { _ = web.Serve(l) }() // until the program ends
		urls = append(urls, "http://"+l.Addr().String())
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		return nil, err
	}
	p.address = l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	_, secret := p.crm.App()
	p.env = append(os.Environ(), "ERP_KEY="+p.erp.Settings()["api_key"], "CRM_TOKEN="+p.crm.Settings()["access_token"], "CRM_SECRET="+secret)
	yaml := fmt.Sprintf(throughYAML, append([]any{p.address}, urls...)...)
	return ids, os.WriteFile(filepath.Join(p.dir, "tandem.yaml"), []byte(yaml), 0o600)
}

func (p *passage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.dir, "tandem"), append([]string{"-q", "-c", filepath.Join(p.dir, "tandem.yaml")}, args...)...)
	cmd.Env, cmd.Stderr = p.env, os.Stderr
	return cmd
}

func (p *passage) serve() (func(), error) {
	cmd := p.command("serve", "--listen", p.address)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tandem: %w", err)
	}
	return func() {
		_ = cmd.Process.Signal(os.Interrupt) // it ends by itself, or is gone already
		_ = cmd.Wait()
	}, nil
}

// aim has HubSpot call the address that Tandem tells.
func (p *passage) aim() error {
	told, err := p.command("connections").Output()
	if err != nil {
		return fmt.Errorf("ask for the address: %w", err)
	}
	found := regexp.MustCompile(`(?m)^crm is called at (\S+)$`).FindSubmatch(told)
	if found == nil {
		return fmt.Errorf("no address is told: %s", told)
	}
	p.crm.Webhook(hubspottwin.Hook{Target: string(found[1]), Events: []string{"contact.propertyChange:jobtitle"}})
	return nil
}

// edit changes one contact after the other and delivers each change at once. It returns when
// each was made, by what was written.
func (p *passage) edit(ids []string) (map[string]time.Time, error) {
	left := map[string]time.Time{}
	next := time.Now()
	for i, id := range ids {
		time.Sleep(time.Until(next))
		next = next.Add(p.gap)
		title := fmt.Sprintf("Title %d", i)
		left[title] = time.Now()
		if _, err := p.crm.Put("contacts", id, map[string]string{"jobtitle": title}); err != nil {
			return nil, err
		}
		statuses, err := p.crm.Deliver(context.Background(), http.DefaultTransport, twin.HookFaults{})
		if err != nil || len(statuses) != 1 || statuses[0] != http.StatusOK {
			return nil, fmt.Errorf("a webhook was answered with %v: %w", statuses, err)
		}
	}
	return left, nil
}

func (p *passage) await(done func() bool) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return nil
		}
	}
	return errors.New("it took more than a minute")
}
