package host

import (
	"context"
	"strconv"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

// nics lists the cards of the machine. What has a kind was made by software; a veth counts because a container's and a
// laboratory's cards are such.
func nics(ctx context.Context, h actuators.Host, l *State) error {
	links, err := link.List(ctx)
	if err != nil {
		return err
	}
	l.Config.NICs = map[string]NIC{}
	for _, k := range links {
		if k.Loopback || k.Kind != "device" && k.Kind != "veth" {
			continue
		}
		nic := NIC{MAC: k.Card(), MTU: k.MTU, Carrier: k.Lower}
		if nic.Carrier {
			nic.Speed = linkSpeed(h, k)
		}
		l.Config.NICs[k.Name] = nic
	}
	return nil
}

// linkSpeed reads sysfs, which shows the interfaces of the network namespace that mounted it: the index proves that it
// is ours.
func linkSpeed(h actuators.Host, k link.Link) int {
	dir := "/sys/class/net/" + k.Name
	if index, err := word(h, dir+"/ifindex"); err != nil || index != strconv.Itoa(k.Index) {
		return 0
	}
	text, err := word(h, dir+"/speed")
	if err != nil {
		return 0 // the driver does not say
	}
	mbit, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return max(mbit, 0) // -1 is unknown
}
