package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/bench/fleet"
	"plumbline/testenv/bench/meter"
	"plumbline/testenv/need"
)

// soaked is ten minutes of samples, with memory and descriptors as functions of the minute.
func soaked(memory, descriptors func(minute float64) float64) *soak {
	s := &soak{place: &place{fleet: fleet.New(100)}}
	for at := time.Duration(0); at <= 10*time.Minute; at += 2 * time.Second {
		m := at.Minutes()
		s.samples = append(s.samples, sample{at, meter.Usage{RSS: int64(memory(m) * mebibyte), FDs: int(descriptors(m))}, 100})
	}
	return s
}

func TestGrowthIsToldFromNoiseAndWarmth(t *testing.T) {
	sawtooth := func(m float64) float64 { return 400 + 60*(m-float64(int(m))) }
	warming := func(m float64) float64 { return min(200+100*m, 500) }
	leaking := func(m float64) float64 { return 400 + 10*m }
	flat := func(float64) float64 { return 40 }
	for _, c := range []struct {
		name                string
		memory, descriptors func(float64) float64
		fine                bool
		says                string
	}{
		{"noise", sawtooth, flat, true, "| memory |"},
		{"warming up", warming, flat, true, "500 MiB"},
		{"memory grows", leaking, flat, false, "+600.0"},
		{"descriptors grow", sawtooth, func(m float64) float64 { return 40 + 2*m }, false, "| descriptors | 46"},
	} {
		text, fine := soaked(c.memory, c.descriptors).verdict()
		if fine != c.fine || !strings.Contains(text, c.says) || strings.Contains(text, "grows") == c.fine {
			t.Errorf("%s: fine is %v:\n%s", c.name, fine, text)
		}
	}
	if text, fine := (&soak{samples: make([]sample, 3)}).verdict(); fine || !strings.Contains(text, "too short") {
		t.Errorf("three samples: %v, %s", fine, text)
	}
}

// A controller is started, pushed to, disturbed and sampled, and ends with everything applied and healed.
func TestASmallSoak(t *testing.T) {
	need.Program(t, "git")
	s, err := beginSoak(t.Context(), small(t), 100)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.sample(0), s.push(), s.disturb(), until(t.Context(), "all is applied and healed", s.settled), s.sample(time.Minute), s.stop())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range s.samples {
		if one.goroutines <= 0 {
			t.Errorf("%+v", one)
		}
	}
	if svg := string(s.picture()); !strings.Contains(svg, "Goroutines") {
		t.Error(svg)
	}
}
