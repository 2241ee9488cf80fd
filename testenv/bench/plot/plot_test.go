package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestSVGIsWellFormedAndNamesEveryLine(t *testing.T) {
	chart := Chart{Title: "cost <over> size", X: "objects", Y: "seconds", LogX: true, LogY: true, Height: 300, Series: []Series{
		{Name: "load & check", Points: []Point{{100, 0.1}, {1000, 1}, {10000, 10}}},
		{Name: "peer", Dashed: true, Points: []Point{{100, 0.2}, {1000, 0}, {10000, 12}}},
		{Name: "never measured"},
	}}
	svg := string(SVG(chart, Chart{Title: "flat", Height: 200, Series: []Series{{Name: "zero", Points: []Point{{0, 0}, {1, 0}}}}}))
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
	for _, want := range []string{"load &amp; check", ">peer<", ">zero<", "cost &lt;over&gt; size", "10,000", "stroke-dasharray"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	for _, not := range []string{"NaN", "Inf", "never measured"} {
		if strings.Contains(svg, not) {
			t.Errorf("%q in\n%s", not, svg)
		}
	}
}

func TestAxesGoUpAndRight(t *testing.T) {
	c := Chart{LogX: true, Height: 300, Series: []Series{{Points: []Point{{100, 3}, {100000, 47}}}}}
	x, y := c.axes()
	if x.low != 100 || x.high != 100000 || x.at(100) != left || math.Abs(x.at(100000)-(width-right)) > 1e-6 {
		t.Errorf("x %+v", x)
	}
	if y.low != 0 || y.high != 50 || y.at(0) <= y.at(50) {
		t.Errorf("y %+v", y)
	}
	if got := x.at(1000) - x.at(100); math.Abs(got-(x.at(10000)-x.at(1000))) > 1e-6 {
		t.Errorf("decades differ in width")
	}
}

func TestNamesDoNotCoverEachOther(t *testing.T) {
	labels := apart([]label{{text: "a", end: 250}, {text: "b", end: 251}, {text: "c", end: 252}, {text: "d", end: 40}}, 254)
	for i := 1; i < len(labels); i++ {
		if labels[i].y-labels[i-1].y < labelHeight || labels[i].y > 254 {
			t.Errorf("%+v", labels)
		}
	}
}
