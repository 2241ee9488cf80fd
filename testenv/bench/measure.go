package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"plumbline/testenv/bench/meter"
)

// measure is what one row cost at one size.
type measure struct {
	Row string `json:"row"`
	meter.Cost
	P99   time.Duration `json:"p99,omitempty"` // when Wall is the median of many
	Times int           `json:"times,omitempty"`
	Note  string        `json:"note,omitempty"`
	Size  int           `json:"size"`
}

// median is the run with the middle wall time, with the CPU time and the memory of that run.
func median(costs []meter.Cost) meter.Cost {
	sorted := slices.SortedFunc(slices.Values(costs), func(a, b meter.Cost) int { return cmp.Compare(a.Wall, b.Wall) })
	return sorted[len(sorted)/2]
}

// quantile is the value of sorted ones below which a share of them lies.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	at := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// point is a cost over a size.
type point struct{ size, cost float64 }

// exponent fits cost = a · size^k by least squares of the logarithms, and gives k; ok is false for fewer than two sizes.
func exponent(points []point) (k float64, ok bool) {
	logs := make([]point, 0, len(points))
	for _, p := range points {
		if p.size > 0 && p.cost > 0 {
			logs = append(logs, point{math.Log(p.size), math.Log(p.cost)})
		}
	}
	k, _, ok = line(logs)
	return k, ok
}

// line fits cost = slope · size + level by least squares; ok is false when all sizes are one.
func line(points []point) (slope, level float64, ok bool) {
	var n, x, y, xx, xy float64
	for _, p := range points {
		n, x, y, xx, xy = n+1, x+p.size, y+p.cost, xx+p.size*p.size, xy+p.size*p.cost
	}
	spread := n*xx - x*x
	if n < 2 || spread <= 0 {
		return 0, 0, false
	}
	slope = (n*xy - x*y) / spread
	return slope, (y - slope*x) / n, true
}
