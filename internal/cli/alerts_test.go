package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/notify"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/rest/grant"
	"github.com/tandemhub/tandem/twin"
)

const alertYAML = stationYAML + "notify: { email: { server: \"mail.test:587\", from: hub@x.gr, to: ann@x.gr } }\n"

// A runner notes the subjects of what it carries.
type runner struct {
	mu   sync.Mutex
	said []string
	lame error
}

func (r *runner) Name() string { return "email" }
func (r *runner) Send(_ context.Context, m notify.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lame == nil {
		r.said = append(r.said, m.Subject()+" | "+m.What)
	}
	return r.lame
}

// heard is what it carried since it was last asked.
func (r *runner) heard() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := strings.Join(r.said, "\n")
	r.said = nil
	return all
}

// alarmed is an opened station whose people are told by a runner.
func alarmed(t *testing.T) (*station, *runner) {
	t.Helper()
	s, r := newStation(t, alertYAML), &runner{}
	s.open()
	s.alarm(r)
	return s, r
}

func (s *station) alarm(r *runner) {
	s.t.Helper()
	s.openConsole()
	s.server.alerts.ways = func(*plan.Plan) []notify.Sender { return []notify.Sender{r} }
}

func TestAFailureIsToldAtOnceAndSoIsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newStation(t, alertYAML), &runner{}
		s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		s.open()
		s.alarm(r)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { s.server.alerts.watch(ctx) })
		all.Go(func() {
			if err := s.server.work(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		if got := r.heard(); got != "Tandem: a test | "+notify.TestMessage("", time.Time{}, time.Time{}).What {
			t.Errorf("all is well, and people hear %q", got)
		}
		broken := s.b.Kit().Inject(twin.Fault{Kind: twin.FaultUnauthorized})
		time.Sleep(6*time.Hour - 30*time.Second) // the next run has just been, and the next look has not
		if got := r.heard(); !strings.HasPrefix(got, "Tandem: ") || strings.Count(got, "\n") != 0 {
			t.Errorf("a token has died, and people hear %q", got)
		}
		time.Sleep(12 * time.Hour)
		if got := r.heard(); got != "" {
			t.Errorf("they heard it already, and hear %q", got)
		}
		broken.Remove()
		time.Sleep(7 * time.Hour)
		if got := r.heard(); !strings.HasPrefix(got, "Tandem: over: ") || strings.Count(got, "\n") != 0 {
			t.Errorf("it is over, and people hear %q", got)
		}
		cancel()
		all.Wait()
	})
}

func TestWhatIsWrongIsFoundInOurOwnRecords(t *testing.T) {
	t.Parallel()
	s, _ := alarmed(t)
	ctx, st, x, now := t.Context(), s.session.store, s.server.alerts, time.Now()
	wrong := func() string {
		t.Helper()
		states, err := x.states(ctx, x.plan(), now)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, w := range states {
			all = append(all, string(w.Kind)+" "+w.Of+" "+w.Since.UTC().Format(time.DateTime)+": "+w.What)
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	if got := wrong(); got != "" {
		t.Errorf("nothing is wrong but %s", got)
	}
	began := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	run := store.Run{ID: 901, Sync: "cards", Started: began, Ended: began.Add(time.Minute), Status: engine.StatusFailed, Error: "b is\nodd"}
	if err := errors.Join(st.StartRun(ctx, run), st.FinishRun(ctx, run)); err != nil {
		t.Fatal(err)
	}
	if got := wrong(); got != "failure cards 2026-03-04 05:00:00: b is⏎odd" {
		t.Errorf("a run has failed: %s", got)
	}
	c, _, err := st.Connection(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	c.Name, c.System, c.Paused = "b", "toy", "its token is dead"
	d, err := st.OpenDoor(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	d.Silent = began
	if err := errors.Join(st.SaveConnection(ctx, c), st.SaveDoor(ctx, d)); err != nil {
		t.Fatal(err)
	}
	want := "credential b " + now.UTC().Format(time.DateTime) + ": its token is dead\nsilence a 2026-03-04 05:00:00: a has reported nothing for longer than is usual; its changes are read by the schedule"
	if got := wrong(); got != want {
		t.Errorf("of a failure whose cause is told already people hear no second time:\n%s", got)
	}
	if !s.server.hold(ctx) {
		t.Fatal("nobody works")
	}
	c.Paused = "" // as a run has it before it tries the connection
	if err := st.SaveConnection(ctx, c); err != nil {
		t.Fatal(err)
	}
	x.patience = time.Millisecond
	if got := wrong(); got != want {
		t.Errorf("while a run tries the connection, what is known of it is\n%s", got)
	}
	s.server.release()
	c.Paused = "its token is dead"
	if err := st.SaveConnection(ctx, c); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if got := wrong(); got != want {
		t.Errorf("it is dead since it was first seen to be, and yet\n%s", got)
	}
}

// A restart is no news: what people were told before still holds.
func TestAQueueThatGrewBeforeARestartGrowsOn(t *testing.T) {
	t.Parallel()
	s, r := alarmed(t)
	x, now := s.server.alerts, time.Now().UTC().Truncate(time.Second)
	if err := s.session.store.PutNotice(t.Context(), store.Notice{Way: "email", Kind: string(notify.Queue), Of: "cards", What: "more", Since: now, At: now}); err != nil {
		t.Fatal(err)
	}
	g, err := x.growthOf(t.Context(), "cards")
	if err != nil || !g.Since.Equal(now) || !g.Look(900, 1000, now).Equal(now) {
		t.Errorf("%+v %v", g, err)
	}
	x.look(t.Context()) // nothing waits: it is over
	if got := r.heard(); !strings.Contains(got, "Tandem: over: more and more waits in cards") {
		t.Error(got)
	}
}

func TestSinceWhenASyncFails(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 3, 4, hour, 0, 0, 0, time.UTC) }
	run := func(hour int, status string) store.Run {
		return store.Run{Started: at(hour), Ended: at(hour), Status: status}
	}
	going := store.Run{Started: at(9)}
	for name, x := range map[string]struct {
		runs []store.Run // the newest first
		want time.Time
	}{
		"it never ran":            {nil, time.Time{}},
		"it runs for the first":   {[]store.Run{going}, time.Time{}},
		"it failed once":          {[]store.Run{run(8, engine.StatusFailed), run(7, engine.StatusOK)}, at(8)},
		"it fails for long":       {[]store.Run{going, run(8, engine.StatusFailed), run(7, store.RunCutShort), run(6, engine.StatusBlocked), run(5, engine.StatusReview), run(4, engine.StatusFailed)}, at(6)},
		"it succeeded since":      {[]store.Run{run(8, engine.StatusReview), run(7, engine.StatusFailed)}, time.Time{}},
		"its process was stopped": {[]store.Run{run(8, store.RunCutShort), run(7, engine.StatusOK)}, time.Time{}},
	} {
		got, failing := failureOf("cards", x.runs)
		if failing == x.want.IsZero() || !got.Since.Equal(x.want) {
			t.Errorf("%s: %v %v, want %v", name, failing, got.Since, x.want)
		}
	}
}

func TestTheRunsThatSayWhatIsUsual(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 3, 4, hour, 0, 0, 0, time.UTC) }
	run := func(hour, written int) store.Run {
		return store.Run{ID: int64(hour), Started: at(hour), Ended: at(hour).Add(time.Minute), Status: engine.StatusOK, Sides: [2]store.Counts{{Created: written}, {}}}
	}
	runs := []store.Run{run(20, 5000)}
	for hour := 19; hour > 8; hour-- {
		runs = append(runs, run(hour, 3))
	}
	if got, odd := oddity("cards", runs, at(8)); !odd || !strings.Contains(got.What, "5000") || !strings.Contains(got.Fix, "r20") || !got.Since.Equal(at(20)) {
		t.Errorf("%v %+v", odd, got)
	}
	hinted := run(20, 5000)
	hinted.Hinted = true // what was reported says nothing about what a whole run writes
	for name, x := range map[string]struct {
		runs     []store.Run
		complete time.Time
	}{
		"nothing was complete yet":   {runs, time.Time{}},
		"the first complete one":     {runs, at(20)},
		"nobody knows what is usual": {runs, at(12)},
		"a hinted one":               {append([]store.Run{hinted}, runs[1:]...), at(8)},
		"none":                       {nil, at(8)},
	} {
		if got, odd := oddity("cards", x.runs, x.complete); odd {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestATestThatCannotBeSentSaysWhy(t *testing.T) {
	t.Parallel()
	s, r := alarmed(t)
	x := s.server.alerts
	if err := x.Test(t.Context()); err != nil || x.Wrong() != "" || !strings.HasPrefix(r.heard(), "Tandem: a test") {
		t.Errorf("%v %s", err, x.Wrong())
	}
	told, err := s.session.store.Notices(t.Context())
	if err != nil || len(told) != 1 || told[0].Kind != "test" {
		t.Errorf("%v %v", told, err)
	}
	r.lame = errors.New("nobody is at home")
	if err := x.Test(t.Context()); err == nil || !strings.Contains(x.Wrong(), "by email: nobody is at home") {
		t.Errorf("%v %s", err, x.Wrong())
	}
}

func TestTheWaysThatAConfigurationNames(t *testing.T) {
	t.Parallel()
	key := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	ways := waysOf(&plan.Plan{PublicURL: "https://hub.x.gr/", Notify: plan.Notify{
		Email:   &plan.Email{Server: "mail.x.gr:587", User: "hub", From: "hub@x.gr", To: []string{"ann@x.gr"}, Secrets: plan.Secrets{plan.NotifyPassword: "hush"}},
		Webhook: &plan.Webhook{Secrets: plan.Secrets{plan.NotifyURL: "https://x.gr/in", plan.NotifySecret: key}},
	}})
	if len(ways) != 2 {
		t.Fatalf("%v", ways)
	}
	mail, isMail := ways[0].(*notify.SMTP)
	hook, isHook := ways[1].(*notify.Webhook)
	if !isMail || !isHook || mail.Password != "hush" || mail.At != "https://hub.x.gr/" || hook.URL != "https://x.gr/in" || len(hook.Key) != 24 || hook.At != mail.At {
		t.Errorf("%+v %+v", mail, hook)
	}
	if ways := waysOf(&plan.Plan{}); len(ways) != 0 {
		t.Errorf("nobody is to be told, and %v", ways)
	}
}

func TestAccessThatEndsIsToldBeforeItDoes(t *testing.T) {
	t.Parallel()
	used := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, x := range map[string]struct {
		lasts time.Duration
		wrong string
		at    time.Duration // since it was used
		told  time.Duration // since when it ends soon; 0 = it does not
		dead  bool
	}{
		"long before":            {60 * day, "", 50 * day, 0, false},
		"a week before":          {60 * day, "", 54 * day, 53 * day, false},
		"it lasts a few days":    {6 * day, "", 5 * day, 4 * day, false},
		"it was used again":      {60 * day, "", 0, 0, false},
		"it ended":               {60 * day, "", 61 * day, 0, false},
		"nothing can renew it":   {60 * day, "nothing to renew it with", day, 0, false},
		"nothing will renew it":  {60 * day, "nothing to renew it with", 59 * day, 53 * day, false},
		"nothing has renewed it": {60 * day, "nothing to renew it with", 61 * day, 0, true},
		"it goes on without end": {0, "", 500 * day, 0, false},
		"it cannot be used now":  {60 * day, "the vendor said no", 59 * day, 0, true},
	} {
		standing := grant.Standing{Authorized: x.wrong != "the vendor said no", Problem: x.wrong, Used: used}
		if x.lasts > 0 {
			standing.Ends = used.Add(x.lasts)
		}
		c, now := status.Connection{Connection: "crm", Health: status.OK, Grant: status.GrantOf(standing)}, used.Add(x.at)
		got, ends := endingOf(c, time.UTC, now)
		if ends != (x.told > 0) || ends && (got.Kind != notify.Expiry || !got.Since.Equal(used.Add(x.told)) || !strings.Contains(got.Fix, "authorize crm")) {
			t.Errorf("%s: %+v", name, got)
		}
		if _, dead := (&alerts{}).deadOf(c, now); dead != x.dead {
			t.Errorf("%s: it is dead: %t", name, dead)
		}
	}
}
