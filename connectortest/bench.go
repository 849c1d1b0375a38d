package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// A Bench is a connector on a twin of its own. Its methods note every error that the
// connector returns, so that in the end none can have told a secret.
type Bench struct {
	testing.TB
	connector.Abilities
	Twin     twin.Twin
	Handle   *rest.Handle
	Identity connector.Identity // after prepare
	Schema   record.Schema      // after prepare

	suite  Suite
	sample Object
	shape  record.Object // the sample's object, after prepare
	ctx    context.Context
	cancel context.CancelFunc
	log    *log
	count  int // of the "{n}" handed out

	mu   sync.Mutex
	told []string // errors
}

// Open connects to a fresh twin the way the hub does: it checks, learns the limits and
// reads the schema. It fails the test if any of it fails. Close the bench in the end.
func Open(tb testing.TB, s Suite, o twin.Options) *Bench {
	tb.Helper()
	var sample Object
	if len(s.Objects) > 0 {
		sample = s.Objects[0]
	}
	b := s.bench(tb, sample, o)
	b.prepare()
	return b
}

// Close lets the connection go.
func (b *Bench) Close() { b.close() }

// bench makes a twin and a connection that has not been used yet.
func (s Suite) bench(tb testing.TB, sample Object, o twin.Options) *Bench {
	tb.Helper()
	b := &Bench{TB: tb, Twin: s.Twin(o), suite: s, sample: sample, log: &log{}}
	b.ctx, b.cancel = context.WithCancel(tb.Context())
	b.reopen()
	return b
}

func (b *Bench) close() {
	b.Handle.Close()
	b.cancel()
}

// reopen replaces the connection by a new one, as a restart does.
func (b *Bench) reopen() {
	b.Helper()
	b.connect(twin.Transport(b.Twin), b.Twin.Settings())
}

// connect makes a connection with the settings, as they are, of a twin.
func (b *Bench) connect(transport http.RoundTripper, settings map[string]string) {
	b.Helper()
	o := rest.OpenOptions{
		Settings: connector.Settings{}, Secrets: map[string]string{}, URL: b.suite.URL, Transport: transport, Hook: hook,
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	b.suite.fill(&o, settings)
	abilities, handle, err := rest.Open(b.suite.Spec, o)
	if err != nil {
		b.Fatalf("open: %v", err)
	}
	b.Abilities, b.Handle = abilities, handle
	if b.Identity.Account != "" {
		handle.Learn(b.Identity)
	}
}

// prepare checks and reads the schema, as the hub does before anything else.
func (b *Bench) prepare() {
	b.Helper()
	id, err := b.Check.Check(b.ctx)
	if b.note(err); err != nil {
		b.Fatalf("check: %v", err)
	}
	b.Identity = id
	b.Handle.Learn(id)
	if b.Source == nil {
		return
	}
	b.Schema = b.schema()
	if b.sample.Name == "" {
		return
	}
	shape, ok := b.Schema.Object(b.sample.Name)
	if !ok {
		b.Fatalf("the schema has no object %q", b.sample.Name)
	}
	b.shape = shape
}

func (b *Bench) schema() record.Schema {
	b.Helper()
	s, err := b.Source.Schema(b.ctx)
	if b.note(err); err != nil {
		b.Fatalf("schema: %v", err)
	}
	return s
}

// fill gives a connection the suite's settings and those of a twin.
func (s Suite) fill(o *rest.OpenOptions, twins map[string]string) {
	for _, settings := range []map[string]string{s.Settings, twins} {
		for name, value := range settings {
			if secret(s.Spec, name) {
				o.Secrets[name] = value
			} else {
				o.Settings[name] = value
			}
		}
	}
}

// secret reports whether a setting is one.
func secret(spec connector.Spec, name string) bool {
	for _, a := range spec.Auth {
		if a.Setting == name {
			return true
		}
	}
	for _, row := range spec.Settings {
		if row.Name == name {
			return row.Secret
		}
	}
	return false
}

// secrets are the values that nobody may be told.
func (b *Bench) secrets() []string {
	var values []string
	for _, settings := range []map[string]string{b.suite.Settings, b.Twin.Settings()} {
		for name, value := range settings {
			if secret(b.suite.Spec, name) && value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// note keeps an error for the end, and insists that it is an *Error unless the caller
// gave up.
func (b *Bench) note(err error) {
	b.Helper()
	if err == nil {
		return
	}
	b.mu.Lock()
	b.told = append(b.told, err.Error())
	b.mu.Unlock()
	var e *connector.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case !errors.As(err, &e):
		b.Errorf("an error that is no *connector.Error: %v", err)
	default:
		b.mu.Lock()
		b.told = append(b.told, e.Error(), e.Fix)
		b.mu.Unlock()
	}
}

// finish holds what every scenario promises besides its own: the connector asked only for
// what the vendor has, told no secret, and logged nothing above debug.
func (b *Bench) finish() {
	b.Helper()
	for _, what := range b.Twin.Kit().Unknowns() {
		b.Errorf("the twin does not know this: %s", what)
	}
	b.noSecrets()
	for _, line := range b.log.lines() {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
			b.Errorf("logged in normal operation: %s", line)
		}
	}
}

// noSecrets fails if an error, a log line or what Check tells holds a secret.
func (b *Bench) noSecrets() {
	b.Helper()
	identity, err := json.Marshal(b.Identity)
	if err != nil {
		b.Fatalf("encode the identity: %v", err)
	}
	schema, err := json.Marshal(b.Schema)
	if err != nil {
		b.Fatalf("encode the schema: %v", err)
	}
	b.mu.Lock()
	told := append([]string{string(identity), string(schema)}, b.told...)
	b.mu.Unlock()
	for _, value := range b.secrets() {
		for _, text := range append(told, b.log.lines()...) {
			if strings.Contains(text, value) {
				b.Errorf("tells a secret: %s", strings.ReplaceAll(text, value, "<the secret>"))
			}
		}
	}
}

// log keeps what the connector and the client log.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the log.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.buf.String()), "\n")
}
