package main

import (
	"fmt"
	"strings"
	"time"
)

// goal is one line of what was aimed at.
type goal struct {
	title string
	row   string // or, for "each", a benchmark beside a kind
	size  int
	what  string  // wall, p50, p99, peak or exponent
	limit float64 // seconds, MiB or the exponent
	peer  string  // row of the peer at the same size, if it was measured; the ratio is told
	told  string  // what is known of a peer that is not on this machine, and from where
	best  float64 // the stretch; 0 = none
}

const noted = "OpenTofu 1.12 on a machine of this kind, idle"

// goals are those of the issue, on two cores.
var goals = []goal{
	{title: "plan with nothing to do, 10k, fresh process", row: rowFresh, size: 10_000, what: "wall", limit: 1, best: 0.5, peer: rowTFPlan, told: "23 s: " + noted},
	{title: "the same, resident", row: rowIdle, size: 10_000, what: "wall", limit: 0.05, best: 0.005, peer: rowTFPlan, told: "23 s: " + noted},
	{title: "push of one file → plan, 10k", row: rowPush, size: 10_000, what: "wall", limit: 0.1, best: 0.04, peer: rowTFChange, told: "22 s: " + noted},
	{title: "cold load of 100k", row: rowCold, size: 100_000, what: "wall", limit: 12, peer: rowVet},
	{title: "cold load of 100k, memory", row: rowCold, size: 100_000, what: "peak", limit: 300, peer: rowVet},
	{title: "restart with a warm cache, 100k", row: rowWarm, size: 100_000, what: "wall", limit: 2, peer: rowVet},
	{title: "apply of 10k, engine only", row: rowApply, size: 10_000, what: "wall", limit: 2, best: 0.5, peer: rowTFApply, told: "44 s: " + noted},
	{title: "apply, exponent", row: rowApply, what: "exponent", limit: 1.05, told: "Terraform 1.97, OpenTofu 1.21"},
	{title: "one change among 10k, push → applied", row: rowChange, size: 10_000, what: "wall", limit: 0.12, told: "46 s: " + noted},
	{title: "memory of a plan with nothing to do, 10k", row: rowFresh, size: 10_000, what: "peak", limit: 256, best: 128, peer: rowTFPlan, told: "1,037 MiB: " + noted},
	{title: "event → call of the sink, 10k, p50", row: rowAlert, size: 10_000, what: "p50", limit: 0.002, told: "mgmt 1.0 ms at 400 files"},
	{title: "event → call of the sink, 10k, p99", row: rowAlert, size: 10_000, what: "p99", limit: 0.02},
	{title: "webhook → comment, 10k, p50", row: rowComment, size: 10_000, what: "p50", limit: 1},
	{title: "webhook → comment, 10k, p99", row: rowComment, size: 10_000, what: "p99", limit: 2},
	{title: "1,000 domains observed (test driver)", row: "ThousandOfTestDriver", what: "each", limit: 0.1, told: "OpenNebula 104 s"},
	{title: "10k port mappings resynced, with read-back", row: "Resync10k/plumb", what: "each", limit: 0.08, peer: "Resync10k/nft", told: "`nft -f` 84 ms"},
	{title: "one port mapping among 10k", row: "OneAmong10k/plumb", what: "each", limit: 0.001, peer: "OneAmong10k/nft", told: "`nft` 4.1 ms"},
	{title: "10k DNS records changed, Knot", row: "TenThousandRecords/knot/do", what: "each", limit: 1, told: "one by one 115 s"},
	{title: "10k DNS records changed, BIND", row: "TenThousandRecords/bind/do", what: "each", limit: 1, told: "one by one 7.3 s"},
}

// goalTable says of each goal whether it is met, and by how much.
func (r *record) goalTable() string {
	var b strings.Builder
	b.WriteString("| goal | limit (stretch) | measured | | peer in the same run | told of peers |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, g := range goals {
		value, ok := r.value(g)
		limit, verdict, measured, peer := g.text(g.limit), "not measured", "–", "–"
		if g.best > 0 {
			limit += " (" + g.text(g.best) + ")"
		}
		if ok {
			measured, verdict = g.text(value), g.verdict(value)
			if m, _ := r.get(g.row, g.size); g.what == "wall" && value > g.limit {
				verdict += fmt.Sprintf("; its CPU time is %s", short(m.CPU))
			}
			if other, ok := r.value(goal{row: g.peer, size: g.size, what: g.what}); ok {
				peer = fmt.Sprintf("%s %s: 1/%.3g", title(g.peer), g.text(other), other/value)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", g.title, limit, measured, verdict, peer, g.told)
	}
	return b.String()
}

func (g goal) verdict(value float64) string {
	switch {
	case g.best > 0 && value <= g.best:
		return "met, the stretch too"
	case value <= g.limit:
		return "met"
	}
	return fmt.Sprintf("**not met**: %.3g times the limit", value/g.limit)
}

func (g goal) text(value float64) string {
	switch g.what {
	case "peak":
		return fmt.Sprintf("%.0f MiB", value)
	case "exponent":
		return fmt.Sprintf("%.2f", value)
	}
	return short(time.Duration(value * float64(time.Second)))
}

func (r *record) value(g goal) (float64, bool) {
	if g.what == "exponent" {
		return exponent(r.points(g.row))
	}
	if g.what == "each" {
		return r.trial(g.row)
	}
	m, ok := r.get(g.row, g.size)
	switch g.what {
	case "peak":
		return float64(m.Peak) / (1 << 20), ok
	case "p99":
		return m.P99.Seconds(), ok
	}
	return m.Wall.Seconds(), ok
}

func title(name string) string {
	for _, row := range rows {
		if row.name == name {
			return row.title
		}
	}
	return name
}
