package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"sort"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// All cables of a lab end in its switch: the network namespace of the keeper,
// with one bridge per segment. The machine's own namespace is never touched.

// buildSwitch makes the bridges.
func buildSwitch(hosts []HostConfig) error {
	if err := linkUp("lo"); err != nil {
		return err
	}
	for i, segment := range segments(hosts) {
		name := fmt.Sprintf("br%d", i)
		off := false
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name, Alias: segment}, MulticastSnooping: &off}
		if err := netlink.LinkAdd(br); err != nil {
			return fmt.Errorf("cannot make segment %s: %w", segment, err)
		}
		if err := netlink.LinkSetAlias(br, segment); err != nil {
			return fmt.Errorf("cannot name segment %s: %w", segment, err)
		}
		os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0o644) // absent where the kernel has no IPv6
		if err := netlink.LinkSetUp(br); err != nil {
			return fmt.Errorf("cannot start segment %s: %w", segment, err)
		}
	}
	return nil
}

// plug makes the NICs of a host whose first process has the given pid. It replaces the cables of
// an earlier life of the host.
func plug(lab string, hosts []HostConfig, index, pid int) error {
	h := hosts[index]
	for j, nic := range h.NICs {
		port := fmt.Sprintf("p%d.%d", index, j)
		if old, err := netlink.LinkByName(port); err == nil {
			if err := netlink.LinkDel(old); err != nil && !errors.Is(err, unix.ENODEV) {
				return fmt.Errorf("cannot unplug %s: %w", nic.Name, err)
			}
		}
		veth := &netlink.Veth{
			LinkAttrs:        netlink.LinkAttrs{Name: port},
			PeerName:         nic.Name,
			PeerNamespace:    netlink.NsPid(pid),
			PeerHardwareAddr: mac(lab, h.Name, nic.Name),
		}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("cannot make %s: %w", nic.Name, err)
		}
		if err := plugInto(veth, bridgeOf(hosts, nic.Segment)); err != nil {
			return fmt.Errorf("cannot plug %s into %s: %w", nic.Name, nic.Segment, err)
		}
	}
	return nil
}

func plugInto(port netlink.Link, bridge string) error {
	if bridge == "" {
		return nil
	}
	os.WriteFile("/proc/sys/net/ipv6/conf/"+port.Attrs().Name+"/disable_ipv6", []byte("1"), 0o644)
	br, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetMaster(port, br); err != nil {
		return err
	}
	return netlink.LinkSetUp(port)
}

// configureNetwork runs inside the host.
func configureNetwork(h HostConfig) error {
	if err := linkUp("lo"); err != nil {
		return err
	}
	if h.Forward {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
			return fmt.Errorf("cannot forward: %w", err)
		}
	}
	for _, nic := range h.NICs {
		if err := linkUp(nic.Name); err != nil {
			return err
		}
		for _, a := range nic.Addresses {
			if err := addAddress(nic.Name, a); err != nil {
				return fmt.Errorf("cannot give %s the address %s: %w", nic.Name, a, err)
			}
		}
	}
	for _, r := range h.Routes {
		if err := addRoute(r); err != nil {
			return fmt.Errorf("cannot route %s via %s: %w", r.To, r.Via, err)
		}
	}
	return nil
}

func addAddress(nic, address string) error {
	link, err := netlink.LinkByName(nic)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(address)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(link, addr)
}

func addRoute(r Route) error {
	route := &netlink.Route{Gw: net.ParseIP(r.Via)}
	if r.To != "default" {
		_, to, err := net.ParseCIDR(r.To)
		if err != nil {
			return err
		}
		route.Dst = to
	}
	return netlink.RouteAdd(route)
}

func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", name, err)
	}
	return nil
}

func segments(hosts []HostConfig) []string {
	seen := map[string]bool{}
	for _, h := range hosts {
		for _, nic := range h.NICs {
			seen[nic.Segment] = nic.Segment != ""
		}
	}
	var names []string
	for name, wanted := range seen {
		if wanted {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func bridgeOf(hosts []HostConfig, segment string) string {
	for i, name := range segments(hosts) {
		if name == segment {
			return fmt.Sprintf("br%d", i)
		}
	}
	return ""
}

// mac is locally administered and the same after every boot.
func mac(lab, host, nic string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(lab + "\x00" + host + "\x00" + nic))
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}
}
