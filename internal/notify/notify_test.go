package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(minutes int) time.Time {
	return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func all() []string {
	return []string{string(Failure), string(Credential), string(Silence), string(Queue), string(Unusual), string(Expiry)}
}

// A slate is a memory that is gone with the test.
type slate struct{ told []Told }

func (s *slate) Told(context.Context) ([]Told, error) { return slices.Clone(s.told), nil }
func (s *slate) Keep(_ context.Context, t Told) error {
	s.told = slices.DeleteFunc(s.told, func(x Told) bool { return x.Way == t.Way && x.Kind == t.Kind && x.Of == t.Of })
	s.told = append(s.told, t)
	return nil
}

// A pigeon notes what it carries.
type pigeon struct {
	name  string
	lame  bool
	tries int
	sent  []string
	ids   []string
}

func (p *pigeon) Name() string { return p.name }
func (p *pigeon) Send(_ context.Context, m Message) error {
	p.tries++
	if p.lame {
		return errors.New("it is lame")
	}
	word := "began"
	if m.Resolved {
		word = "over"
	}
	p.sent = append(p.sent, fmt.Sprintf("%s %s %s", m.Kind, m.Of, word))
	p.ids = append(p.ids, m.ID)
	return nil
}

func failing(of string, since int) State {
	return State{Kind: Failure, Of: of, Since: at(since), What: "it broke"}
}

func TestEachStateIsToldOnceAndItsEndOnce(t *testing.T) {
	t.Parallel()
	p, d := &pigeon{name: "email"}, &Desk{Memory: &slate{}}
	contacts, deals := failing("contacts", 0), failing("deals", 5)
	later := failing("contacts", 70)
	odd := State{Kind: Unusual, Of: "contacts", Since: at(6), What: "It wrote 5000 records"}
	for i, x := range []struct {
		minute int
		states []State
		want   string
	}{
		{0, nil, ""},
		{1, []State{contacts}, "failure contacts began"},
		{2, []State{contacts}, ""},
		{5, []State{contacts, deals}, "failure deals began"},
		{6, []State{deals}, "failure contacts over"},
		{7, []State{deals}, ""},
		{8, []State{contacts, deals}, ""}, // it comes and goes
		{9, []State{deals}, ""},
		{70, []State{later, deals, odd}, "failure contacts began, unusual contacts began"},
		{71, []State{later, deals}, ""}, // nobody hears that a run was as usual
		{72, nil, "failure contacts over, failure deals over"},
	} {
		p.sent = nil
		if err := d.Tell(t.Context(), []Sender{p}, x.states, Options{On: all()}, at(x.minute)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(slices.Values(p.sent)), ", "); got != x.want {
			t.Errorf("step %d: %q, want %q", i, got, x.want)
		}
	}
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	t.Parallel()
	p, memory := &pigeon{name: "email"}, &slate{}
	d := &Desk{Memory: memory}
	for _, x := range []struct {
		on     []string
		states []State
	}{
		{[]string{"queue"}, []State{failing("contacts", 0)}},
		{all(), []State{failing("contacts", 0)}},
		{[]string{"queue"}, nil}, // nobody wants to hear of failures any more, nor of their end
	} {
		if err := d.Tell(t.Context(), []Sender{p}, x.states, Options{On: x.on}, at(len(p.sent))); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(p.sent, ", "); got != "failure contacts began" || memory.told[0].Resolved.IsZero() {
		t.Errorf("%s %v", got, memory.told)
	}
}

// A way that fails is tried again after a while that grows, with the same message; the other way
// is not held up by it.
func TestAWayThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	lame, fit := &pigeon{name: "email", lame: true}, &pigeon{name: "webhook"}
	d := &Desk{Memory: &slate{}}
	tell := func(minute int) error {
		return d.Tell(t.Context(), []Sender{lame, fit}, []State{failing("contacts", 0)}, Options{On: all()}, at(minute))
	}
	var tried []int
	for minute := range 91 {
		before := lame.tries
		err := tell(minute)
		if lame.tries > before {
			tried = append(tried, minute)
		}
		if (lame.tries > before) != (err != nil) {
			t.Errorf("minute %d: %v", minute, err)
		}
	}
	if want := []int{0, 1, 3, 7, 15, 31, 61}; !slices.Equal(tried, want) {
		t.Errorf("tried at %v, want %v", tried, want)
	}
	lame.lame = false
	if err := errors.Join(tell(91), tell(92)); err != nil {
		t.Fatal(err)
	}
	if len(lame.sent) != 1 || len(fit.sent) != 1 || lame.ids[0] == fit.ids[0] {
		t.Errorf("%v %v", lame.ids, fit.ids)
	}
	m, _ := Decide("email", []State{failing("contacts", 0)}, nil, Options{On: all()}, at(500))
	if m[0].ID != lame.ids[0] {
		t.Error("the same message has another id when it is tried again")
	}
}

func TestEachWayIsTriedOutOnceAWeek(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]int{7 * 24 * time.Hour: 4, 0: 0} {
		p, memory := &pigeon{name: "email"}, &slate{}
		for hour := range 22 * 24 {
			d := &Desk{Memory: memory, Begun: at(60 * hour)} // a process for each hour
			if err := d.Tell(t.Context(), []Sender{p}, nil, Options{On: all(), Test: every}, at(60*hour)); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.sent) != want {
			t.Errorf("every %v: tried %d times in three weeks and a day, want %d", every, len(p.sent), want)
		}
	}
}

// Whatever happens, the beginning and the end of a state take turns, and no id is used twice.
func TestBeginningAndEndTakeTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, d := &pigeon{name: "email"}, &Desk{Memory: &slate{}}
		for i := range rapid.IntRange(1, 60).Draw(t, "looks") {
			var states []State
			if rapid.Bool().Draw(t, "holds") {
				states = append(states, failing("contacts", i))
			}
			p.lame = rapid.IntRange(0, 4).Draw(t, "lame") == 0
			_ = d.Tell(context.Background(), []Sender{p}, states, Options{On: all()}, at(20*i))
		}
		for i, line := range p.sent {
			if want := []string{"failure contacts began", "failure contacts over"}[i%2]; line != want {
				t.Fatalf("%d: %s, want %s", i, line, want)
			}
		}
		if seen := len(slices.Compact(slices.Sorted(slices.Values(p.ids)))); seen != len(p.ids) {
			t.Fatalf("an id was used twice: %v", p.ids)
		}
	})
}

func TestAQueueThatGrows(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		waits       []int // every five minutes
		from, until int   // the first steps at which it grows, and does not any more; -1 = never
	}{
		"always full, and no fuller": {[]int{2000, 2000, 2000, 2000, 2000}, -1, -1},
		"below the limit":            {[]int{1, 100, 500, 900, 999}, -1, -1},
		"soon worked off":            {[]int{0, 5000, 900, 10, 0}, -1, -1},
		"ever more":                  {[]int{100, 400, 800, 1200, 1600, 800, 499, 100}, 3, 6},
	} {
		g, from, until := &Growth{}, -1, -1
		for i, n := range x.waits {
			switch since := g.Look(n, 1000, at(5*i)); {
			case !since.IsZero() && from < 0:
				from = i
			case since.IsZero() && from >= 0 && until < 0:
				until = i
			}
		}
		if from != x.from || until != x.until {
			t.Errorf("%s: from %d until %d", name, from, until)
		}
	}
}

func TestARunUnlikeTheUsual(t *testing.T) {
	t.Parallel()
	var usual []Run
	for i := range usualRuns {
		usual = append(usual, Run{Written: 10 + i, Took: time.Minute})
	}
	for _, x := range []struct {
		last   Run
		before []Run
		want   string
	}{
		{Run{Written: 191}, usual, "It wrote 191 records; the most of the 10 runs before it was 19"},
		{Run{Written: 190}, usual, ""},
		{Run{Written: 5000}, usual[1:], ""}, // nobody knows yet what is usual
		{Run{Written: 99}, make([]Run, usualRuns), ""},
		{Run{Took: 11 * time.Minute}, usual, "It took 11 minutes; the longest of the 10 runs before it took 1 minute"},
		{Run{Took: 4 * time.Minute}, make([]Run, usualRuns), ""},
	} {
		if got := Deviates(x.last, x.before); got != x.want {
			t.Errorf("%+v: %q, want %q", x.last, got, x.want)
		}
	}
}
