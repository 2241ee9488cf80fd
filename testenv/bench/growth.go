package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"plumbline/testenv/bench/plot"
)

// quantity is one thing that must not grow.
type quantity struct {
	title string
	unit  string
	of    func(sample) float64
	share float64 // of its level that it may grow by over the time that is judged
	least float64 // and what it may grow by in any case: noise
}

const mebibyte = 1 << 20

// quantities are judged over the process tree of `plumb run`; goroutines are of the controller alone.
var quantities = []quantity{
	{"memory", "MiB", func(s sample) float64 { return float64(s.usage.RSS) / mebibyte }, 0.10, 32},
	{"memory without pages of files", "MiB", func(s sample) float64 { return float64(s.usage.RSS-s.usage.Files) / mebibyte }, 0.10, 32},
	{"goroutines", "", func(s sample) float64 { return s.goroutines }, 0.05, 10},
	{"descriptors", "", func(s sample) float64 { return float64(s.usage.FDs) }, 0.05, 10},
}

// warmUp is the share of a soak that is not judged: caches fill, heaps find their size.
const warmUp = 0.3

// growth is the line through the judged part of a soak.
type growth struct {
	level   float64 // at its beginning
	perHour float64
	most    float64 // that was seen
	over    time.Duration
}

func (q quantity) growth(samples []sample) growth {
	var points []point
	g := growth{}
	from := samples[len(samples)-1].at.Hours() * warmUp
	for _, s := range samples {
		if s.at.Hours() >= from {
			points = append(points, point{s.at.Hours(), q.of(s)})
		}
		g.most = math.Max(g.most, q.of(s))
	}
	slope, level, _ := line(points)
	g.perHour, g.level = slope, level+slope*from
	g.over = time.Duration((points[len(points)-1].size - from) * float64(time.Hour))
	return g
}

// fine tells whether what grew over the judged time is within the bound.
func (q quantity) fine(g growth) bool { return g.perHour*g.over.Hours() <= q.bound(g) }

func (q quantity) bound(g growth) float64 { return math.Max(q.share*g.level, q.least) }

// leastSamples is how many samples a line needs to mean anything.
const leastSamples = 10

// verdict is what the page says of a soak.
func (s *soak) verdict() (text string, fine bool) {
	if len(s.samples) < leastSamples {
		return fmt.Sprintf("Only %d samples: too short to judge.", len(s.samples)), false
	}
	var b strings.Builder
	long := s.samples[len(s.samples)-1].at.Round(time.Second)
	fmt.Fprintf(&b, "`plumb run` over %s modelled objects for %s: %d pushes, %d VMs changed behind its back and healed; the last push applied and nothing drifting at the end. %s.\n\n",
		thousands(s.place.fleet.Objects), long, s.pushes, s.drifts, machine())
	fmt.Fprintf(&b, "![What the controller holds over time](soak.svg)\n\nJudged after the first %.0f %%: the growth over the judged time may not exceed the bound.\n\n", warmUp*100)
	b.WriteString("| | level | most | growth per hour | growth over the judged time | bound | |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	fine = true
	for _, q := range quantities {
		g, word := q.growth(s.samples), "flat"
		if !q.fine(g) {
			word, fine = "**grows**", false
		}
		fmt.Fprintf(&b, "| %s | %.0f %s | %.0f | %+.1f | %+.1f | %.1f | %s |\n", q.title, g.level, q.unit, g.most, g.perHour, g.perHour*g.over.Hours(), q.bound(g), word)
	}
	return b.String(), fine
}

// picture shows memory, goroutines and descriptors over the minutes.
func (s *soak) picture() []byte {
	chart := func(title, unit string, of ...quantity) plot.Chart {
		c := plot.Chart{Title: title, X: "minutes", Y: unit, Height: 220}
		for _, q := range of {
			series := plot.Series{Name: q.title}
			for _, one := range s.samples {
				series.Points = append(series.Points, plot.Point{X: one.at.Minutes(), Y: q.of(one)})
			}
			c.Series = append(c.Series, series)
		}
		return c
	}
	return plot.SVG(
		chart("Memory of the process tree", "MiB", quantities[0], quantities[1]),
		chart("Goroutines", "", quantities[2]),
		chart("Open descriptors of the process tree", "", quantities[3]),
	)
}
