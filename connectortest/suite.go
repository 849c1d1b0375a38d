// Package connectortest is the conformance suite: every scenario of the contract, run
// against a connector on its twin. It is what the contract really says. A connector's
// whole test is its samples:
//
//	func TestConnector(t *testing.T) {
//		connectortest.Run(t, connectortest.Suite{
//			Spec: Spec(), Twin: acmetwin.New,
//			Objects: []connectortest.Object{{
//				Name: "contacts",
//				Create: record.Fields{
//					"lastname": record.Text("Meyer {n}"),
//					"email":    record.Text("ann{n}@example.com"),
//				},
//				Invalid: record.Fields{"email": record.Text("no address")},
//			}},
//			Lacks: map[string]string{
//				"version": "Acme has no conditional writes",
//			},
//		})
//	}
//
// Every scenario gets a fresh twin and a fresh [testing/synctest] bubble, so hours of
// waiting cost nothing and a goroutine left behind fails the test. A scenario that needs
// what the connector cannot do is skipped, and then Lacks must say why. What ran and what
// was skipped is compared with testdata/conformance.golden beside the connector's test;
// -update writes that file anew.
//
// [Open] makes the same connection for other tests.
package connectortest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A Suite is what the scenarios need to know of a system.
type Suite struct {
	Spec    connector.Spec
	Twin    func(twin.Options) twin.Twin
	Objects []Object

	// URL is the address that the connection is given; "" = Spec.BaseURL. The twin
	// answers there, so its path must be one that the twin serves.
	URL string
	// Version is handed to the twin.
	Version string
	// Settings are further settings of the connection; the twin's own are known.
	Settings connector.Settings

	// Lacks says why scenarios are skipped, by the name of one, or of what several need
	// ("update", "batch"; the failure names it), alone or as "object: name".
	Lacks map[string]string

	// What only some twins can do; nil skips the scenarios that need it. Deny takes the
	// right to see an object from the credential, Hide the right to see one record of it.
	// Expire makes every cursor handed out so far too old. Merge lets a person fold one
	// record into another.
	Deny   func(tw twin.Twin, object string) error
	Hide   func(tw twin.Twin, object, id string) error
	Expire func(tw twin.Twin) error
	Merge  func(tw twin.Twin, object, lose, keep string) error
	// Targets are what a person enters to make a record of an object that lists of references point
	// at and that has no sample, by object; "{n}" as in an Object.
	Targets map[string]map[string]string
	// Event is an event to tell of, if the connector takes events; "{n}" as in an Object.
	Event *connector.Event
	// Aim makes the vendor call an address, as an administrator does where the connector
	// cannot ask for it.
	Aim func(tw twin.Twin, address string) error
}

// An Object is the samples of one object. All else is learned from the schema. In every
// text "{n}" becomes a number that no other record has.
type Object struct {
	Name string
	// Create is a record to begin with: everything required, and fields of which no
	// value can be made up (countries, references, lists).
	Create record.Fields
	// Update has second values of such fields. A number in it is taken for one of a kind
	// of its own, to which no fractions are sent.
	Update record.Fields
	// People is what a person enters to make a record, as twin.Put takes it; nil = the
	// texts, e-mails, phones and required fields of Create.
	People map[string]string
	// Invalid is one field with a value that the vendor refuses.
	Invalid record.Fields
	// Custom are the custom fields that the schema must list.
	Custom []string
	// Fixed are writable fields that the suite leaves alone, each with the reason.
	Fixed map[string]string
	// Unseen are fields of the schema that no read shows, each with the reason.
	Unseen map[string]string
	// Missing is an id that no record has; "" = "99999999".
	Missing string
	// Visited says that the vendor brings and fetches the records itself: of such an object
	// only the scenarios of visits are played.
	Visited bool
}

// A scenario is one thing that the contract promises.
type scenario struct {
	name    string
	needs   []need
	options twin.Options
	run     func(*Bench)
}

// part is a group of the suite: the connection as a whole, or one object.
type part struct {
	name      string
	object    Object
	scenarios []scenario
}

func (s Suite) parts() []part {
	var parts []part
	if len(s.Objects) == 0 || slices.ContainsFunc(s.Objects, func(o Object) bool { return !o.Visited }) {
		parts = append(parts, part{name: "connection", scenarios: connectionScenarios()})
	}
	for _, o := range s.Objects {
		if o.Visited {
			parts = append(parts, part{name: o.Name, object: o, scenarios: visitScenarios()})
			continue
		}
		parts = append(parts, part{name: o.Name, object: o, scenarios: objectScenarios()})
	}
	if len(s.Objects) > 0 && s.receives() {
		parts = append(parts, part{name: "door", object: s.Objects[0], scenarios: hookScenarios()})
	}
	if len(s.Objects) > 0 && s.Event != nil {
		parts = append(parts, part{name: "events", object: s.Objects[0], scenarios: eventScenarios()})
	}
	return parts
}

// objectScenarios are all that concern one object, in the order of the report.
func objectScenarios() []scenario {
	return slices.Concat(
		schemaScenarios(), pagingScenarios(), changeScenarios(), goneScenarios(),
		lookupScenarios(), writeScenarios(), referenceScenarios(), textScenarios(), batchScenarios(), outcomeScenarios(), waitScenarios(), fileScenarios(),
	)
}

// Run runs every scenario as a subtest and compares what ran and what was skipped with
// the golden file.
func Run(t *testing.T, s Suite) {
	t.Helper()
	plan := s.plan(t)
	for _, name := range plan.stale {
		t.Errorf("Lacks names %q, which no scenario of this suite is called or lacks", name)
	}
	for _, p := range s.parts() {
		t.Run(p.name, func(t *testing.T) {
			for _, sc := range p.scenarios {
				if plan.reason[p.name+": "+sc.name] != "" {
					continue
				}
				t.Run(sc.name, func(t *testing.T) {
					if why, undeclared := plan.undeclared[p.name+": "+sc.name]; undeclared {
						t.Fatalf("cannot run: %s", why)
					}
					synctest.Test(t, func(t *testing.T) { s.play(t, p, sc) })
				})
			}
		})
	}
	Golden(t, "testdata/conformance.golden", plan.report)
}

// play runs one scenario on a fresh twin.
func (s Suite) play(tb testing.TB, p part, sc scenario) {
	tb.Helper()
	o := sc.options
	o.Version = s.Version
	b := s.bench(tb, p.object, o)
	defer b.close()
	sc.run(b)
	b.finish()
}

// plan is what runs, what does not, and why.
type plan struct {
	reason     map[string]string // of the scenarios that are skipped
	undeclared map[string]string // what is lacking although Lacks does not say so
	stale      []string          // Lacks without a scenario
	ran        int
	report     string
}

// plan opens a connection once and asks every scenario for its needs.
func (s Suite) plan(t *testing.T) plan {
	t.Helper()
	p := plan{reason: map[string]string{}, undeclared: map[string]string{}}
	used := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		var report strings.Builder
		for i, part := range s.parts() {
			b := s.bench(t, part.object, twin.Options{Version: s.Version})
			b.prepare()
			if i == 0 {
				fmt.Fprintf(&report, "%s %s: %s\n", s.Spec.Name, s.Spec.API, strings.Join(b.Names(), ", "))
			}
			fmt.Fprintf(&report, "\n%s\n", part.name)
			for _, sc := range part.scenarios {
				fmt.Fprintln(&report, s.decide(b, part, sc, &p, used))
			}
			b.close()
		}
		skipped := len(p.reason) + len(p.undeclared)
		fmt.Fprintf(&report, "\n%d run, %d skipped\n", p.ran, skipped)
		p.report = report.String()
	})
	for _, name := range slices.Sorted(maps.Keys(s.Lacks)) {
		if !used[name] {
			p.stale = append(p.stale, name)
		}
	}
	return p
}

// decide notes whether a scenario runs and returns its line of the report.
func (s Suite) decide(b *Bench, part part, sc scenario, p *plan, used map[string]bool) string {
	full := part.name + ": " + sc.name
	why, declared := s.lack(part.name, sc.name, used)
	for _, n := range sc.needs {
		if declared {
			break
		}
		if missing := n.lacks(b); missing != "" {
			if why, declared = s.lack(part.name, n.name, used); !declared {
				p.undeclared[full] = fmt.Sprintf("%s; if that is so, give the reason in Lacks[%q]", missing, part.name+": "+n.name)
				return "  skip  " + sc.name + ": UNDECLARED " + missing
			}
		}
	}
	if declared {
		p.reason[full] = why
		return "  skip  " + sc.name + ": " + why
	}
	p.ran++
	return "  run   " + sc.name
}

// lack returns the declared reason for doing without something.
func (s Suite) lack(part, name string, used map[string]bool) (string, bool) {
	for _, key := range []string{part + ": " + name, name} {
		if why, ok := s.Lacks[key]; ok {
			used[key] = true
			return why, true
		}
	}
	return "", false
}
