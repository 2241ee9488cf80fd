package vip

import (
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		run := func(script string) func() { return func() { sh(t, script) } }
		fast := func(address string) *Spec {
			return spec(func(s *Spec) { s.Address, s.Advert = address, "50ms" })
		}
		sh(t, "mkdir "+confDir) // the directory of the first address stays when the last one goes
		conform.Run(t, conform.Case{
			Kind: Kind, ID: b.At.ID, Host: b.Host,
			Specs:      []any{fast("203.0.113.3/24"), fast("203.0.113.4/24"), fast("203.0.113.3/24")},
			Renamed:    &conform.Renamed{ID: "vip/entrance", Spec: fast("203.0.113.3/24")},
			Foreign:    run("echo '# by hand' >" + confPath("edge-public")),
			NotForeign: run("rm " + confPath("edge-public")),
			Sabotage: []conform.Sabotage{
				{Name: "another priority", Do: run("sed -i 's/priority 150/priority 7/' " + confPath("edge-public")), Path: "priority"},
				{Name: "a word more", Do: run("sed -i 's/state BACKUP/state MASTER/' " + confPath("edge-public")), Path: "edited"},
				{Name: "keepalived is killed", Do: run("systemctl stop keepalived"), Path: "stopped"},
				{Name: "the file is removed", Do: run("rm " + confPath("edge-public"))},
			},
			Native: func() string { return disk(t, b) },
		})
	})
}
