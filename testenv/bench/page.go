package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"plumbline/testenv/bench/plot"
)

// The page and the pictures, from the root of the repository.
const (
	pageFile  = "docs/performance.md"
	costFile  = "docs/performance.svg"
	soakFile  = "docs/soak.svg"
	costTitle = "Cost over size: wall seconds, both axes logarithmic"
)

// replace puts text between the two markers of a name.
func replace(page []byte, name, text string) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->", name)
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, fmt.Errorf("cannot find the markers of %q in %s", name, pageFile)
	}
	return bytes.Join([][]byte{before, []byte(begin), []byte("\n" + strings.TrimSpace(text) + "\n\n"), []byte(end), after}, nil), nil
}

// rewrite replaces parts of the page by name.
func rewrite(parts map[string]string) error {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		return err
	}
	for name, text := range parts {
		if page, err = replace(page, name, text); err != nil {
			return err
		}
	}
	return os.WriteFile(pageFile, page, 0o644)
}

// lines are the rows that the picture shows, and what it calls them.
var lines = []struct{ row, name string }{
	{rowCold, "load, nothing cached"},
	{rowWarm, "load, warm cache"},
	{rowFresh, "no-op plan, fresh process"},
	{rowIdle, "no-op plan, resident"},
	{rowPush, "push → plan, resident"},
	{rowApply, "apply everything"},
	{rowChange, "one change → applied"},
	{rowDrift, "drift check of everything"},
	{rowAlert, "event → alert (p50)"},
	{rowVet, "cue vet"},
	{rowTFPlan, "terraform plan, no-op"},
	{rowTFApply, "terraform apply"},
}

// picture is cost over size, peers dashed.
func (r *record) picture() []byte {
	c := plot.Chart{Title: costTitle, X: "objects", Y: "wall time", LogX: true, LogY: true, Height: 560, Format: func(y float64) string {
		return strings.Replace(short(time.Duration(y*float64(time.Second))), ".0 ", " ", 1)
	}}
	for _, l := range lines {
		s := plot.Series{Name: l.name}
		for _, row := range rows {
			s.Dashed = s.Dashed || row.name == l.row && row.peer
		}
		for _, size := range r.sizes() {
			if m, ok := r.get(l.row, size); ok {
				s.Points = append(s.Points, plot.Point{X: float64(size), Y: m.Wall.Seconds()})
			}
		}
		c.Series = append(c.Series, s)
	}
	return plot.SVG(c)
}

// machine says where the numbers were taken.
func machine() string {
	text := fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				return text + ", " + strings.TrimSpace(value)
			}
		}
	}
	return text
}

// load is the load average, so that a reader sees whether the machine had other work.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
