package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	homeDays = 14 // in the chart
	homeRuns = 8
	homeAsks = 5 // what stops a sync, told one by one
)

type homePage struct {
	Status      Status
	Tiles       []homeTile
	Notices     []homeNotice
	Syncs       []syncRow
	Connections []connectionView
	Chart       barChart
	Runs        []runLine
}

// A homeTile counts the syncs of one state, or of all that come to it, and what there is of it.
type homeTile struct {
	State   string // one of those of a sync
	Syncs   int
	Records int
	Path    string
}

// A homeNotice is something that somebody should look at.
type homeNotice struct {
	Kind string // ends a key of the catalogues below "notice."
	Of   string // the sync or the connection
	Text string // in the words of who noticed it; "" = there are none
	Fix  string
	Path string
	N    int
	At   time.Time // when it will be; zero = it is
}

func (c *console) showHome(w http.ResponseWriter, r *http.Request) error {
	data, err := c.home(r.Context())
	if err != nil {
		return err
	}
	return c.view.page(w, r, "home", data)
}

func (c *console) home(ctx context.Context) (homePage, error) {
	var data homePage
	var err error
	if data.Status, err = c.hub.Status(ctx); err != nil {
		return data, err
	}
	if data.Syncs, err = c.syncRows(ctx, data.Status); err != nil {
		return data, err
	}
	data.Tiles = homeTiles(data.Syncs)
	if data.Connections, err = c.connectionViews(ctx); err != nil {
		return data, err
	}
	p, now := c.hub.Plan(), c.now()
	first := dayOf(now.In(p.Timezone)).AddDate(0, 0, 1-homeDays)
	days, err := c.hub.Store().WrittenByDay(ctx, first, p.Timezone)
	if err != nil {
		return data, err
	}
	data.Chart = bars(first, homeDays, days)
	runs, err := c.hub.Store().Runs(ctx, "", homeRuns)
	if err != nil {
		return data, err
	}
	data.Runs = c.runLines(runs)
	data.Notices, err = c.homeNotices(ctx, data, now)
	return data, err
}

func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// Badge is the class of its badge.
func (t homeTile) Badge() string { return syncBadge(t.State) }

// homeTiles counts each sync once, and the records of all.
func homeTiles(syncs []syncRow) []homeTile {
	tiles := []homeTile{{State: syncInStep, Path: "/syncs"}, {State: syncWaits, Path: "/syncs"}, {State: syncFailing, Path: "/runs"}, {State: syncNeeds, Path: "/review"}}
	for _, s := range syncs {
		i := 1
		switch s.State {
		case syncInStep:
			i = 0
		case syncFailing:
			i = 2
		case syncBlocked, syncNeeds:
			i = 3
		}
		tiles[i].Syncs++
		tiles[0].Records += s.Stands.Linked
		tiles[1].Records += s.Stands.Outbox + s.Stands.Waiting
		tiles[3].Records += s.Stands.Review
	}
	return tiles
}

// homeNotices are what should be looked at, that which stops most first.
func (c *console) homeNotices(ctx context.Context, data homePage, now time.Time) ([]homeNotice, error) {
	var all []homeNotice
	if data.Status.Full {
		all = append(all, homeNotice{Kind: "full"})
	}
	for _, x := range data.Connections {
		all = append(all, x.notices(now)...)
	}
	for _, s := range data.Syncs {
		if s.State == syncFailing {
			all = append(all, homeNotice{Kind: "failing", Of: s.Sync.Name, Text: s.Stands.Error, Path: s.Path()})
		}
	}
	stops, err := c.hub.Store().Reviews(ctx, store.ReviewQuery{
		Open: true, Limit: homeAsks, Kinds: []store.ReviewKind{store.ReviewGuard, store.ReviewIdentity, store.ReviewConfiguration, store.ReviewEvents},
	})
	if err != nil {
		return nil, err
	}
	for _, it := range stops {
		all = append(all, homeNotice{Kind: "decision", Of: it.Sync, Text: it.Text, Fix: it.Fix, Path: reviewFilter{}.Item(it.ID)})
	}
	open, err := c.view.waiting(ctx)
	if err != nil {
		return nil, err
	}
	if n := open - len(stops); n > 0 {
		all = append(all, homeNotice{Kind: "review", N: n, Path: "/review"})
	}
	return all, nil
}

// Badge is the class of the notice.
func (n homeNotice) Badge() string {
	switch n.Kind {
	case "full", "failing", "paused", "signedout":
		return "notice-fail"
	case "decision", "review":
		return "notice-ask"
	default:
		return "notice-wait"
	}
}

// runAll has every sync run next.
func (c *console) runAll(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.apiRunAll(r.Context(), &runAllInput{}); err != nil {
		return err
	}
	return c.redirect(w, "/", "runall")
}

// writtenBy counts what a run did to records.
func writtenBy(r store.Run) int {
	n := 0
	for _, side := range r.Sides {
		n += side.Created + side.Updated + side.Deleted
	}
	return n
}

// specOf returns the system of that name.
func (c *console) specOf(system string) (connector.Spec, bool) {
	specs := c.hub.Specs()
	i := slices.IndexFunc(specs, func(s connector.Spec) bool { return s.Name == system })
	if i < 0 {
		return connector.Spec{}, false
	}
	return specs[i], true
}
