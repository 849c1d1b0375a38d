package console

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Charts are drawn here, as SVG in the units of a view box; pages/layout.html puts them into a
// page. What a chart shows stands in a table below it too: whoever cannot see it loses nothing.
const (
	chartWidth  = 960
	chartHeight = 240
	chartLeft   = 56 // room for the numbers of the axis
	chartBottom = 24 // and for the labels
	chartTop    = 8
)

// A chart is drawn: nothing of it is computed any more.
type chart struct {
	Alt           string // what it shows, for whoever cannot see it
	Width, Height int
	Left, Right   int // of the axes
	Late          bool
	Bars          []chartBar
	Lines         []chartLine
	Ticks         []chartTick
	Labels        []chartLabel
	Legend        []legendItem
}

type chartBar struct {
	X, Y, W, H string
	Class      string // of the style sheet
	Title      string
}

type chartLine struct{ Points string }

type chartTick struct {
	Y    string
	Text string
}

type chartLabel struct {
	X      string
	Text   string
	Anchor string
}

type legendItem struct{ Class, Text string }

// An axis is what the numbers of a chart are of. Where the last of them counts most, such as
// today, the scale stands there, and a narrow window shows that end first.
type axis struct {
	Labels []string
	Late   bool
}

// A series is one number for each label.
type series struct {
	Class  string // "bar", "bar-left", "bar-right", "bar-fail"
	Text   string
	Values []float64
}

// drawBars draws bars, those of several series on top of each other.
func drawBars(l *locale, alt string, a axis, all ...series) *chart {
	c, labels := newChart(alt, a, all), a.Labels
	most := 0.0
	for i := range labels {
		sum := 0.0
		for _, s := range all {
			sum += s.Values[i]
		}
		most = max(most, sum)
	}
	y := c.axis(l, most)
	step := float64(c.Right-c.Left) / float64(max(1, len(labels)))
	wide := math.Min(step*0.7, 48)
	for i, label := range labels {
		x, base := float64(c.Left)+step*float64(i)+(step-wide)/2, 0.0
		for _, s := range all {
			if s.Values[i] <= 0 {
				continue
			}
			top := y(base + s.Values[i])
			title := fmt.Sprintf("%s: %s", label, l.number(s.Values[i]))
			if s.Text != "" {
				title = fmt.Sprintf("%s, %s: %s", label, s.Text, l.number(s.Values[i]))
			}
			c.Bars = append(c.Bars, chartBar{X: unit(x), Y: unit(top), W: unit(wide), H: unit(y(base) - top), Class: s.Class, Title: title})
			base += s.Values[i]
		}
	}
	c.label(labels, step)
	return c
}

// drawLine draws one line over the labels.
func drawLine(l *locale, alt string, a axis, s series) *chart {
	c, labels := newChart(alt, a, []series{s}), a.Labels
	most := 0.0
	for _, v := range s.Values {
		most = max(most, v)
	}
	y := c.axis(l, most)
	step := float64(c.Right-c.Left) / float64(max(1, len(labels)))
	var points []string
	for i, v := range s.Values {
		points = append(points, unit(float64(c.Left)+step*(float64(i)+0.5))+","+unit(y(v)))
	}
	c.Lines = []chartLine{{strings.Join(points, " ")}}
	c.label(labels, step)
	return c
}

func newChart(alt string, a axis, all []series) *chart {
	c := &chart{Alt: alt, Width: chartWidth, Height: chartHeight, Left: chartLeft, Right: chartWidth - 8, Late: a.Late}
	if c.Late {
		c.Left, c.Right = 8, chartWidth-chartLeft
	}
	for _, s := range all {
		if s.Text != "" && len(all) > 1 {
			c.Legend = append(c.Legend, legendItem{s.Class, s.Text})
		}
	}
	return c
}

// axis draws the lines of round numbers, and returns where a number is.
func (c *chart) axis(l *locale, most float64) func(float64) float64 {
	step := roundStep(most / 4)
	top := math.Max(step, math.Ceil(most/step)*step)
	high := float64(chartHeight - chartBottom - chartTop)
	y := func(v float64) float64 { return chartTop + high*(1-v/top) }
	for v := 0.0; v <= top+step/2; v += step {
		c.Ticks = append(c.Ticks, chartTick{unit(y(v)), l.number(v)})
	}
	return y
}

// roundStep is the next of 1, 2, 5, 10, 20 …; at least 1.
func roundStep(v float64) float64 {
	if v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

// label writes as many labels below the chart as fit.
func (c *chart) label(labels []string, step float64) {
	longest := 1
	for _, text := range labels {
		longest = max(longest, len([]rune(text)))
	}
	every := max(1, int(math.Ceil(float64(longest)*7.5/step)))
	if every > 1 && len(labels) <= 12 {
		every, labels = 1, slices.Clone(labels) // each is a thing of its own: cut rather than left out
		for i, text := range labels {
			if r := []rune(text); float64(len(r))*7 > step {
				labels[i] = string(r[:max(1, int(step/7)-1)]) + "…"
			}
		}
	}
	for i := max(0, len(labels)-1) % every; i < len(labels); i += every { // the last one has a label
		c.Labels = append(c.Labels, chartLabel{X: unit(float64(c.Left) + step*(float64(i)+0.5)), Text: labels[i], Anchor: "middle"})
	}
}

// number writes a number of a chart: whole ones without a fraction.
func (l *locale) number(v float64) string {
	if v == math.Trunc(v) {
		return l.show(int64(v))
	}
	return l.show(math.Round(v*10) / 10)
}

func unit(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }
