package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// disasterYAML keeps two objects in step; what befalls the one must not stop the other.
const disasterYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    delete: archive
    fields: [name, box, email, phone, code, discount, stage, tags, notes, born, seen]
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code] }
`

const (
	disasterCards  = 200
	disasterLabels = 40
	// harmless is how many records a disaster may reach on the other side before it is
	// stopped: 10, or 0.5%.
	harmless = 10
)

// A disaster befalls one side. Each is another shape: no two differ in a number only.
type disaster struct {
	name   string
	main   string // the sync that it befalls; "" = cards
	yaml   func(string) string
	empty  bool // nothing is there and nothing is in step yet
	strike func(w *world)
	want   string // "guard update", "review identity", "paused", "nothing"

	both   bool // it befalls the right side too
	kept   bool // approving of it does not change more than 10 records on the other side
	final  bool // a revert cannot bring it back: the vendor has no way
	mended bool // there is nothing that could be taken back where it happened
}

func replaced(was, is string) func(string) string {
	return func(yaml string) string { return strings.Replace(yaml, was, is, 1) }
}

// every changes a field of all records of the left side, or those that pick returns true for.
func every(field string, change func(i int, row map[string]string) string) func(*world) {
	return share(field, 1, change)
}

// share is every for one in so many.
func share(field string, in int, change func(i int, row map[string]string) string) func(*world) {
	return func(w *world) {
		for i, row := range w.a.Rows("cards") {
			if i%in == 0 {
				w.put(w.a, "cards", row.ID, map[string]string{field: change(i, row.Fields)})
			}
		}
	}
}

func becomes(text string) func(int, map[string]string) string {
	return func(int, map[string]string) string { return text }
}

func of(field string, change func(string) string) func(int, map[string]string) string {
	return func(_ int, row map[string]string) string { return change(row[field]) }
}

// moved moves a day or a time.
func moved(by time.Duration) func(string) string {
	return func(s string) string {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.Add(by).Format(layout)
			}
		}
		return s
	}
}

// inDrips strikes a few records at a time, with a run after each.
func inDrips(times int, strike func(w *world, n int)) func(*world) {
	return func(w *world) {
		for n := range times {
			strike(w, n)
			time.Sleep(20 * time.Minute)
			if rep := w.sync("cards"); rep.Status == engine.StatusBlocked {
				return
			}
		}
	}
}

func removing(tw func(*world) *toy.Twin, from, to int) func(*world) {
	return func(w *world) {
		for _, row := range tw(w).Rows("cards")[from:to] {
			w.remove(tw(w), "cards", row.ID)
		}
	}
}

func left(w *world) *toy.Twin  { return w.a }
func right(w *world) *toy.Twin { return w.b }

func latin(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteRune(rune(c))
	}
	return b.String()
}

func newCard(i int) map[string]string {
	return map[string]string{
		"name": fmt.Sprintf("Jörg Müller %d GmbH", i), "email": fmt.Sprintf("p%d@x.gr", i), "phone": fmt.Sprintf("+49301234%04d", i),
		"code": fmt.Sprintf("%012d", 30_000_000+i*7919), "discount": fmt.Sprintf("%d.%d", 10+i, 1+i%8), "stage": []string{"new", "won", "lost"}[i%3],
		"tags": "vip", "notes": fmt.Sprintf("Talked with %d & others on prices; %s", i, strings.Repeat("more ", i%5+2)),
		"born": time.Date(1960, time.January, 1+i*40, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
		"seen": time.Date(2026, time.January, 5, 8, i*37, 0, 0, time.UTC).Format(time.RFC3339),
	}
}

func newDisasterWorld(t *testing.T, d disaster) *world {
	t.Helper()
	yaml := disasterYAML
	if d.yaml != nil {
		yaml = d.yaml(yaml)
	}
	w := newWorld(t, yaml)
	if d.empty {
		return w
	}
	for _, tw := range []*toy.Twin{w.a, w.b} {
		for i := range disasterCards {
			w.put(tw, "cards", "", newCard(i))
		}
		for i := range disasterLabels {
			w.put(tw, "labels", "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("c", i)})
		}
	}
	w.settled("cards")
	time.Sleep(25 * time.Hour)
	return w
}

// content is what people see of an object: its records without their ids.
func content(tw *toy.Twin, object string) []string {
	var out []string
	for _, row := range tw.Rows(object) {
		fields := maps.Clone(row.Fields)
		delete(fields, "tandem_key")
		delete(fields, "serial")
		out = append(out, fmt.Sprint(fields))
	}
	slices.Sort(out)
	return out
}

// harm counts the records that are not as they were.
func harm(before, now []string) int {
	were := map[string]int{}
	for _, row := range before {
		were[row]++
	}
	same := 0
	for _, row := range now {
		if were[row] > 0 {
			were[row]--
			same++
		}
	}
	return max(len(before), len(now)) - same
}

// hit lets the disaster strike and proves that it is stopped, and nothing else is.
func (d disaster) hit(t *testing.T, w *world) (before [2][]string, struck []string) {
	t.Helper()
	main, other := d.main, "labels"
	if main == "" {
		main = "cards"
	}
	if main == "labels" {
		other = "cards"
	}
	before = [2][]string{content(w.a, main), content(w.b, main)}
	struck = before[1]
	writes := apiWrites(w.b)
	d.strike(w)
	if d.both {
		struck = content(w.b, main)
	}
	w.put(w.a, other, "", map[string]string{"name": "Zoe", "code": "zoe"})
	rep := w.syncWith(main, engine.SyncOptions{Sweep: true})
	if n := harm(struck, content(w.b, main)); n > harmless {
		t.Errorf("%d records were harmed: %+v %v", n, rep, w.reviews())
	}
	if d.want != "paused" && !d.empty {
		w.by(w.b, other, "code", "zoe")
	}
	switch kind, what, _ := strings.Cut(d.want, " "); kind {
	case "nothing":
		if rep.Status != engine.StatusOK || apiWrites(w.b) != writes+1 {
			t.Errorf("%+v, %d writes, %v", rep, apiWrites(w.b)-writes, w.reviews())
		}
	case "paused":
		if rep.Status != engine.StatusFailed {
			t.Errorf("%+v", rep)
		}
	case "review":
		items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewKind(what)}, Open: true})
		if err != nil || len(items) == 0 {
			t.Errorf("nobody was asked about %s: %v, %v", what, w.reviews(), err)
		}
	case "guard":
		item := w.review(store.ReviewGuard)
		saw := engine.Alarms(item)
		if rep.Status != engine.StatusBlocked || !slices.ContainsFunc(saw, func(a engine.Alarm) bool { return a.Detector == what }) {
			t.Errorf("%s, and %s was not among what was seen: %+v", rep.Status, what, saw)
		}
	default:
		t.Fatalf("no such outcome: %s", d.want)
	}
	return before, struck
}

func TestDisastersAreStoppedBeforeTheyReachTheOtherSide(t *testing.T) {
	t.Parallel()
	all := disasters()
	seen := map[string]bool{}
	for _, d := range all {
		if seen[d.name] {
			t.Errorf("%s is there twice", d.name)
		}
		seen[d.name] = true
		if !strings.HasPrefix(d.want, "guard") {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { d.hit(t, newDisasterWorld(t, d)) })
			})
			continue
		}
		t.Run(d.name+"/meant", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, d.meant)
		})
		if !d.mended {
			t.Run(d.name+"/taken back", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, d.takenBack)
			})
		}
	}
	if len(all) < 40 {
		t.Errorf("there are %d disasters, and 40 are promised", len(all))
	}
}

// meant says that the disaster was meant: it is carried out, which stands for every disaster
// below the guards too, and the rewind brings all back.
func (d disaster) meant(t *testing.T) {
	w := newDisasterWorld(t, d)
	_, before := d.hit(t, w)
	item := w.review(store.ReviewGuard)
	w.decide(item, "approve")
	at := time.Now()
	rep := w.sync("cards")
	if rep.Status == engine.StatusBlocked || rep.Status == engine.StatusFailed {
		t.Fatalf("approved, it is stopped once more: %+v", rep)
	}
	n := harm(before, content(w.b, "cards"))
	if n <= harmless && !d.kept {
		t.Errorf("approved, it changed %d records only", n)
	}
	time.Sleep(time.Minute)
	if again := w.sync("cards"); again.Status == engine.StatusBlocked {
		t.Errorf("what was approved of counts against the next run: %+v", again)
	}
	if d.final {
		return
	}
	w.revert(engine.RevertRequest{Sync: "cards", Since: at})
	if n := harm(before, content(w.b, "cards")); n > harmless {
		t.Errorf("after the rewind %d records are not as they were: %v", n, w.reviews())
	}
}

// takenBack says that it was not meant: the side that it befell gets back what it had.
func (d disaster) takenBack(t *testing.T) {
	w := newDisasterWorld(t, d)
	before, _ := d.hit(t, w)
	item := w.review(store.ReviewGuard)
	if !slices.Contains(item.Choices, "revert") {
		t.Fatalf("it cannot be taken back: %v", item.Choices)
	}
	w.decide(item, "revert")
	seen, err := w.engine.Preview(t.Context(), []string{"cards"})
	if err != nil || len(seen[0].Items) == 0 || seen[0].Blown != "" {
		t.Errorf("the plan shows %+v, guard %q: %v", seen[0].Counts, seen[0].Blown, err)
	}
	if rep := w.sync("cards"); rep.Status != engine.StatusOK {
		t.Fatalf("%+v %v", rep, w.reviews())
	}
	if n := harm(before[0], content(w.a, "cards")); n > harmless {
		t.Errorf("%d records were not put back", n)
	}
	if n := harm(before[1], content(w.b, "cards")); n > harmless {
		t.Errorf("putting it back harmed %d records of the other side", n)
	}
	time.Sleep(time.Minute)
	writes := apiWrites(w.a, w.b)
	if rep := w.sync("cards"); rep.Status != engine.StatusOK || apiWrites(w.a, w.b) != writes {
		t.Errorf("it does not rest: %+v", rep)
	}
}
