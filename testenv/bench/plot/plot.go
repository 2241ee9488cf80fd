// Package plot draws lines over axes as SVG: enough for the pages of the benchmark, and nothing more.
package plot

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Point is one value.
type Point struct{ X, Y float64 }

// Series is one line. Its name stands at its right end.
type Series struct {
	Name   string
	Points []Point
	Dashed bool
}

// Chart is one set of axes. A logarithmic axis shows positive values only.
type Chart struct {
	Title, X, Y string // what it is, and what the axes count
	LogX, LogY  bool
	Height      int // in pixels
	Series      []Series
	Format      func(y float64) string // of the marks of the y axis; nil: the number
}

// Layout in pixels.
const (
	width       = 960
	left        = 78
	right       = 250 // the names of the lines
	top         = 34
	bottom      = 46
	labelHeight = 15
)

// colors are told apart by people who see fewer (Okabe and Ito), then repeated.
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5c00", "#56b4e9", "#e69f00", "#444444"}

// SVG draws charts one below the other.
func SVG(charts ...Chart) []byte {
	total := 0
	for _, c := range charts {
		total += c.Height
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, total, width, total)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, total)
	y := 0
	for _, c := range charts {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", y)
		c.draw(&b)
		b.WriteString("</g>\n")
		y += c.Height
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (c Chart) draw(b *bytes.Buffer) {
	xs, ys := c.axes()
	fmt.Fprintf(b, `<text x="%d" y="18" font-size="14" font-weight="bold">%s</text>`+"\n", left, escape(c.Title))
	for _, mark := range ys.marks() {
		y := ys.at(mark)
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, y, width-right, left-6, y+4, escape(c.format(mark)))
	}
	for _, mark := range xs.marks() {
		x := xs.at(mark)
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#eee"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, top, c.Height-bottom, x, c.Height-bottom+16, number(mark))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, c.Height-10, escape(c.X))
	fmt.Fprintf(b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+c.Height-bottom)/2, escape(c.Y))
	c.lines(b, xs, ys)
}

func (c Chart) lines(b *bytes.Buffer, xs, ys axis) {
	var ends []label
	for i, s := range c.Series {
		color, dash := colors[i%len(colors)], ""
		if s.Dashed {
			dash = ` stroke-dasharray="5 4"`
		}
		var path strings.Builder
		var last Point
		for _, p := range s.Points {
			if xs.shows(p.X) && ys.shows(p.Y) {
				fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[path.Len() == 0], xs.at(p.X), ys.at(p.Y))
				last = p
			}
		}
		if path.Len() == 0 {
			continue
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", path.String(), color, dash)
		for _, p := range s.Points {
			if len(s.Points) < 20 && xs.shows(p.X) && ys.shows(p.Y) {
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", xs.at(p.X), ys.at(p.Y), color)
			}
		}
		ends = append(ends, label{s.Name, color, xs.at(last.X), ys.at(last.Y), 0})
	}
	for _, l := range apart(ends, float64(c.Height-bottom)) {
		fmt.Fprintf(b, `<path d="M%.1f %.1fL%d %.1f" stroke="%s" stroke-width="0.7" fill="none"/>`, l.x+4, l.end, width-right+10, l.y, l.color)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", width-right+14, l.y+4, l.color, escape(l.text))
	}
}

// label is the name of a line: where the line ends, and where the name stands.
type label struct {
	text, color string
	x, end, y   float64
}

// apart gives every label a line of its own, near the end of what it names.
func apart(labels []label, floor float64) []label {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.end, b.end) })
	next := float64(top)
	for i := range labels {
		labels[i].y = math.Max(labels[i].end, next)
		next = labels[i].y + labelHeight
	}
	for i := len(labels) - 1; i >= 0; i-- {
		labels[i].y = math.Min(labels[i].y, floor)
		floor = labels[i].y - labelHeight
	}
	return labels
}

func (c Chart) format(y float64) string {
	if c.Format != nil {
		return c.Format(y)
	}
	return number(y)
}

// number writes 10000 as "10,000", and small ones short.
func number(v float64) string {
	if v != math.Trunc(v) || math.Abs(v) < 1000 {
		return fmt.Sprintf("%.4g", v)
	}
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
