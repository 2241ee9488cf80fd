package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// The switches of forwarding, as sysctl(8) takes them with slashes. The kernel asks the one of the interface that a packet came
// in by; a write to ip_forward sets those of all interfaces and of new ones (Documentation/networking/ip-sysctl.rst).
const (
	switchAll  = "net/ipv4/ip_forward"
	switchesOf = "net/ipv4/conf/"
	switchName = "/forwarding"
	newcomers  = "default" // the interface whose switch new ones take over
	isOff      = "=0"
)

func switchOf(name string) string { return switchesOf + name + switchName }

// forwarding is which switches stand how.
type forwarding struct {
	all bool
	on  []int          // interfaces by index, and indexDefault
	off map[int]string // names of interfaces by index, without loopback, by which nothing that is forwarded comes in
}

// Netconf messages have no library: struct netconfmsg and its attributes, all of four bytes (linux/netconf.h).
const (
	sizeofNetconf     = 4
	netconfIndex      = 1
	netconfForwarding = 2
	indexAll          = -1
	indexDefault      = -2
)

// readForwarding asks for all switches at once (RTM_GETNETCONF).
func readForwarding() (forwarding, error) {
	out := forwarding{off: map[int]string{}}
	request := nl.NewNetlinkRequest(unix.RTM_GETNETCONF, unix.NLM_F_DUMP)
	request.AddData(&nl.RtGenMsg{RtGenmsg: unix.RtGenmsg{Family: unix.AF_INET}})
	messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNETCONF)
	if err != nil {
		return out, fmt.Errorf("cannot read which interfaces forward packets: %w", err)
	}
	for _, m := range messages {
		values := map[uint16]int{}
		for kind, data := range attributes(m[min(len(m), sizeofNetconf):]) {
			if len(data) == 4 {
				values[kind] = int(int32(binary.NativeEndian.Uint32(data)))
			}
		}
		out.take(values[netconfIndex], values[netconfForwarding] != 0)
	}
	return out, nil
}

func (f *forwarding) take(index int, on bool) {
	switch {
	case index == indexAll:
		f.all = on
	case on:
		f.on = append(f.on, index)
	case index > 0:
		if link, err := net.InterfaceByIndex(index); err == nil && link.Flags&net.FlagLoopback == 0 {
			f.off[index] = link.Name
		}
	}
}

// names are the interfaces that forward, sorted, and newcomers.
func (f forwarding) names() []string {
	var out []string
	for _, index := range f.on {
		if index == indexDefault {
			out = append(out, newcomers)
		} else if link, err := net.InterfaceByIndex(index); err == nil { // else it went meanwhile
			out = append(out, link.Name)
		}
	}
	slices.Sort(out)
	return out
}

// blocking are the switches that keep packets of these services from their targets, with "=0", sorted: the one for all, or else
// those of interfaces by which such packets come.
func (f forwarding) blocking(elements []Element) ([]string, error) {
	if !f.all {
		return []string{switchAll + isOff}, nil
	}
	if len(f.off) == 0 || len(elements) == 0 {
		return nil, nil
	}
	ways, err := waysOf(elements)
	if err != nil {
		return nil, err
	}
	var out []string
	for index, name := range f.off {
		if ways[index] {
			out = append(out, switchOf(name)+isOff)
		}
	}
	slices.Sort(out)
	return out, nil
}

// waysOf are the interfaces, by index, that packets of services come in by: the ways to the targets, whose answers come back
// there; those with a default route, where clients are; and those that bear a public address or a network that it lies in.
func waysOf(elements []Element) (map[int]bool, error) {
	ways, public := map[int]bool{}, map[string]net.IP{}
	targets := map[string]net.IP{}
	for _, e := range elements {
		note(public, e.Key)
		note(targets, e.Value)
	}
	for _, ip := range targets {
		routes, err := netlink.RouteGet(ip)
		if err != nil {
			continue // no way at all is not a matter of forwarding
		}
		for _, r := range routes {
			ways[r.LinkIndex] = true
		}
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil {
		return nil, fmt.Errorf("cannot read the default routes: %w", err)
	}
	for _, r := range routes {
		ways[r.LinkIndex] = true
	}
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("cannot read the addresses of interfaces: %w", err)
	}
	for _, a := range addresses {
		for _, ip := range public {
			ways[a.LinkIndex] = ways[a.LinkIndex] || a.Contains(ip)
		}
	}
	return ways, nil
}

func note(into map[string]net.IP, endpoint string) {
	host, _, _ := strings.Cut(endpoint, ":")
	if ip := net.ParseIP(host); ip != nil {
		into[host] = ip
	}
}

// Forwarding refuses a host that forwards no packets: what is published there would be dead.
func Forwarding(actuators.Host) error {
	now, err := readForwarding()
	if err == nil && !now.all {
		err = fmt.Errorf("%w: the host forwards no IPv4 packets; set net.ipv4.ip_forward = 1 in /etc/sysctl.d and load it with sysctl --system", actuators.ErrRefused)
	}
	return err
}

// turn writes a switch. It is written in place: /proc takes no other file in its stead. An interface that is gone has none.
func turn(name string, on bool) error {
	value := "0"
	if on {
		value = "1"
	}
	file, err := os.OpenFile("/proc/sys/"+name, os.O_WRONLY|os.O_TRUNC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = file.WriteString(value + "\n")
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot set %s to %s: %w", name, value, err)
	}
	return nil
}

// word is the state of all switches for a stamp; "" when what they mean for a service depends on routes and addresses too.
func (f forwarding) word() string {
	if f.all && len(f.off) > 0 {
		return ""
	}
	return strconv.FormatBool(f.all)
}
