package link

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Address is one address of an interface.
type Address struct {
	Link      Link
	Prefix    netip.Prefix // the address itself, with the length of its network
	Local     bool         // link-local or of the host alone: the kernel makes such by itself
	Dynamic   bool         // it ends by itself unless DHCP or a router says it again
	Tentative bool         // IPv6: still looked for on the network, or found there (RFC 4862)

	kernel netlink.Addr
}

// Addresses reads all addresses of all interfaces.
func Addresses(ctx context.Context, links Links) ([]Address, error) {
	all, err := dumpAddresses(ctx)
	if err != nil {
		return nil, err
	}
	return on(links, all), nil
}

func dumpAddresses(ctx context.Context) (all []netlink.Addr, err error) {
	err = with(ctx, "list addresses", func(h *netlink.Handle) (err error) {
		all, err = h.AddrList(nil, netlink.FAMILY_ALL)
		return err
	})
	return all, err
}

// on gives addresses with their interfaces, in order of names and addresses.
func on(links Links, all []netlink.Addr) (out []Address) {
	for _, one := range all {
		ip, ok := netip.AddrFromSlice(one.IP)
		l, found := links.Index(one.LinkIndex)
		if !ok || !found {
			continue // the interface came or went between the two lists: its address belongs to the next look
		}
		bits, _ := one.Mask.Size()
		out = append(out, Address{
			Link: l, Prefix: netip.PrefixFrom(ip.Unmap(), bits), kernel: one,
			Local:     one.Scope == unix.RT_SCOPE_LINK || one.Scope == unix.RT_SCOPE_HOST,
			Dynamic:   one.Flags&unix.IFA_F_PERMANENT == 0,
			Tentative: one.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0,
		})
	}
	slices.SortFunc(out, func(a, b Address) int {
		return cmp.Or(cmp.Compare(a.Link.Name, b.Link.Name), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	return out
}

// AddAddress gives an interface an address; one that it has is no error.
func AddAddress(ctx context.Context, one Link, prefix netip.Prefix) error {
	return change(ctx, "give "+one.Name+" the address "+prefix.String(), one, func(h *netlink.Handle, l netlink.Link) error {
		err := h.AddrAdd(l, toKernel(prefix))
		if errors.Is(err, unix.EEXIST) {
			return nil
		}
		return err
	})
}

// RemoveAddress takes an address from an interface; an absent one is no error. With the first address of a network the
// kernel removes the others of that network from the interface, unless promote_secondaries is set
// (Documentation/networking/ip-sysctl.rst), and routes with them: those are put back.
func RemoveAddress(ctx context.Context, one Link, prefix netip.Prefix) error {
	routes, err := Routes(ctx, one)
	if err != nil {
		return err
	}
	err = change(ctx, "take the address "+prefix.String()+" from "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error {
		before, err := h.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return err
		}
		err = h.AddrDel(l, toKernel(prefix))
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return err
		}
		return putBack(h, l, before, prefix)
	})
	if err != nil {
		return err
	}
	return PutRoutes(ctx, one, routes)
}

func putBack(h *netlink.Handle, l netlink.Link, before []netlink.Addr, gone netip.Prefix) error {
	after, err := h.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, one := range before {
		same := func(other netlink.Addr) bool { return other.IPNet.String() == one.IPNet.String() }
		if one.IPNet.String() == gone.String() || slices.ContainsFunc(after, same) {
			continue
		}
		one.Flags &^= unix.IFA_F_SECONDARY | unix.IFA_F_PERMANENT
		if err := h.AddrAdd(l, &one); err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return nil
}

func toKernel(prefix netip.Prefix) *netlink.Addr {
	ip := prefix.Addr()
	return &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(prefix.Bits(), ip.BitLen())}}
}
