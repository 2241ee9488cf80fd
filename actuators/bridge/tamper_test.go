package bridge

import (
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestWhateverIsDoneToInterfacesNoStampLies(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		app := resolved(Spec{Ports: []string{"eth1"}})
		b.Apply(app, false)
		b.Tamper(120, map[schema.ID]any{"bridge/app": app, "bridge/other": Spec{Resolved: Resolved{Interface: "other"}}},
			"ip link set eth1 nomaster", "ip link set eth1 master app", "ip link set eth2 master app", "ip link set eth2 nomaster",
			"ip link set app down", "ip link set app up", "ip link set eth1 down", "ip link set eth1 up",
			"ip link set app mtu 1400", "ip link set app mtu 1500", "ip link set app down; ip link set app name moved", "ip link set moved down; ip link set moved name app",
			"ip link add other type bridge", "ip link del other", "ip link add other type dummy || ip link add other type veth peer name other2",
			`alias=$(cat /sys/class/net/app/ifalias); ip link set app alias ""; ip link add last type bridge; ip link set last alias "$alias"`,
			`alias=$(ip -j link show last | jq -r .[0].ifalias); ip link del last; ip link set app alias "$alias"`,
			"ip tuntap add tap0 mode tap; ip link set tap0 master app", "ip tuntap del tap0 mode tap")
	})
}
