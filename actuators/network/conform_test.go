package network

import (
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		run := func(script string) func() { return func() { sh(t, script) } }
		theirs := `printf "<network><name>app-boston</name><forward mode='bridge'/><bridge name='br1'/></network>" >/tmp/n.xml; virsh -q net-define /tmp/n.xml; virsh -q net-start app-boston`
		conform.Run(t, conform.Case{
			Kind: Kind, ID: b.At.ID, Host: b.Host,
			Specs:      []any{spec("app"), spec("br1"), spec("app")},
			Foreign:    run(theirs),
			NotForeign: run("virsh -q net-destroy app-boston; virsh -q net-undefine app-boston"),
			Sabotage: []conform.Sabotage{
				{Name: "stopped", Do: run("virsh net-destroy app-boston"), Path: "active"},
				{Name: "does not start with the host", Do: run("virsh net-autostart --disable app-boston"), Path: "autostart"},
				{Name: "undefined", Do: run("virsh net-destroy app-boston; virsh net-undefine app-boston")},
			},
			Broken: []conform.Breakage{{Name: "libvirtd is frozen", Break: func() func() {
				sh(t, "kill -STOP $(pidof libvirtd)")
				return run("kill -CONT $(pidof libvirtd)")
			}}},
			Native: func() string { return networks(t) },
		})
	})
}
