// Package console is what people see in a browser, and the API beside it.
//
// Every address is a row of [console.routes]: method, pattern, the right that it takes, its
// handler and, if it writes, its name in the audit. Nothing else decides who may do what: the
// rows are checked in one place, serve, before a handler runs. A page is a template in pages/
// and a typed struct; [view.page] renders it. Every word that a person reads comes from the
// catalogues in texts/.
//
// To add a page: a row in routes.go, a file with its handler and its struct, a template, its
// texts in every language, and its line in the table of TestEveryRouteForEveryRole.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

// A Hub is what the process lends to the console. Its methods may be called from several
// goroutines, and none but Borrow waits for a vendor.
type Hub interface {
	// Plan returns the configuration that is served by now. It is never changed, only replaced.
	Plan() *plan.Plan
	Store() *store.Store
	Specs() []connector.Spec
	// Borrow lends an engine while nothing else works with one. It waits for its turn, and
	// returns the context's error if that ends first.
	Borrow(ctx context.Context, fn func(context.Context, *engine.Engine) error) error
	// Bring takes in what a connection's vendor has sent to somebody else, with the header that it
	// came with, and returns how many records it tells of. The connector verifies it as at the door.
	Bring(ctx context.Context, connection string, r *http.Request, body []byte) (int, error)
	// Hint notes that records of a connection may have changed: they are read as if its vendor had
	// said so.
	Hint(ctx context.Context, connection string, records []record.Ref) error
	// Run asks for syncs to be run as soon as nothing else works, whether or not they are
	// scheduled or paused, and returns at once. Several wishes for one sync are one.
	Run(syncs ...string) error
	// Pause keeps a sync from running by its schedule, or by what vendors report, until Resume;
	// over a restart too.
	Pause(ctx context.Context, sync, by string) error
	Resume(ctx context.Context, sync string) error
	Status(ctx context.Context) (Status, error)
	// Grants returns what people granted connections in a browser, by connection. They know from
	// memory how they stand, and need nobody's turn to begin and end a round trip.
	Grants(ctx context.Context) (map[string]*grant.Grant, error)
	// Look lends an engine at once, whatever else works, for what asks no vendor: vendors' limits
	// are kept within the one that works.
	Look(ctx context.Context, fn func(context.Context, *engine.Engine) error) error
	// Progress returns how far the run under way has come; nil = there is none.
	Progress() *Progress
	// Cancel ends a run, which is as safe as a kill, and reports whether it was under way.
	Cancel(run int64) bool
	// Bell returns what is rung when something has changed. It is always the same.
	Bell() *Bell
	// Background does something that no request waits for. Its context ends when the process is
	// to end, which then waits for it.
	Background(fn func(context.Context))

	// Configuration returns the text that counts, and where it comes from.
	Configuration(ctx context.Context) (Configuration, error)
	// CheckConfiguration says what is wrong with a text; the plan is nil if it cannot be read.
	CheckConfiguration(ctx context.Context, text string) (*plan.Plan, plan.Problems, error)
	// AdoptFile makes the file's text the version that counts. It is read anew between runs, as
	// after all that follow here.
	AdoptFile(ctx context.Context, by, why string) (int, error)
	// SaveConfiguration keeps a text as the version after the one of that number; the store's
	// ErrOutdated if there is a later one.
	SaveConfiguration(ctx context.Context, after int, c store.Configuration) (int, error)
	// KeepConfiguration goes on with what was adopted, though the file was edited.
	KeepConfiguration(ctx context.Context) error
	// ReleaseConfiguration lets the file count again.
	ReleaseConfiguration(ctx context.Context) error

	// Secrets returns the secrets by name, without their values.
	Secrets(ctx context.Context) ([]Secret, error)
	// SetSecret seals a secret and has what uses it take it up.
	SetSecret(ctx context.Context, name, value string) error
	// RemoveSecret removes a secret, and reports whether there was one.
	RemoveSecret(ctx context.Context, name string) (bool, error)

	// Key tells of the key under which secrets are sealed.
	Key(ctx context.Context) (Key, error)
	// RotateKey makes a new key and seals everything anew under it; what works takes it up by itself.
	RotateKey(ctx context.Context) (safe.Rotation, error)
	// ConfirmKey checks that the key in use opens everything, and removes the file of the one before,
	// whose name it returns; "" = there was none.
	ConfirmKey(ctx context.Context) (string, error)

	// Delays tells how long what vendors reported took until it was in step, since the process began,
	// by connection, the oldest first.
	Delays() []Delay

	// Backup returns a copy of the database as of this moment, which whoever asked for it closes.
	Backup(ctx context.Context) (*store.Copy, error)

	// Unhook has a connection's vendor call here no more, by an engine that was borrowed.
	Unhook(ctx context.Context, e *engine.Engine, connection string) error
}

// A Secret is what is known of a secret: all but its value.
type Secret struct {
	Name    string
	Updated time.Time // zero = the configuration asks for it, and it was not set
	Uses    []string  // connections; "console" and "notify" for what those use
}

// A Key is what is known of the key under which secrets are sealed.
type Key struct {
	Fingerprint string // "" = nothing is sealed
	File        string
	Old         string // the file of the one before the last rotation; "" = there is none
}

// ErrNoKey says that the key which secrets are sealed under was not found.
var ErrNoKey = errors.New("the key of the secrets is not where it is looked for")

// A Configuration is the document of which everything follows.
type Configuration struct {
	File     string // its path
	FileText string // of the file as it is now
	Text     string // what counts
	Adopted  bool   // that is a version of the database, not the file
	Current  store.Configuration
	Edited   bool   // the file was edited after it was adopted, and nobody has decided which counts
	Refused  string // why what counts is not served; "" = it is, or will be after the run under way
}

// A Status is how the process stands.
type Status struct {
	Ready bool // it serves, and is not about to stop
	Busy  bool // an engine works
	Full  bool // the disk is full: nothing runs
	Syncs []SyncStatus
}

// A SyncStatus is what the process knows of a sync; what came of it is in the store.
type SyncStatus struct {
	Name   string
	Next   time.Time // when it runs by its schedule; zero = it has none, or is paused
	Paused *store.Pause
	Asked  bool // somebody wants it to run now
}

// Options are what a console works with.
type Options struct {
	Hub      Hub
	Accounts *account.Accounts
	Log      *slog.Logger
	Listen   string       // the address that is listened on, as "host:port"
	Demo     Demo         // nil = this is no demo
	Alerts   Alerts       // nil = nobody is told anything
	Client   *http.Client // to the identity provider; nil = one with a time limit
	Now      func() time.Time
}

type console struct {
	hub      Hub
	accounts *account.Accounts
	log      *slog.Logger
	listen   string
	now      func() time.Time
	view     *view
	files    *files
	outside  *outside
	askings  *askings
	reverts  reverts

	jobs    *jobs
	preview func(ctx context.Context, sync string) (engine.Preview, error)
	verify  func(ctx context.Context, sync string, repair bool) (engine.VerifyReport, []engine.Finding, error)
	demo    Demo   // nil = this is none
	alerts  Alerts // nil = nobody is told anything
	memo    *memo
	copying chan struct{} // holds one while a backup is taken along: it needs room beside the database

	began time.Time
	api   *api
}

// New returns the handler of everything that the console answers.
func New(o Options) (http.Handler, error) {
	c, err := newConsole(o)
	if err != nil {
		return nil, err
	}
	return c.handler(c.routes())
}

func newConsole(o Options) (*console, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	files, err := newFiles()
	if err != nil {
		return nil, fmt.Errorf("load the console's files: %w", err)
	}
	c := &console{hub: o.Hub, accounts: o.Accounts, log: o.Log, listen: o.Listen, now: o.Now, files: files, demo: o.Demo, alerts: o.Alerts, memo: newMemo(), copying: make(chan struct{}, 1), began: o.Now()}
	if c.view, err = newView(o.Hub, files, o.Log); err != nil {
		return nil, fmt.Errorf("load the console's pages: %w", err)
	}
	c.outside, c.askings = newOutside(o.Client, o.Now), &askings{all: map[string]asking{}}
	c.jobs, c.preview, c.verify = newJobs(o.Now), c.borrowPreview, c.borrowVerify
	c.view.demo = o.Demo != nil
	c.api = newAPI(c)
	return c, nil
}
