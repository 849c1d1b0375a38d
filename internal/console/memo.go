package console

import "context"

// mostKept is how many answers a memo keeps.
const mostKept = 32

// A memo keeps what takes long to compute and does not change as long as its key is the same.
// One thing is computed at a time: two people who open the same report wait for one answer.
type memo struct {
	turn chan struct{}
	kept map[string]any
	keys []string // the oldest first
}

func newMemo() *memo { return &memo{turn: make(chan struct{}, 1), kept: map[string]any{}} }

// get returns the answer to a key. What fails is not kept.
func (m *memo) get(ctx context.Context, key string, compute func() (any, error)) (any, error) {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.turn }()
	if answer, known := m.kept[key]; known {
		return answer, nil
	}
	answer, err := compute()
	if err != nil {
		return nil, err
	}
	if len(m.keys) == mostKept {
		delete(m.kept, m.keys[0])
		m.keys = m.keys[1:]
	}
	m.kept[key], m.keys = answer, append(m.keys, key)
	return answer, nil
}
