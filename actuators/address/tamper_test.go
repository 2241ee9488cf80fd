package address

import (
	"testing"

	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestWhateverIsDoneToAddressesNoStampLies(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		app := Spec{Interface: "eth1", Address: "10.1.1.3/24"}
		b.Apply(app, false)
		b.Tamper(120, map[schema.ID]any{"address/app": app, "address/other": Spec{Interface: "eth2", Address: "10.7.7.7/24"}},
			"ip addr del 10.1.1.3/24 dev eth1", "ip addr add 10.1.1.3/24 dev eth1", "ip addr add 10.1.1.3/24 dev eth2", "ip addr del 10.1.1.3/24 dev eth2",
			"ip addr add 10.1.1.3/16 dev eth1", "ip addr del 10.1.1.3/16 dev eth1", "ip addr add 10.7.7.7/24 dev eth1", "ip addr del 10.7.7.7/24 dev eth1",
			"ip addr add 10.7.7.7/24 dev eth2", "ip addr del 10.7.7.7/24 dev eth2", "ip link set eth1 down", "ip link set eth1 up",
			"ip link set eth1 down; ip link set eth1 name moved", "ip link set moved down; ip link set moved name eth1; ip link set eth1 up",
			"mv /var/lib/plumb/address/app.json /var/lib/plumb/address/gone.json", "mv /var/lib/plumb/address/gone.json /var/lib/plumb/address/app.json")
	})
}
