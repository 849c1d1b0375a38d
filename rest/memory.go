package rest

import (
	"context"
	"sync"

	"github.com/tandemhub/tandem/connector"
)

// memory is a connector.KV that lasts as long as the process: for tests, and for the
// commands that never serve.
type memory struct {
	mu     sync.Mutex
	last   int64
	values map[string]remembered
}

type remembered struct {
	value   string
	version int64
}

func (m *memory) Get(_ context.Context, key string) (string, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.values[key]
	return r.value, r.version, nil
}

func (m *memory) Put(_ context.Context, key, value string, version int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[key].version != version {
		return 0, connector.ErrStale
	}
	if value == "" {
		delete(m.values, key)
		return 0, nil
	}
	if m.values == nil {
		m.values = map[string]remembered{}
	}
	m.last++
	m.values[key] = remembered{value, m.last}
	return m.last, nil
}
