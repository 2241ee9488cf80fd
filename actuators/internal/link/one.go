package link

import (
	"context"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// One reads the interface of a name, and no other.
func One(ctx context.Context, name string) (one Link, found bool, err error) {
	return single(ctx, "read interface "+name, func(h *netlink.Handle) (netlink.Link, error) { return h.LinkByName(name) })
}

func single(ctx context.Context, what string, get func(h *netlink.Handle) (netlink.Link, error)) (one Link, found bool, err error) {
	err = with(ctx, what, func(h *netlink.Handle) error {
		l, err := get(h)
		if err == nil {
			one = fromKernel(l)
		}
		return err
	})
	if errors.Is(err, actuators.ErrNotFound) {
		return Link{}, false, nil
	}
	return one, err == nil, err
}

// PortsOf reads the interfaces that belong to a bridge, and no others: the kernel chooses them (IFLA_MASTER of a dump).
func PortsOf(ctx context.Context, bridge Link) (ports Links, err error) {
	err = with(ctx, "list the ports of "+bridge.Name, func(*netlink.Handle) error {
		ask := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
		ask.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
		ask.AddData(nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(bridge.Index))))
		ask.AddData(nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(nl.RTEXT_FILTER_VF)))
		answers, err := ask.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
		ports = nil
		for _, answer := range answers {
			one, bad := netlink.LinkDeserialize(nil, answer)
			if bad != nil {
				return bad
			}
			if l := fromKernel(one); l.Master == bridge.Index { // a kernel that does not choose gives all
				ports = append(ports, l)
			}
		}
		return err
	})
	return ports.sorted(), err
}

// AddressesAmong reads those addresses that are asked for, on whatever interface, and no interfaces but theirs.
func AddressesAmong(ctx context.Context, asked func(netip.Addr) bool) ([]Address, error) {
	all, err := dumpAddresses(ctx)
	if err != nil {
		return nil, err
	}
	var links Links
	var some []netlink.Addr
	for _, one := range all {
		if ip, ok := netip.AddrFromSlice(one.IP); !ok || !asked(ip.Unmap()) {
			continue
		}
		some = append(some, one)
		if _, known := links.Index(one.LinkIndex); known {
			continue
		}
		l, found, err := single(ctx, "read an interface", func(h *netlink.Handle) (netlink.Link, error) { return h.LinkByIndex(one.LinkIndex) })
		if err != nil {
			return nil, err
		}
		if found {
			links = append(links, l)
		}
	}
	return on(links, some), nil
}
