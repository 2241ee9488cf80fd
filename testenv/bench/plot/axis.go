package plot

import "math"

// axis maps values to pixels.
type axis struct {
	low, high float64 // of the values
	from, to  float64 // in pixels
	log       bool
}

func (c Chart) axes() (x, y axis) {
	x = axis{from: left, to: width - right, log: c.LogX}
	y = axis{from: float64(c.Height - bottom), to: top, log: c.LogY}
	var xs, ys []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	x.span(xs)
	y.span(ys)
	return x, y
}

// span takes the range of the values: whole decades of a logarithmic axis, from 0 on a linear one.
func (a *axis) span(values []float64) {
	first := true
	for _, v := range values {
		if !a.shows(v) {
			continue
		}
		if first {
			a.low, a.high, first = v, v, false
		}
		a.low, a.high = math.Min(a.low, v), math.Max(a.high, v)
	}
	switch {
	case a.log && first:
		a.low, a.high = 1, 10
	case a.log:
		a.low, a.high = math.Pow(10, math.Floor(math.Log10(a.low))), math.Pow(10, math.Ceil(math.Log10(a.high)))
		if a.low == a.high {
			a.high *= 10
		}
	default:
		a.low = math.Min(a.low, 0)
		if a.high <= a.low {
			a.high = a.low + 1
		}
		step := a.step()
		a.high = math.Ceil(a.high/step) * step
	}
}

func (a axis) shows(v float64) bool { return !a.log || v > 0 }

func (a axis) at(v float64) float64 {
	share := (v - a.low) / (a.high - a.low)
	if a.log {
		share = math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return a.from + share*(a.to-a.from)
}

// step is a round number of which about five fit.
func (a axis) step() float64 {
	raw := (a.high - a.low) / 5
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= raw {
			return factor * power
		}
	}
	return 10 * power
}

func (a axis) marks() []float64 {
	var out []float64
	if a.log {
		for v := a.low; v <= a.high*1.001; v *= 10 {
			out = append(out, v)
		}
		return out
	}
	step := a.step()
	for n := math.Ceil(a.low / step); n*step <= a.high*1.001; n++ {
		out = append(out, n*step)
	}
	return out
}
