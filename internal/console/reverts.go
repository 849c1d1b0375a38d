package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
)

const (
	mostReverts = 32               // that are remembered, whatever came of them
	mostItems   = 200              // of a state that are shown
	mostChosen  = 200              // lines that can be taken back as one
	revertLooks = 30 * time.Minute // that a preview may take, its turn included
)

// How a revert stands.
const (
	revertWaits   = "waits"   // for its turn
	revertLooking = "looking" // at what would go back
	revertShown   = "shown"   // and waits for a person's yes
	revertWorks   = "works"   // it goes back
	revertDone    = "done"
	revertFailed  = "failed"
)

func revertStates() []string {
	return []string{revertWaits, revertLooking, revertShown, revertWorks, revertDone, revertFailed}
}

// reverts remembers what people want taken back: what a preview has shown, and what came of it.
// It is forgotten with the process; what was done is in the journal.
type reverts struct {
	mu   sync.Mutex
	last int64
	all  map[int64]*revert
}

// A revert is something that is taken back, in two steps: it is shown first.
type revert struct {
	id      int64
	request engine.RevertRequest
	state   string
	done    bool // it was carried out, not only looked at
	found   *findings
	err     string
}

// findings are what one pass of a revert has told.
type findings struct {
	syncs []engine.Reverted
	items map[engine.RevertState][]engine.RevertItem // of each state the first few
	total map[engine.RevertState]int
}

func newFindings() *findings {
	return &findings{items: map[engine.RevertState][]engine.RevertItem{}, total: map[engine.RevertState]int{}}
}

func (f *findings) add(it engine.RevertItem) error {
	f.total[it.State]++
	if len(f.items[it.State]) < mostItems {
		f.items[it.State] = append(f.items[it.State], it)
	}
	return nil
}

// add remembers another one. The oldest that nothing is done for is forgotten for it; false if
// there is none such.
func (s *reverts) add(q engine.RevertRequest) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= mostReverts {
		oldest := int64(0)
		for id, x := range s.all {
			if x.over() && (oldest == 0 || id < oldest) {
				oldest = id
			}
		}
		if oldest == 0 {
			return 0, false
		}
		delete(s.all, oldest)
	}
	if s.all == nil {
		s.all = map[int64]*revert{}
	}
	s.last++
	s.all[s.last] = &revert{id: s.last, request: q, state: revertWaits}
	return s.last, true
}

// list returns all that are remembered, the newest first.
func (s *reverts) list() []revert {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []revert
	for _, x := range s.all {
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b revert) int { return cmp.Compare(b.id, a.id) })
	return all
}

// over reports whether nothing goes on.
func (x revert) over() bool {
	return x.state == revertShown || x.state == revertDone || x.state == revertFailed
}

// get returns one as it stands.
func (s *reverts) get(id int64) (revert, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.all[id]
	if x == nil {
		return revert{}, false
	}
	return *x, true
}

// step moves one on from a state, and reports whether it stood there.
func (s *reverts) step(id int64, from string, to func(*revert)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.all[id]
	if x == nil || x.state != from {
		return false
	}
	to(x)
	return true
}

// revertRequest reads what is to be taken back from a form.
func (c *console) revertRequest(r *http.Request) (engine.RevertRequest, *problem) {
	if err := r.ParseForm(); err != nil {
		return engine.RevertRequest{}, invalid("error.choice")
	}
	q := engine.RevertRequest{By: visitOf(r).who.Name, Sync: r.PostFormValue("sync"), Force: r.PostFormValue("force") != ""}
	if len(r.PostForm["change"]) > mostChosen {
		p := invalid("error.many")
		p.args = []any{mostChosen}
		return q, p
	}
	var lines []int64
	for _, text := range r.PostForm["change"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return q, invalid("error.choice")
		}
		lines = append(lines, id)
	}
	run, record := r.PostFormValue("run"), r.PostFormValue("record")
	var ok bool
	switch {
	case len(lines) > 0:
		choose(&q, lines)
	case run != "":
		if q.Run, ok = engine.ParseRun(run); !ok {
			return q, invalid("error.run")
		}
	case record != "":
		if q.Of, q.Record, ok = engine.ParseRecord(record); !ok {
			return q, invalid("error.record")
		}
	default:
		return q, invalid("error.nothing")
	}
	if _, known := c.hub.Plan().Sync(q.Sync); q.Sync != "" && !known {
		return q, invalid("error.nosync")
	}
	return q, nil
}

// choose has a request take back lines one by one, each of them once.
func choose(q *engine.RevertRequest, lines []int64) {
	lines = slices.Compact(slices.Sorted(slices.Values(lines)))
	q.Change, q.Also = lines[0], lines[1:]
}

func (c *console) beginRevert(w http.ResponseWriter, r *http.Request) error {
	q, wrong := c.revertRequest(r)
	if wrong != nil {
		note(r, q.Name(), "")
		return wrong
	}
	id, err := c.propose(r.Context(), q)
	if err != nil {
		return err
	}
	return c.redirect(w, revertPath(id), "")
}

// propose looks, in the background, at what would be taken back, and returns the number under which
// it can be seen. It writes to no vendor.
func (c *console) propose(ctx context.Context, q engine.RevertRequest) (int64, error) {
	noteIn(ctx, q.Name(), "")
	if q.UpTo == 0 {
		var err error
		if q.UpTo, err = c.hub.Store().JournalEnd(ctx); err != nil {
			return 0, err
		}
	}
	id, ok := c.reverts.add(q)
	if !ok {
		return 0, errCrowded()
	}
	c.hub.Background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, revertLooks)
		defer cancel()
		c.pass(ctx, id, revertWaits, revertLooking, revertShown, (*engine.Engine).PreviewRevert)
	})
	return id, nil
}

func (c *console) doRevert(w http.ResponseWriter, r *http.Request) error {
	x, err := c.carryOut(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.redirect(w, revertPath(x.id), "reverting")
}

// carryOut takes back what was shown, in the background.
func (c *console) carryOut(ctx context.Context, name string) (revert, error) {
	x, err := c.revertOf(name)
	if err != nil {
		return x, err
	}
	noteIn(ctx, x.request.Name(), "")
	if !c.reverts.step(x.id, revertShown, func(x *revert) { x.state, x.done = revertWorks, true }) {
		return x, invalid("error.reverted")
	}
	c.hub.Background(func(ctx context.Context) {
		c.pass(ctx, x.id, revertWorks, revertWorks, revertDone, (*engine.Engine).Revert)
	})
	return x, nil
}

type revertPass func(*engine.Engine, context.Context, engine.RevertRequest, func(engine.RevertItem) error) ([]engine.Reverted, error)

// pass previews, or carries out, and remembers what came of it.
func (c *console) pass(ctx context.Context, id int64, from, while, then string, do revertPass) {
	found := newFindings()
	err := c.hub.Borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		var request engine.RevertRequest
		c.reverts.step(id, from, func(x *revert) { x.state, request = while, x.request })
		c.hub.Bell().Ring()
		var err error
		found.syncs, err = do(e, ctx, request, found.add)
		return err
	})
	for _, s := range found.syncs {
		err = errors.Join(err, s.Err)
	}
	over := func(x *revert) {
		x.state, x.found = then, found
		if err != nil {
			x.state, x.err = revertFailed, err.Error()
		}
	}
	if !c.reverts.step(id, while, over) {
		c.reverts.step(id, from, over) // it never came to its turn
	}
	if err != nil {
		c.log.Warn("a revert did not come to its end; it can be repeated", "error", err)
	}
	c.hub.Bell().Ring()
}

func revertPath(id int64) string { return "/reverts/" + strconv.FormatInt(id, 10) }

func (c *console) revertOf(name string) (revert, error) {
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return revert{}, errNotFound()
	}
	x, ok := c.reverts.get(id)
	if !ok {
		return revert{}, &problem{status: http.StatusNotFound, key: "error.norevert"}
	}
	return x, nil
}
