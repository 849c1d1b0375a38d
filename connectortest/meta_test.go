package connectortest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
)

// scenarioOf finds a scenario of the toy's suite.
func scenarioOf(s Suite, partName, name string) (part, scenario, bool) {
	for _, p := range s.parts() {
		i := slices.IndexFunc(p.scenarios, func(sc scenario) bool { return sc.name == name })
		if p.name == partName && i >= 0 {
			return p, p.scenarios[i], true
		}
	}
	return part{}, scenario{}, false
}

func TestEveryDefectIsNoticed(t *testing.T) {
	t.Parallel()
	for _, d := range defects() {
		t.Run(d.scenario+"/"+d.name, func(t *testing.T) {
			t.Parallel()
			if d.part == "" {
				d.part = "cards"
			}
			s := toySuite()
			s.Spec = d.spec(s.Spec)
			if d.suite != nil {
				d.suite(&s)
			}
			p, sc, ok := scenarioOf(s, d.part, d.scenario)
			if !ok {
				t.Fatalf("there is no scenario %q of %s", d.scenario, d.part)
			}
			synctest.Test(t, func(t *testing.T) {
				r := s.record(t, p, sc)
				if !r.failed {
					t.Fatal("the scenario passes in spite of the defect")
				}
				if !strings.Contains(r.text(), d.says) {
					t.Fatalf("the scenario fails without saying %q:\n%s", d.says, r.text())
				}
			})
		})
	}
}

func TestEveryScenarioHasADefect(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, d := range defects() {
		covered[d.scenario] = true
	}
	for _, p := range toySuite().parts() {
		for _, sc := range p.scenarios {
			if !covered[sc.name] {
				t.Errorf("no defect shows that %q notices anything", sc.name)
			}
		}
	}
}

// A goroutine that is left behind is noticed by the bubble itself, which panics.
func TestLeftGoroutineIsNoticed(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	leak := defect{check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
		inside := make(chan struct{})
		go func() { <-inside }()
		return m.good.Check.Check(ctx)
	}}
	s := toySuite()
	s.Spec = leak.spec(s.Spec)
	p, sc, _ := scenarioOf(s, "connection", "check names the account")
	defer func() {
		if recover() == nil {
			t.Error("the bubble ends although a goroutine is left")
		}
	}()
	synctest.Test(t, func(t *testing.T) { s.record(t, p, sc) })
}

func TestLacksNeedReasons(t *testing.T) {
	t.Parallel()
	s := toySuite()
	s.Lacks = map[string]string{"no such scenario": "of no use"}
	p := s.plan(t)
	if !slices.Equal(p.stale, []string{"no such scenario"}) {
		t.Errorf("Lacks without a scenario: %v", p.stale)
	}
	if why := p.undeclared["labels: archive"]; why == "" {
		t.Error("labels cannot be archived, and nobody said so")
	}
}
