package address

import (
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		run := func(script string) func() { return func() { sh(t, script) } }
		sh(t, "ip link set eth1 up") // what an address switched on stays on when it goes
		conform.Run(t, conform.Case{
			Kind: Kind, ID: b.At.ID, Host: b.Host,
			Specs: []any{
				Spec{Interface: "eth1", Address: "10.1.1.3/24"}, Spec{Interface: "eth1", Address: "10.1.1.4/24"},
				Spec{Interface: "eth2", Address: "10.1.1.4/24"}, Spec{Interface: "eth2", Address: "10.9.0.10/24"},
			},
			Renamed:    &conform.Renamed{ID: "address/web", Spec: Spec{Interface: "eth2", Address: "10.9.0.11/24"}},
			Foreign:    run("ip addr add 10.1.1.3/24 dev eth1"),
			NotForeign: run("ip addr del 10.1.1.3/24 dev eth1"),
			Sabotage: []conform.Sabotage{
				{Name: "the interface is switched off", Do: run("ip link set eth2 down"), Path: "down"},
				{Name: "the address is removed", Do: run("ip addr del 10.9.0.10/24 dev eth2")},
			},
			Broken: []conform.Breakage{{Name: "a record that nobody can read", Break: func() func() {
				sh(t, "cp /var/lib/plumb/address/app.json /tmp/; echo '{' >/var/lib/plumb/address/app.json")
				return run("cp /tmp/app.json /var/lib/plumb/address/")
			}}},
			Native: func() string { return world(t) },
		})
	})
}
