package connectortest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// A defect is something that a connector can get wrong, and the scenario that must notice.
type defect struct {
	name     string
	scenario string
	part     string // "" = cards
	says     string // part of what the scenario must say

	suite      func(*Suite)
	schema     func(*record.Object)
	check      func(*mutant, context.Context) (connector.Identity, error)
	changes    func(*mutant, context.Context, connector.Query) (connector.Page, error)
	read       func(*mutant, context.Context, string, []string) ([]connector.Change, error)
	find       func(*mutant, context.Context, string, string, []string) ([]record.Record, error)
	write      func(*mutant, context.Context, []connector.Op) ([]connector.Result, error)
	partitions func(*mutant, context.Context, string) ([]string, error)
	addField   func(*mutant, context.Context, string, record.Field) (record.Field, error)
	receive    func(*mutant, time.Time, *http.Request, []byte) (connector.Delivery, error)
	subscribe  func(*mutant, context.Context, string, []string) (time.Time, error)
	forget     func(*mutant, context.Context, string) error
	files      func(*mutant, context.Context, record.Ref) ([]connector.File, error)
	openFile   func(*mutant, context.Context, connector.File) (io.ReadCloser, error)
	addFile    func(*mutant, context.Context, string, record.Ref, connector.File, io.Reader) (connector.File, connector.Result, error)
	removeFile func(*mutant, context.Context, connector.File) error
	track      func(*mutant, context.Context, []connector.Event) ([]connector.Result, error)
	tracked    func(*mutant, context.Context, []connector.Event) ([]bool, error)
}

// A mutant is the toy's connection with one defect.
type mutant struct {
	good connector.Abilities
	env  connector.Env
	d    defect

	mu    sync.Mutex
	pages int
	last  []connector.Change
}

func (d defect) spec(spec connector.Spec) connector.Spec {
	open := spec.Open
	spec.Open = func(env connector.Env) (connector.Connection, error) {
		c, err := open(env)
		if err != nil {
			return nil, fmt.Errorf("open the good one: %w", err)
		}
		return &mutant{good: connector.AbilitiesOf(c), env: env, d: d}, nil
	}
	return spec
}

func (m *mutant) Check(ctx context.Context) (connector.Identity, error) {
	if m.d.check != nil {
		return m.d.check(m, ctx)
	}
	return m.good.Check.Check(ctx)
}

func (m *mutant) Schema(ctx context.Context) (record.Schema, error) {
	s, err := m.good.Source.Schema(ctx)
	if m.d.schema != nil {
		for i := range s.Objects {
			m.d.schema(&s.Objects[i])
		}
	}
	return s, err
}

func (m *mutant) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	if m.d.changes != nil {
		return m.d.changes(m, ctx, q)
	}
	return m.good.Source.Changes(ctx, q)
}

func (m *mutant) Read(ctx context.Context, object string, ids []string) ([]connector.Change, error) {
	if m.d.read != nil {
		return m.d.read(m, ctx, object, ids)
	}
	return m.good.Reader.Read(ctx, object, ids)
}

func (m *mutant) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	if m.d.find != nil {
		return m.d.find(m, ctx, object, field, values)
	}
	return m.good.Finder.Find(ctx, object, field, values)
}

func (m *mutant) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if m.d.write != nil {
		return m.d.write(m, ctx, ops)
	}
	return m.good.Writer.Write(ctx, ops)
}

func (m *mutant) Partitions(ctx context.Context, object string) ([]string, error) {
	if m.d.partitions != nil {
		return m.d.partitions(m, ctx, object)
	}
	return m.good.Partitioner.Partitions(ctx, object)
}

func (m *mutant) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	if m.d.addField != nil {
		return m.d.addField(m, ctx, object, f)
	}
	return m.good.AddField.AddField(ctx, object, f)
}

func (m *mutant) Receive(now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	if m.d.receive != nil {
		return m.d.receive(m, now, r, body)
	}
	return m.good.Receiver.Receive(now, r, body)
}

func (m *mutant) Subscribe(ctx context.Context, hook string, objects []string) (time.Time, error) {
	if m.d.subscribe != nil {
		return m.d.subscribe(m, ctx, hook, objects)
	}
	return m.good.Subscriber.Subscribe(ctx, hook, objects)
}

func (m *mutant) Unsubscribe(ctx context.Context, hook string) error {
	if m.d.forget != nil {
		return m.d.forget(m, ctx, hook)
	}
	return m.good.Subscriber.Unsubscribe(ctx, hook)
}

func (m *mutant) Files(ctx context.Context, r record.Ref) ([]connector.File, error) {
	if m.d.files != nil {
		return m.d.files(m, ctx, r)
	}
	return m.good.Files.Files(ctx, r)
}

func (m *mutant) OpenFile(ctx context.Context, f connector.File) (io.ReadCloser, error) {
	if m.d.openFile != nil {
		return m.d.openFile(m, ctx, f)
	}
	return m.good.Files.OpenFile(ctx, f)
}

func (m *mutant) AddFile(ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
	if m.d.addFile != nil {
		return m.d.addFile(m, ctx, key, r, f, body)
	}
	return m.good.Files.AddFile(ctx, key, r, f, body)
}

func (m *mutant) RemoveFile(ctx context.Context, f connector.File) error {
	if m.d.removeFile != nil {
		return m.d.removeFile(m, ctx, f)
	}
	return m.good.Files.RemoveFile(ctx, f)
}

// A recorder is a testing.TB whose failures are looked at and do no harm.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	said   []string
}

func (r *recorder) Helper()    {}
func (r *recorder) Log(...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// record plays one scenario against a recorder.
func (s Suite) record(t *testing.T, p part, sc scenario) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.play(r, p, sc)
	}()
	<-done
	return r
}

func (r *recorder) text() string { return strings.Join(r.said, "\n") }

// The wrappers of which most defects are made.

func alterPage(alter func(*connector.Page, connector.Query)) func(*mutant, context.Context, connector.Query) (connector.Page, error) {
	return func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
		page, err := m.good.Source.Changes(ctx, q)
		if err == nil {
			alter(&page, q)
		}
		return page, err
	}
}

// dropChanges leaves out what is so, from all pages.
func dropChanges(is func(connector.Change, connector.Query) bool) func(*mutant, context.Context, connector.Query) (connector.Page, error) {
	return alterPage(func(page *connector.Page, q connector.Query) {
		var kept []connector.Change
		for _, c := range page.Changes {
			if !is(c, q) {
				kept = append(kept, c)
			}
		}
		page.Changes = kept
	})
}

func alterRead(alter func([]connector.Change)) func(*mutant, context.Context, string, []string) ([]connector.Change, error) {
	return func(m *mutant, ctx context.Context, object string, ids []string) ([]connector.Change, error) {
		changes, err := m.good.Reader.Read(ctx, object, ids)
		if err == nil {
			alter(changes)
		}
		return changes, err
	}
}

// alterValues changes every value that is read.
func alterValues(alter func(string, record.Value) record.Value) func([]connector.Change) {
	return func(changes []connector.Change) {
		for _, c := range changes {
			for name, v := range c.Fields {
				c.Fields[name] = alter(name, v)
			}
		}
	}
}

func alterOps(alter func(*connector.Op)) func(*mutant, context.Context, []connector.Op) ([]connector.Result, error) {
	return func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		altered := make([]connector.Op, len(ops))
		for i, op := range ops {
			op.Set = clone(op.Set)
			alter(&op)
			altered[i] = op
		}
		return m.good.Writer.Write(ctx, altered)
	}
}

// alterSent changes every value that is written.
func alterSent(alter func(string, record.Value) record.Value) func(*mutant, context.Context, []connector.Op) ([]connector.Result, error) {
	return alterOps(func(op *connector.Op) {
		for name, v := range op.Set {
			op.Set[name] = alter(name, v)
		}
	})
}

func alterResults(alter func([]connector.Op, []connector.Result)) func(*mutant, context.Context, []connector.Op) ([]connector.Result, error) {
	return func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		results, err := m.good.Writer.Write(ctx, ops)
		if err == nil {
			alter(ops, results)
		}
		return results, err
	}
}

// alterErrors changes every error of a write, that of one operation and that of the call.
func alterErrors(alter func(*connector.Error) error) func(*mutant, context.Context, []connector.Op) ([]connector.Result, error) {
	return func(m *mutant, ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
		results, err := m.good.Writer.Write(ctx, ops)
		for i := range results {
			if results[i].Err != nil {
				results[i].Err = alter(connector.ErrorOf(results[i].Err))
			}
		}
		if err != nil {
			err = alter(connector.ErrorOf(err))
			if err == nil {
				results = make([]connector.Result, len(ops))
				for i, op := range ops {
					results[i].Ref = record.Ref{Object: op.Ref.Object, ID: "1"}
				}
			}
		}
		return results, err
	}
}

// kindTo turns errors of one kind into errors of another.
func kindTo(from, to connector.Kind) func(*connector.Error) error {
	return func(e *connector.Error) error {
		if e.Kind != from {
			return e
		}
		other := *e
		other.Kind = to
		return &other
	}
}
