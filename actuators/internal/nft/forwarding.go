package nft

import (
	"fmt"
	"strings"

	"plumbline/actuators"
)

const ipForward = "/proc/sys/net/ipv4/ip_forward"

// Forwarding refuses a host that forwards no packets: what is published there would be dead.
func Forwarding(h actuators.Host) error {
	data, err := h.ReadFile(ipForward)
	if err != nil {
		return fmt.Errorf("cannot read whether the host forwards packets: %w", err)
	}
	if strings.TrimSpace(string(data)) == "0" {
		return fmt.Errorf("%w: the host forwards no IPv4 packets; set net.ipv4.ip_forward = 1 in /etc/sysctl.d and load it with sysctl --system", actuators.ErrRefused)
	}
	return nil
}
