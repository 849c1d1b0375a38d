package cli

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// meters are what /metrics shows, in a registry of their own.
type meters struct {
	registry *prometheus.Registry

	runs     *prometheus.CounterVec
	read     *prometheus.CounterVec
	written  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	duration *prometheus.GaugeVec
	success  *prometheus.GaugeVec
	linked   *prometheus.GaugeVec
	review   *prometheus.GaugeVec
	outbox   *prometheus.GaugeVec
	events   *prometheus.GaugeVec
	reloads  *prometheus.CounterVec

	deliveries *prometheus.CounterVec
	waiting    *prometheus.GaugeVec
	silent     *prometheus.GaugeVec
	delay      *prometheus.HistogramVec
	delays     delays // the same for the console

	verified    *prometheus.CounterVec
	differences *prometheus.GaugeVec
	round       *prometheus.GaugeVec

	database  *prometheus.GaugeVec // bytes by part
	diskFull  prometheus.Gauge
	sizeUnmet prometheus.Gauge
	logHeld   prometheus.Gauge
}

func newMeters() *meters {
	m := &meters{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tandem", Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	gaugeOf := func(of, name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tandem", Name: name, Help: help}, []string{of})
		m.registry.MustRegister(g)
		return g
	}
	gauge := func(name, help string) *prometheus.GaugeVec { return gaugeOf("sync", name, help) }
	m.runs = counter("runs_total", "Runs by sync and outcome.", "sync", "status")
	m.read = counter("records_read_total", "Records received.", "sync", "side")
	m.written = counter("records_written_total", "Confirmed writes by sync, side and verb.", "sync", "side", "verb")
	m.calls = counter("calls_total", "Requests sent, retries included.", "connection")
	m.reloads = counter("configuration_reloads_total", "How often the configuration was read again, by outcome.", "outcome")
	m.duration = gauge("last_run_duration_seconds", "How long the last run took.")
	m.success = gauge("last_success_timestamp_seconds", "When the last run that did not fail ended.")
	m.linked = gauge("linked_pairs", "Pairs of records that are kept in step.")
	m.review = gauge("review_items", "What waits for a person.")
	m.outbox = gauge("outbox_operations", "Operations that are decided and not confirmed.")
	m.events = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tandem", Name: "events_queued",
		Help: "Events that have not been told: waiting, held until a person says, or failed."}, []string{"sync", "state"})
	m.registry.MustRegister(m.events)
	m.deliveries = counter("hook_deliveries_total", "What vendors sent, by outcome; duplicate counts records of which a hint was waiting.", "connection", "outcome")
	m.waiting = gaugeOf("connection", "hook_hints_waiting", "Reported records that have not been looked at.")
	m.silent = gaugeOf("connection", "hook_silent", "1 if a vendor has not called for longer than is usual.")
	m.delay = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "tandem", Name: "hook_settled_seconds", Help: "Time from a vendor's first report of a record until its syncs had run.",
		Buckets: []float64{0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 600, 3600},
	}, []string{"connection"})
	m.registry.MustRegister(m.delay)
	m.verified = counter("verified_pairs_total", "Linked pairs that were compared with what both systems hold.", "sync")
	m.differences = gauge("verify_differences", "What nothing explains, of the round of verifying under way or else the last one.")
	m.round = gauge("last_verified_timestamp_seconds", "When all linked pairs had been verified the last time.")
	m.database = gaugeOf("part", "database_bytes", "What the database takes of the disk: its file, of that what is free to be used again, the write-ahead log, and the reserve.")
	m.diskFull = m.yesNo("disk_full", "1 while the disk is full: nothing is taken in or written.")
	m.sizeUnmet = m.yesNo("database_size_unmet", "1 if the database is larger than retention.size, and all that is left of it is needed.")
	m.logHeld = m.yesNo("database_log_held", "1 if somebody who has been reading for long keeps the write-ahead log growing.")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meters) yesNo(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tandem", Name: name, Help: help})
	m.registry.MustRegister(g)
	return g
}

// forget takes the present state of a sync away that is not served any more. What it did is
// still counted.
func (m *meters) forget(sync string) {
	for _, g := range []*prometheus.GaugeVec{m.duration, m.success, m.linked, m.review, m.outbox} {
		g.DeleteLabelValues(sync)
	}
	m.events.DeletePartialMatch(prometheus.Labels{"sync": sync})
}

// forgetConnection takes the present state away of a connection that reports no more.
func (m *meters) forgetConnection(name string) {
	m.waiting.DeleteLabelValues(name)
	m.silent.DeleteLabelValues(name)
}

// ran counts one run.
func (m *meters) ran(s plan.Sync, r engine.Report, now time.Time) {
	m.runs.WithLabelValues(r.Sync, r.Status).Inc()
	for _, side := range record.Sides() {
		c := [2]store.Counts{r.Left, r.Right}[side]
		m.read.WithLabelValues(r.Sync, side.String()).Add(float64(c.Read))
		m.written.WithLabelValues(r.Sync, side.String(), "create").Add(float64(c.Created))
		m.written.WithLabelValues(r.Sync, side.String(), "update").Add(float64(c.Updated))
		m.written.WithLabelValues(r.Sync, side.String(), "delete").Add(float64(c.Deleted))
		m.calls.WithLabelValues(s.Ends[side].Connection).Add(float64(c.Calls))
	}
	m.duration.WithLabelValues(r.Sync).Set(float64(r.DurationMS) / 1000)
	if good(r.Status) {
		m.success.WithLabelValues(r.Sync).Set(float64(now.UnixMilli()) / 1000)
	}
}

// delivered counts what vendors sent. Where it was for nobody there is no connection.
func (m *meters) delivered(connection string, what door.Outcome, n int) {
	m.deliveries.WithLabelValues(connection, string(what)).Add(float64(n))
}

// settled measures how long what was reported took.
func (m *meters) settled(h store.Hint) {
	now := time.Now()
	m.delay.WithLabelValues(h.Of.Connection).Observe(now.Sub(h.Received).Seconds())
	m.delays.note(h.Of.Connection, now.Sub(h.Received), now)
}

func (m *meters) waits(connection string, n int) {
	m.waiting.WithLabelValues(connection).Set(float64(n))
}

func (m *meters) fellSilent(connection string, silent bool) {
	m.silent.WithLabelValues(connection).Set(oneIf(silent))
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// weighs takes over what the database takes of the disk.
func (m *meters) weighs(d store.Disk, full bool) {
	for part, n := range map[string]int64{"file": d.Bytes, "free": d.Free, "log": d.Log, "reserve": d.Reserve} {
		m.database.WithLabelValues(part).Set(float64(n))
	}
	m.diskFull.Set(oneIf(full))
	m.sizeUnmet.Set(oneIf(!d.Unmet.IsZero()))
	m.logHeld.Set(oneIf(!d.Held.IsZero()))
}

// stands takes over how a sync stands now.
func (m *meters) stands(sync string, t store.Tally, events status.Events) {
	for state, n := range map[string]int{"waiting": events.Waiting, "held": events.Held, "failed": events.Failed} {
		m.events.WithLabelValues(sync, state).Set(float64(n))
	}
	m.linked.WithLabelValues(sync).Set(float64(t.Linked))
	m.review.WithLabelValues(sync).Set(float64(t.Review))
	m.outbox.WithLabelValues(sync).Set(float64(t.Outbox))
}

// remember takes the last success from the log of runs, newest first.
func (m *meters) remember(sync string, runs []store.Run) {
	for _, r := range runs {
		if good(r.Status) && !r.Ended.IsZero() {
			ended := r.Ended
			if now := time.Now(); ended.After(now) {
				ended = now // our clock was ahead: whoever watches for an old success must not wait for it
			}
			m.success.WithLabelValues(sync).Set(float64(ended.UnixMilli()) / 1000)
			return
		}
	}
}

func good(status string) bool { return status == engine.StatusOK || status == engine.StatusReview }
