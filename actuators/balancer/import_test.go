package balancer

import (
	"strings"
	"testing"

	"plumbline/actuators"
)

func TestWhatABalancerBecameIsSaid(t *testing.T) {
	ours := &actuators.Mark{Installation: "i"}
	good := Config{Service: "203.0.113.4:80/tcp", Backends: []string{"10.1.1.12:80", "10.1.1.13:81"}, By: "source", Masquerade: true}
	for _, tt := range []struct {
		name   string
		change func(*actuators.Live[State])
		reason string
	}{
		{"ours", func(*actuators.Live[State]) {}, ""},
		{"nobody's", func(l *actuators.Live[State]) { l.Mark = nil }, `manage: "adopt"`},
		{"no backend", func(l *actuators.Live[State]) { l.State.Config.Backends = nil }, "0 backends"},
		{"another way to choose", func(l *actuators.Live[State]) { l.State.Config.By = "goto mine" }, "goto mine"},
		{"a broken chain", func(l *actuators.Live[State]) { l.State.Config.Broken = []string{"spread-1"} }, "spread-1"},
		{"junk", func(l *actuators.Live[State]) { l.State.Config.Backends = []string{"x"} }, `"x"`},
	} {
		l := actuators.Live[State]{ID: "balancer/b", Mark: ours, State: State{Config: good}}
		tt.change(&l)
		s, err := importOf(l, nil)
		if tt.reason == "" && (err != nil || s.config().Service != good.Service || strings.Join(s.config().Backends, " ") != strings.Join(good.Backends, " ") || s.By != "source" || !s.Masquerade) {
			t.Errorf("%s: %+v, %v", tt.name, s, err)
		}
		if tt.reason != "" && (err == nil || !strings.Contains(err.Error(), tt.reason)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
