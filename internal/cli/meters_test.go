package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// described returns what /metrics can show of ours, as "name{label,label}".
func described(m *meters) []string {
	ch := make(chan *prometheus.Desc)
	go func() { m.registry.Describe(ch); close(ch) }()
	desc := regexp.MustCompile(`fqName: "(tandem_\w+)".*variableLabels: \{(.*?)\}`)
	var names []string
	for d := range ch {
		if parts := desc.FindStringSubmatch(d.String()); parts != nil {
			names = append(names, strings.TrimSuffix(parts[1]+"{"+parts[2]+"}", "{}"))
		}
	}
	slices.Sort(names)
	return names
}

func TestInstallListsEveryMetric(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/guide/install.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(tandem_[^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(listed)
	want := described(newMeters())
	if len(want) < 15 {
		t.Fatalf("%d metrics are known: the test looks in the wrong place", len(want))
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the table of docs/guide/install.md: %s", diff)
	}
}

// Names follow https://prometheus.io/docs/practices/naming/.
func TestMetricsAreNamedAsPrometheusHasThem(t *testing.T) {
	t.Parallel()
	m := newMeters()
	m.ran(plan.Sync{}, engine.Report{Sync: "s", Status: engine.StatusOK}, time.Now())
	m.delivered("c", door.Accepted, 1)
	m.settled(store.Hint{Received: time.Now()})
	m.waits("c", 1)
	m.fellSilent("c", true)
	m.stands("s", store.Tally{}, status.Events{})
	m.weighs(store.Disk{}, true)
	m.reloads.WithLabelValues("taken").Inc()
	m.sliced(engine.VerifyReport{Sync: "s"}, store.Verification{})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return !strings.HasPrefix(f.GetName(), "tandem_") })
	if got, want := len(families), len(described(m)); got != want {
		t.Fatalf("%d of %d metrics are looked at", got, want)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
