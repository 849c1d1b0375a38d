package console

import "sync"

// How many pages may listen at a time: in all, and of one person.
const (
	mostListeners = 256
	mostOfOne     = 16
)

// A Bell is rung whenever something has changed that a page may show. Its zero value is ready,
// and its methods may be called from several goroutines.
type Bell struct {
	mu   sync.Mutex
	ears map[chan struct{}]string // and whose they are
	shut bool
}

// Ring tells all listeners. It waits for nobody: who has not heard the last one yet hears one.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ear := range b.ears {
		select {
		case ear <- struct{}{}:
		default:
		}
	}
}

// Listen returns what is sent to at each ring and closed when the bell is, and what ends it;
// false if there are too many listeners, or the bell is closed.
func (b *Bell) Listen(who string) (<-chan struct{}, func(), bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := 0
	for _, name := range b.ears {
		if name == who {
			own++
		}
	}
	if b.shut || own >= mostOfOne || len(b.ears) >= mostListeners {
		return nil, nil, false
	}
	if b.ears == nil {
		b.ears = map[chan struct{}]string{}
	}
	ear := make(chan struct{}, 1)
	b.ears[ear] = who
	return ear, func() { b.drop(ear) }, true
}

func (b *Bell) drop(ear chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ears, ear)
}

// Close ends all listening: the process is about to stop.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return
	}
	b.shut = true
	for ear := range b.ears {
		close(ear)
	}
	clear(b.ears)
}
