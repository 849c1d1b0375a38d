package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
	"go.opentelemetry.io/otel/trace"
)

// An app is what every command works with.
type app struct {
	Streams

	systems []connector.System
	config  string // path of the configuration file
	json    bool
	quiet   bool
	tracer  trace.Tracer // nil = nothing is traced
	lab     *lab         // of the demo; nil = this is none
}

func (a *app) specs() []connector.Spec {
	specs := make([]connector.Spec, 0, len(a.systems))
	for _, s := range a.systems {
		specs = append(specs, s.Spec)
	}
	return specs
}

// system returns the system of that name, or an error that names those there are.
func (a *app) system(name string) (connector.System, error) {
	var names []string
	for _, s := range a.systems {
		if s.Spec.Name == name {
			return s, nil
		}
		names = append(names, s.Spec.Name)
	}
	return connector.System{}, unknown("system", name, names)
}

// unknown says that there is no thing of that name, and what there is.
func unknown(kind, name string, names []string) error {
	return usage("%w", &jsonl.UnknownError{Kind: kind, Name: name, Have: names})
}

// warnf tells a person something that stops nothing.
func (a *app) warnf(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.Err, printable(fmt.Sprintf(format, args...)))
	}
}

// load reads the configuration. Warnings are told; an error ends the command with 2.
func (a *app) load(ctx context.Context) (*plan.Plan, error) {
	d, err := a.counting(ctx)
	if err != nil {
		return nil, err
	}
	p, problems, err := a.parse(ctx, d.name, d.text)
	if err != nil {
		return nil, err
	}
	for _, problem := range problems {
		if problem.Warning {
			a.warnf("%s", problem.String())
		}
	}
	if problems.HasErrors() {
		return nil, problemsError(problems)
	}
	return p, nil
}

// source returns the text of the configuration's file.
func (a *app) source() ([]byte, error) {
	src, err := os.ReadFile(a.config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no %s; tandem init writes one, and -c names another", a.config)
	}
	if err != nil {
		return nil, usage("read configuration: %w", err)
	}
	return src, nil
}

// problemsError says all that is wrong with a configuration, a line each.
func problemsError(problems plan.Problems) error {
	var lines []string
	for _, p := range problems {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return usage("the configuration cannot be used\n%s", strings.Join(lines, "\n"))
}

// unfit says what of a configuration does not fit what the systems have, and where to look.
func unfit(problems plan.Problems) error {
	err := problemsError(problems)
	if err == nil {
		return nil
	}
	return usage("%w\ntandem fields shows what a system has; tandem check --create-fields makes what is missing, where the system lets us", err)
}

// environment returns a look-up in the process environment, then in the file .env beside
// the configuration.
func (a *app) environment() (func(string) (string, bool), error) {
	file := filepath.Join(filepath.Dir(a.config), ".env")
	extra, err := godotenv.Read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The parser's error repeats the line, and that may hold a secret (invariant 9).
		return nil, usage("%s cannot be read; each line is NAME=value", file)
	}
	return func(name string) (string, bool) {
		if v, ok := a.Env(name); ok {
			return v, true
		}
		v, ok := extra[name]
		return v, ok
	}, nil
}

// An access says what a command does with the database.
type access int

const (
	look  access = iota // reads; makes no file
	touch               // writes beside an owner: decisions, checks
	own                 // pulls and pushes: nobody else may at the same time
)

// openStore opens the plan's database.
func (a *app) openStore(ctx context.Context, p *plan.Plan, how access) (*store.Store, error) {
	return openStore(ctx, store.Options{DSN: p.Database, Reserve: p.Retention.Reserve, Tracer: a.tracer}, how)
}

// openDatabase opens a database for somebody who holds back no room on the disk for it.
func openDatabase(ctx context.Context, database string, how access) (*store.Store, error) {
	return openStore(ctx, store.Options{DSN: database, Reserve: -1}, how)
}

func openStore(ctx context.Context, o store.Options, how access) (*store.Store, error) {
	database := o.DSN
	o.Exclusive, o.ReadOnly = how == own, how == look
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok && how == look && missing(path) {
		o = store.Options{DSN: "sqlite::memory:"} // nothing has happened yet: an empty one says so
	}
	s, err := store.Open(ctx, o)
	if err == nil && how == own {
		if _, err = s.CutShort(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, store.ErrForeign), errors.Is(err, store.ErrNewer), !strings.HasPrefix(database, "sqlite:"):
		return nil, &exitError{code: exitUsage, err: err} // the file names a database that cannot be used
	default:
		return nil, err
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// missing reports whether there is certainly nothing: what cannot be looked at may be there.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// loadSyncs is load for a command that is given syncs, which have to be there.
func (a *app) loadSyncs(ctx context.Context, names []string) (*plan.Plan, error) {
	p, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	if len(p.Syncs) == 0 && len(names) == 0 {
		a.warnf("there are no syncs in %s, so there is nothing to do; tandem init writes a first file, the console of tandem serve makes syncs", a.config)
	}
	return p, checkSyncs(p, names)
}

// openEngine builds an engine on an open store and its safe. hook tells where vendors call;
// nil = nowhere.
func (a *app) openEngine(p *plan.Plan, s *store.Store, kept *safe.Safe, log *slog.Logger, progress func(engine.Progress), hook func(string) string) (*engine.Engine, error) {
	e, err := engine.New(engine.Options{
		Store: s, Plan: p, Specs: a.specs(), State: kept.State, Log: log, Progress: progress, Hook: hook, Transport: a.Transport, Tracer: a.tracer,
	})
	if err != nil {
		return nil, fmt.Errorf("open connections: %w", err)
	}
	return e, nil
}

// warnings is the log of commands that people start: only what somebody should act on.
func (a *app) warnings() *slog.Logger {
	if a.quiet {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// session is a store and an engine on it.
type session struct {
	plan   *plan.Plan
	store  *store.Store
	safe   *safe.Safe
	engine *engine.Engine
}

// open loads the configuration and opens database and connections. The caller closes it.
func (a *app) open(ctx context.Context, how access) (*session, error) {
	p, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	return a.openPlan(ctx, p, how, nil)
}

func (a *app) openPlan(ctx context.Context, p *plan.Plan, how access, progress func(engine.Progress)) (*session, error) {
	s, err := a.openStore(ctx, p, how)
	if err != nil {
		return nil, err
	}
	kept, err := a.openSafe(ctx, s, p.KeyFile)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	e, err := a.openEngine(p, s, kept, a.warnings(), progress, nil)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &session{plan: p, store: s, safe: kept, engine: e}, nil
}

// close adds the store's last word to err.
func (s *session) close(err *error) {
	if closing := s.store.Close(); closing != nil {
		*err = errors.Join(*err, fmt.Errorf("close database: %w", closing))
	}
}

// checkSyncs refuses names that the plan does not have.
func checkSyncs(p *plan.Plan, names []string) error {
	have := make([]string, 0, len(p.Syncs))
	for _, s := range p.Syncs {
		have = append(have, s.Name)
	}
	return checkNames("sync", names, have)
}

// checkConnections refuses names that the plan does not have.
func checkConnections(p *plan.Plan, names []string) error {
	have := make([]string, 0, len(p.Connections))
	for _, c := range p.Connections {
		have = append(have, c.Name)
	}
	return checkNames("connection", names, have)
}

func checkNames(kind string, names, have []string) error {
	for _, n := range names {
		if !slices.Contains(have, n) {
			return unknown(kind, n, have)
		}
	}
	return nil
}

// joined writes names with commas; a dash for none.
func joined(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
