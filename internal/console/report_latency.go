package console

import (
	"context"
	"slices"
	"time"
)

// delayBounds are the durations up to which reports are counted together.
func delayBounds() []time.Duration {
	return []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
	}
}

// A Delay is how long what a connection's vendor reported took until its syncs had run.
type Delay struct {
	Connection string
	Hour       time.Time // in which they had
	N          [13]int   // records that were reported, by the bounds; the last is beyond all of them
	Longest    time.Duration
}

// Count adds one record.
func (d *Delay) Count(took time.Duration) {
	i, _ := slices.BinarySearch(delayBounds(), took)
	d.N[i]++
	d.Longest = max(d.Longest, took)
}

// add adds those of another one.
func (d *Delay) add(x Delay) {
	for i, n := range x.N {
		d.N[i] += n
	}
	d.Longest = max(d.Longest, x.Longest)
}

// Reports is how many records were reported.
func (d Delay) Reports() int {
	n := 0
	for _, x := range d.N {
		n += x
	}
	return n
}

// Within is the time in which that part of them was in step, at most.
func (d Delay) Within(part float64) time.Duration {
	left := int(part*float64(d.Reports()) + 0.999999)
	for i, bound := range delayBounds() {
		if left -= d.N[i]; left <= 0 {
			return min(bound, d.Longest)
		}
	}
	return d.Longest
}

// delays are those of each connection, by day.
func (x reporter) delays(keys []string) (names []string, days map[string][]Delay) {
	days = map[string][]Delay{}
	for _, d := range x.c.hub.Delays() {
		i := slices.Index(keys, d.Hour.In(x.zone).Format(time.DateOnly))
		if i < 0 {
			continue
		}
		if days[d.Connection] == nil {
			names = append(names, d.Connection)
			days[d.Connection] = make([]Delay, len(keys))
		}
		days[d.Connection][i].add(d)
	}
	return names, days
}

// latency is how long what vendors reported took, by day.
func (x reporter) latency(p *reportPage) error {
	keys, _ := x.days()
	names, days := x.delays(keys)
	for _, name := range names {
		s := reportSection{Name: name, Title: name, Hint: x.l.text("report.latencyhint", x.l.stamp(x.c.began, x.zone)),
			Table: reportTable{Columns: x.columns("report.day", "#report.reported", "#report.half", "#report.most", "#report.longest")}}
		values, whole := make([]float64, len(keys)), Delay{}
		for i, key := range slices.Backward(keys) {
			d := days[name][i]
			if d.Reports() == 0 {
				continue
			}
			whole.add(d)
			values[i] = d.Within(.95).Seconds()
			s.Table.Rows = append(s.Table.Rows, []reportCell{{Text: x.day(key, "format.date"), Raw: key}, x.count(d.Reports()), x.delay(d.Within(.5)), x.delay(d.Within(.95)), x.delay(d.Longest)})
		}
		s.Chart = drawBars(x.l, x.l.text("report.latencyalt", reportDays, name, x.l.took(whole.Within(.95))), x.by(keys), series{Class: "bar", Values: values})
		p.Sections = append(p.Sections, s)
	}
	return nil
}

func (x reporter) delay(d time.Duration) reportCell {
	return reportCell{Text: x.l.took(d), Raw: d.Round(time.Millisecond).String(), Num: true}
}

// A delayBody is how long what a connection's vendor reported on one day took.
type delayBody struct {
	Connection string  `json:"connection"`
	Day        string  `json:"day" format:"date" doc:"in the hub's time zone"`
	Reports    int     `json:"reports" doc:"records that were reported"`
	Half       float64 `json:"half_seconds" doc:"half of them were in step within this time, at most"`
	Most       float64 `json:"most_seconds" doc:"95 of 100 were"`
	Longest    float64 `json:"longest_seconds"`
}

func (c *console) apiLatency(ctx context.Context, _ *nothing) (list[delayBody], error) {
	out := list[delayBody]{Items: []delayBody{}}
	x := c.reporter(ctx)
	keys, _ := x.days()
	names, days := x.delays(keys)
	for _, name := range names {
		for i, d := range days[name] {
			if n := d.Reports(); n > 0 {
				out.Items = append(out.Items, delayBody{Connection: name, Day: keys[i], Reports: n, Half: d.Within(.5).Seconds(), Most: d.Within(.95).Seconds(), Longest: d.Longest.Seconds()})
			}
		}
	}
	return out, nil
}
