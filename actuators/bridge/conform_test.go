package bridge

import (
	"regexp"
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		run := func(script string) func() { return func() { sh(t, script) } }
		sh(t, "ip link set eth1 up; ip link set eth2 up") // what a bridge switched on stays on when it goes
		conform.Run(t, conform.Case{
			Kind: Kind, ID: b.At.ID, Host: b.Host,
			Specs: []any{
				resolved(Spec{Ports: []string{"eth1"}}), resolved(Spec{Ports: []string{"eth2", "eth1"}}),
				resolved(Spec{MTU: 1400}), resolved(Spec{Ports: []string{"eth2"}, MTU: 1300}),
			},
			Renamed:    &conform.Renamed{ID: "bridge/lan", Spec: resolved(Spec{Interface: "app", Ports: []string{"eth1", "eth2"}})},
			Foreign:    run("ip link add app type bridge; ip link set app alias theirs; ip link set eth1 master app"),
			NotForeign: run("ip link del app"),
			Sabotage: []conform.Sabotage{
				{Name: "a port is taken out", Do: run("ip link set eth2 nomaster"), Path: "ports"},
				{Name: "a port is switched off", Do: run("ip link set eth2 down"), Path: "down"},
				{Name: "the bridge is switched off", Do: run("ip link set app down"), Path: "down"},
				{Name: "another MTU", Do: run("ip link set app mtu 1200"), Path: "mtu"},
				{Name: "the bridge is deleted", Do: run("ip link del app")},
			},
			// The hash of a mark is that of the spec that made the bridge.
			Native: func() string {
				return regexp.MustCompile(`bridge/(app|lan):[0-9a-f]*`).ReplaceAllString(links(t), "bridge/$1")
			},
		})
	})
}
