// Package sim lets a whole hub live through invented days: people work on both sides at
// moments drawn from a seed, inside requests too, while vendors fail in every way that their
// twins can play and the process is killed and started again. When all is quiet an oracle,
// which knows what people did and nothing of how the engine works, holds the two sides
// against it.
//
// All that happens follows from the seed: in virtual time the same seed lives the same days, with
// several workers too, whose requests take times that the seed decides. Run it inside a bubble
// of testing/synctest.
package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/twin"
)

// A Setup is everything that a life depends on.
type Setup struct {
	Seed   uint64
	Config string                           // tandem.yaml
	Env    func(name string) (string, bool) // of the variables in it
	Specs  []connector.Spec
	Path   string // of the database, which must not exist yet
	Sides  []Account
	Kinds  []Kind
	Rounds int // days of work before the quiet
	Acts   Acts
	// Others are configurations that an operator tries for some days, each with the fields that it
	// does not map.
	Others []Other
	// IdleCalls is how many requests to one side a run may make when nothing has changed.
	IdleCalls int
	// Steady says that the vendors' clocks are wrong from the beginning and never set: where
	// changes are found by time, a clock that is put back hides what happens meanwhile.
	Steady  bool
	Workers int // of the engine; 0 = one
	// Stress names what strikes far more often than in ordinary lives, as far as Acts have it: see
	// [StressHide] and the others. Another life than that of the same seed without it.
	Stress []string
}

// An Account is one side of the syncs.
type Account struct {
	Connection string
	Twin       twin.Twin
	// Blind says that the vendor cannot be asked to write only if nothing has changed
	// since: an edit between the last look and the write is lost, and counted (R4).
	Blind bool
	// Archives is a field and the value by which the vendor archives a record, where that is
	// an update.
	Archives [2]string
	// Keyless says that nothing of ours stands in a record that we made: one whose match key
	// a person changes before its create could be looked up is not found, and made again.
	Keyless bool
	Still   bool // nobody works there: it only takes what it is told
	Untold  bool // it does not say what a merged record went into
	Unseen  bool // nor that it was merged
	// Shy says that an object of which the vendor shows no record at all may be out of sight:
	// nothing of it is taken for deleted then (R21).
	Shy   bool
	Forms bool // people fill in fields of consent themselves there: what they say is firsthand (R32)
}

// Acts says which of the rarer things people do in this life.
type Acts struct {
	Merge   bool // merge two records of a side
	Restore bool // bring back what was deleted or archived, with its id
	Hide    bool // take a record out of the credential's sight for a while
	Pause   bool // the hub is switched off for a month
	Backup  bool // the hub's database is restored to an earlier moment
	Jobs    bool // vendors take writes and decide them later
	Touch   bool // stamps move although nothing has changed
	Relabel bool // vendors give options other labels
	Rewind  int  // 1 + the account that is restored from a backup of its own, at the end; 0 = none
	AtWork  bool // that happens while the hub has work to do
}

// An Other is another configuration of the same syncs.
type Other struct {
	Config   string
	Unmapped []string // keys of fields
	Remaps   bool     // it has another value map
}

// A Kind is one kind of thing, the syncs that keep it in step, and what people do with it.
type Kind struct {
	Syncs   []Sync
	Objects []string // wire names by account; "" = it has none of the kind
	Fields  []Field  // the first one names the record and is never cleared
	Key     string   // of the field that records are matched by
	Keyless bool     // see [Account.Keyless]
	Rising  bool     // ids only grow, and the hub can tell when they went back (R33)
}

// A Sync is one of the configuration.
type Sync struct {
	Name string
	Ends [2]int // accounts: left and right
	// In says which records of each end are in the sync, by its filter; nil = all.
	In    [2]func(fields map[string]string) bool
	Makes [2]bool // at which ends it makes records
}

// in reports whether a record is in the sync.
func (s Sync) in(end int, fields map[string]string) bool {
	return s.In[end] == nil || s.In[end](fields)
}

// A Field is one that people edit.
type Field struct {
	Key  string   // what it is called here
	Wire []string // by account; "" = it does not have it
	Ref  int      // n = the value is the id of a record of kind n-1 at the same side
	// Draw returns a value for people to enter; n grows, so that values can be told apart.
	Draw func(rnd *rand.Rand, n int) string
	// Same brings values that mean the same to the same text; nil = blanks at the ends do
	// not count.
	Same  func(string) string
	Keeps bool // people never clear it
	Set   bool // a list: both sides' elements are merged, so single edits are not traced
	Sole  bool // the vendor lets one record only have a value: it may refuse others
	Sorts bool // the filters of the syncs depend on it: it is not judged by itself
	Loose bool // not in the sync: what people write stays where it is, and is never written
	// Means brings the values that a value map joins to the same text; nil = a value means the
	// same at all accounts. Other configurations may have other maps.
	Means   func(side int, v string) string
	Consent bool     // a person's yes or no to mail (R32)
	Worn    []bool   // by account: the vendor keeps less of it than was written; nil = none does
	Options []string // of a choice
}

func (f Field) same(v string) string {
	if f.Same != nil {
		return f.Same(v)
	}
	return strings.TrimSpace(v)
}

// A Result is what a life came to.
type Result struct {
	Seed    uint64
	Wrong   []string       // what does not hold; empty is what all this is for
	Trace   []string       // what happened, in order
	Journal []string       // the journal's lines (invariant 12)
	Counts  map[string]int // how often each act and fault really struck
}

// Run lives one life and judges it. The error is of the setup; what went wrong in the life
// is in the result.
func Run(ctx context.Context, s Setup) (Result, error) {
	w, err := newWorld(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	w.live()
	if !s.Acts.AtWork || s.Acts.Rewind == 0 {
		w.calm()
	}
	w.rewind()
	w.judge()
	return Result{Seed: s.Seed, Wrong: w.wrong, Trace: w.trace, Journal: w.journal(), Counts: w.counts}, nil
}

// live is the days of work.
func (w *world) live() {
	for side := range w.set.Sides {
		if w.set.Steady && w.rnd.IntN(2) == 0 {
			w.skew(side)
		}
	}
	for day := range w.set.Rounds {
		w.notef("day %d", day)
		for range w.rnd.IntN(6) {
			w.act()
			if len(w.set.Stress) > 0 {
				w.strain()
			}
			w.pass(time.Duration(w.rnd.IntN(90)) * time.Second)
		}
		w.weather()
		w.administer(day)
		w.run(w.rnd.IntN(4) == 0)
		w.killings()
		w.operate()
		w.pass(time.Duration(w.rnd.IntN(4)) * 17 * time.Minute)
	}
}

// calmRuns is how many runs a world without faults and edits may take to come to rest.
const calmRuns = 14

// calm ends all faults and lets the hub come to rest: nothing may be left to do in bounded
// time. A person answers what is asked of them about conflicts.
func (w *world) calm() {
	w.clear()
	w.showAll()
	w.configure(w.set.Config, nil)
	w.quiet = true
	still := 0
	for range calmRuns {
		w.pass(25 * time.Minute)
		before := w.written()
		asked := w.answer()
		fine := w.run(true)
		if w.written() != before || !fine || asked {
			still = 0
			continue
		}
		if still++; still == 2 {
			return
		}
	}
	w.blamef("it did not come to rest within %d runs: %s", calmRuns, w.last)
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d + time.Duration(w.rnd.IntN(1000))*time.Millisecond)
}

func (w *world) notef(format string, args ...any) {
	w.trace = append(w.trace, time.Now().UTC().Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// blamef notes what does not hold.
func (w *world) blamef(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}
