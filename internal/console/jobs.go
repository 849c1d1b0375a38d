package console

import (
	"context"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
)

// What jobs keep: a plan of a large sync has as many items as there are records.
const (
	jobKept     = time.Hour
	mostJobs    = 8
	mostPlanned = 5000
	mostFound   = 500
	longestPlan = 2 * time.Hour
)

// The kinds of jobs.
const (
	planning  = "plan"
	verifying = "verify"
)

// A job is something that takes longer than a request: a plan, or a verification. It is shown
// for an hour after it ended, by this process.
type job struct {
	Kind, Sync string
	By         string
	Began      time.Time
	Ended      time.Time // zero while it is under way
	Err        string    // why it came to nothing; "" = it did not
	Plan       engine.Preview
	Cut        int // items that are not kept
	Verified   engine.VerifyReport
	Findings   []engine.Finding
}

// Under reports whether the job is under way.
func (j job) Under() bool { return j.Ended.IsZero() }

type jobKey struct{ kind, sync string }

// jobs are the last of each kind and sync, a bounded number of them.
type jobs struct {
	mu  sync.Mutex // held for no longer than it takes to look
	all map[jobKey]*job
	now func() time.Time
}

func newJobs(now func() time.Time) *jobs { return &jobs{all: map[jobKey]*job{}, now: now} }

// of returns the last job of a kind and sync.
func (x *jobs) of(kind, sync string) (job, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget()
	j := x.all[jobKey{kind, sync}]
	if j == nil {
		return job{}, false
	}
	return *j, true
}

// begin makes a job known, unless one of its kind and sync is under way.
func (x *jobs) begin(kind, sync, by string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget()
	key := jobKey{kind, sync}
	if j := x.all[key]; j != nil && j.Under() {
		return false
	}
	delete(x.all, key)
	for len(x.all) >= mostJobs {
		if !x.dropOldest() {
			return false
		}
	}
	x.all[key] = &job{Kind: kind, Sync: sync, By: by, Began: x.now()}
	return true
}

// end keeps what came of a job.
func (x *jobs) end(kind, sync string, err error, fill func(*job)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	j := x.all[jobKey{kind, sync}]
	if j == nil {
		return
	}
	j.Ended = x.now()
	if err != nil {
		j.Err = err.Error()
	}
	fill(j)
}

// forget drops what has ended long ago.
func (x *jobs) forget() {
	for key, j := range x.all {
		if !j.Under() && x.now().Sub(j.Ended) > jobKept {
			delete(x.all, key)
		}
	}
}

// dropOldest drops the one that ended first; false if all are under way.
func (x *jobs) dropOldest() bool {
	var first jobKey
	found := false
	for key, j := range x.all {
		if !j.Under() && (!found || j.Ended.Before(x.all[first].Ended)) {
			first, found = key, true
		}
	}
	delete(x.all, first)
	return found
}

// start does a job in the background. It reports whether one was begun: it is not while one of
// its kind and sync is under way. repair is for one that verifies.
func (c *console) start(kind, sync, by string, repair bool) bool {
	if !c.jobs.begin(kind, sync, by) {
		return false
	}
	c.hub.Background(func(ctx context.Context) {
		ctx, stop := context.WithTimeout(ctx, longestPlan)
		defer stop()
		if kind == planning {
			c.doPlan(ctx, sync)
			return
		}
		c.doVerify(ctx, sync, repair)
	})
	return true
}

func (c *console) doPlan(ctx context.Context, sync string) {
	pv, err := c.preview(ctx, sync)
	if err == nil {
		err = pv.Err
	}
	c.jobs.end(planning, sync, err, func(j *job) {
		j.Plan = pv
		if n := len(pv.Items); n > mostPlanned {
			j.Cut, j.Plan.Items = n-mostPlanned, append([]engine.PreviewItem(nil), pv.Items[:mostPlanned]...)
		}
	})
}

func (c *console) doVerify(ctx context.Context, sync string, repair bool) {
	report, found, err := c.verify(ctx, sync, repair)
	if err == nil {
		err = report.Err
	}
	c.jobs.end(verifying, sync, err, func(j *job) { j.Verified, j.Findings = report, found })
}

// preview has an engine say what a sync would do.
func (c *console) borrowPreview(ctx context.Context, sync string) (pv engine.Preview, err error) {
	err = c.hub.Borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		all, err := e.Preview(ctx, []string{sync})
		if len(all) == 1 {
			pv = all[0]
		}
		return err
	})
	return pv, err
}

// verify has an engine compare all pairs of a sync with what the systems hold.
func (c *console) borrowVerify(ctx context.Context, sync string, repair bool) (report engine.VerifyReport, found []engine.Finding, err error) {
	err = c.hub.Borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		all, err := e.Verify(ctx, []string{sync}, engine.VerifyOptions{Repair: repair, Found: func(f engine.Finding) error {
			if len(found) < mostFound {
				found = append(found, f)
			}
			return nil
		}})
		if len(all) == 1 {
			report = all[0]
		}
		return err
	})
	return report, found, err
}
