package console

import (
	"net/http"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

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
	x, err := c.revertOf(r.PathValue("id"))
	if err != nil {
		return err
	}
	q := x.request
	data := revertPage{ID: x.id, State: x.state, Done: x.done, Request: q, Error: x.err, Over: x.over()}
	switch {
	case q.Change != 0:
		data.Chosen = append([]int64{q.Change}, q.Also...)
	case q.Run != 0:
		data.RunName = engine.RunName(q.Run)
	case q.Record != "":
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
