package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/tandemhub/tandem/internal/engine"
)

// A watcher shows how far a sync has come. Its methods may be called at the same time.
type watcher interface {
	see(engine.Progress)
	stop() // nothing is written after it has returned
}

// watch returns bars on a terminal, plain lines elsewhere, and nothing with -q.
func (a *app) watch() watcher {
	switch {
	case a.quiet:
		return blind{}
	case isTerminal(a.Err):
		return newBars(a.Err)
	default:
		return &lines{out: a.Err, began: map[stage]time.Time{}, last: map[stage]time.Time{}}
	}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

type blind struct{}

func (blind) see(engine.Progress) {}
func (blind) stop()               {}

// A stage is one thing that takes time.
type stage struct{ sync, what string }

// lines writes a line about what takes long, and none about what does not.
type lines struct {
	mu    sync.Mutex
	out   io.Writer
	over  bool
	began map[stage]time.Time
	last  map[stage]time.Time
}

// How long a stage takes before there is a line about it, and between two lines.
const (
	quietFor  = 2 * time.Second
	lineEvery = 5 * time.Second
)

func (l *lines) see(p engine.Progress) {
	if p.Stage == "" {
		return // it has only begun
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, now := stage{p.Sync, p.Stage}, time.Now()
	if _, known := l.began[s]; !known {
		l.began[s] = now
	}
	if l.over || now.Sub(l.began[s]) < quietFor || now.Sub(l.last[s]) < lineEvery {
		return
	}
	l.last[s] = now
	if p.Total > 0 {
		fmt.Fprintf(l.out, "%s: %s, %s of %s\n", p.Sync, p.Stage, count(p.Done), count(p.Total))
		return
	}
	fmt.Fprintf(l.out, "%s: %s, %s so far\n", p.Sync, p.Stage, count(p.Done))
}

func (l *lines) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// bars draws one line per stage of the sync that runs: a bar where the end is known, else
// a wheel that turns.
type bars struct {
	mu    sync.Mutex
	all   *mpb.Progress
	lines map[stage]*bar
	over  bool
}

type bar struct {
	*mpb.Bar
	done, total atomic.Int64
}

func newBars(out io.Writer) *bars {
	return &bars{all: mpb.New(mpb.WithOutput(out), mpb.WithWidth(30)), lines: map[stage]*bar{}}
}

func (b *bars) see(p engine.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || p.Stage == "" {
		return
	}
	s := stage{p.Sync, p.Stage}
	line := b.lines[s]
	if line == nil {
		b.drop(func(other stage) bool { return other.sync != p.Sync })
		line = b.draw(s, p.Total > 0)
		b.lines[s] = line
	}
	line.done.Store(int64(p.Done))
	line.total.Store(int64(p.Total))
	// One more than done keeps a line from completing before its stage has.
	line.SetTotal(int64(max(p.Total, p.Done+1)), false)
	line.SetCurrent(int64(p.Done))
}

func (b *bars) draw(s stage, known bool) *bar {
	line := &bar{}
	add := b.all.AddSpinner
	if known {
		add = b.all.AddBar
	}
	line.Bar = add(0, // with a total from the start it would complete by itself
		mpb.PrependDecorators(
			decor.Name(fmt.Sprintf("%s: %s", s.sync, s.what), decor.WCSyncSpaceR),
			decor.Any(func(decor.Statistics) string {
				text := count(int(line.done.Load()))
				if total := line.total.Load(); total > 0 {
					text += " of " + count(int(total))
				}
				return text
			}, decor.WCSyncSpace)))
	return line
}

// drop takes lines off the screen.
func (b *bars) drop(which func(stage) bool) {
	for s, line := range b.lines {
		if which(s) {
			line.Abort(true)
			delete(b.lines, s)
		}
	}
}

func (b *bars) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.over = true
	b.drop(func(stage) bool { return true })
	b.all.Wait()
}
