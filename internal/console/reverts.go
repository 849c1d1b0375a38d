package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
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
			if idle := x.state == revertShown || x.state == revertDone || x.state == revertFailed; idle && (oldest == 0 || id < oldest) {
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
		if !slices.Contains(lines, id) {
			lines = append(lines, id)
		}
	}
	run, record := r.PostFormValue("run"), r.PostFormValue("record")
	var ok bool
	switch {
	case len(lines) > 0:
		slices.Sort(lines)
		q.Change, q.Also = lines[0], lines[1:]
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

// beginRevert looks, in the background, at what would be taken back. It writes to no vendor, and
// shows the way to where it can be seen.
func (c *console) beginRevert(w http.ResponseWriter, r *http.Request) error {
	q, wrong := c.revertRequest(r)
	note(r, q.Name(), "")
	if wrong != nil {
		return wrong
	}
	var err error
	if q.UpTo, err = c.hub.Store().JournalEnd(r.Context()); err != nil {
		return err
	}
	id, ok := c.reverts.add(q)
	if !ok {
		return errCrowded()
	}
	c.hub.Background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, revertLooks)
		defer cancel()
		c.pass(ctx, id, revertWaits, revertLooking, revertShown, (*engine.Engine).PreviewRevert)
	})
	return c.redirect(w, revertPath(id), "")
}

// doRevert takes back what was shown, in the background.
func (c *console) doRevert(w http.ResponseWriter, r *http.Request) error {
	x, err := c.revertOf(r)
	if err != nil {
		return err
	}
	note(r, x.request.Name(), "")
	if !c.reverts.step(x.id, revertShown, func(x *revert) { x.state, x.done = revertWorks, true }) {
		return invalid("error.reverted")
	}
	c.hub.Background(func(ctx context.Context) {
		c.pass(ctx, x.id, revertWorks, revertWorks, revertDone, (*engine.Engine).Revert)
	})
	return c.redirect(w, revertPath(x.id), "reverting")
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

func (c *console) revertOf(r *http.Request) (revert, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return revert{}, errNotFound()
	}
	x, ok := c.reverts.get(id)
	if !ok {
		return revert{}, &problem{status: http.StatusNotFound, key: "error.norevert"}
	}
	return x, nil
}

type revertPage struct {
	ID       int64
	State    string
	Done     bool // it was carried out, or was about to be
	Over     bool // nothing goes on
	Ready    bool // it can be carried out
	Request  engine.RevertRequest
	RunName  string // of the request; "" = it is about no run
	Record   string
	Chosen   []int64
	Sections []revertSection
	Beyond   []string // what the guard of a sync would have said
	Runs     []revertRun
	Stages   []stageLine
	Error    string
	Same     int // that are as before already
}

// A revertSection is what goes back, or does not, for one reason.
type revertSection struct {
	State engine.RevertState
	Total int
	More  int // that are not shown
	Items []revertItem
}

type revertItem struct {
	engine.RevertItem
	Name string
	Link string
}

// A revertRun is the run that a revert was, in one sync.
type revertRun struct{ Name, Link, Sync string }

// sections are the states that are shown, in their order.
func sections() []engine.RevertState {
	return []engine.RevertState{engine.RevertDo, engine.RevertDone, engine.RevertEdited, engine.RevertCannot, engine.RevertWaits}
}

func (c *console) showRevert(w http.ResponseWriter, r *http.Request) error {
	x, err := c.revertOf(r)
	if err != nil {
		return err
	}
	q := x.request
	data := revertPage{ID: x.id, State: x.state, Done: x.done, Request: q, Error: x.err, Over: x.state == revertShown || x.state == revertDone || x.state == revertFailed}
	switch {
	case q.Change != 0:
		data.Chosen = append([]int64{q.Change}, q.Also...)
	case q.Run != 0:
		data.RunName = engine.RunName(q.Run)
	default:
		data.Record = q.Of.String() + "/" + q.Record
	}
	if p := c.hub.Progress(); p != nil && x.state == revertWorks {
		data.Stages = stagesOf(p, c.now())
	}
	if x.found != nil {
		data.show(x.found)
	}
	data.Ready = x.state == revertShown && x.found != nil && x.found.total[engine.RevertDo] > 0
	return c.view.page(w, r, "revert", data)
}

func (d *revertPage) show(f *findings) {
	for _, state := range sections() {
		s := revertSection{State: state, Total: f.total[state], More: f.total[state] - len(f.items[state])}
		if s.Total == 0 {
			continue
		}
		for _, it := range f.items[state] {
			item := revertItem{RevertItem: it}
			if it.Of != (store.Object{}) {
				item.Name, item.Link = it.Of.String()+"/"+it.ID, recordPath(it.Of, it.ID)
			}
			s.Items = append(s.Items, item)
		}
		d.Sections = append(d.Sections, s)
	}
	d.Same = f.total[engine.RevertAlready]
	for _, s := range f.syncs {
		d.Beyond = append(d.Beyond, s.Beyond...)
		if id, ok := engine.ParseRun(s.Run); ok {
			d.Runs = append(d.Runs, revertRun{Name: s.Run, Link: runPath(id), Sync: s.Sync})
		}
	}
}
