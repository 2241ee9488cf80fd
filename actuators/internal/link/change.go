package link

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// AddBridge makes a bridge that is down and has an alias from the moment that its name is there: it is made under
// another name and renamed when the alias stands. Made is that other name, which must belong to nobody else; a bridge that an
// earlier try left under it is used.
func AddBridge(ctx context.Context, name, alias, made string) error {
	return with(ctx, "make bridge "+name, func(h *netlink.Handle) error {
		err := h.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: made}})
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
		bridge, err := h.LinkByName(made)
		if err != nil {
			return err
		}
		if err := h.LinkSetAlias(bridge, alias); err != nil {
			return err
		}
		return h.LinkSetName(bridge, name)
	})
}

// Delete removes an interface by its index; one that is gone is no error.
func Delete(ctx context.Context, one Link) error {
	err := change(ctx, "remove "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkDel(l) })
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// SetMaster puts an interface into a bridge; index 0 takes it out of its own.
func SetMaster(ctx context.Context, one Link, bridge int) error {
	return change(ctx, "set the bridge of "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMasterByIndex(l, bridge) })
}

// SetMTU sets the largest packet in bytes.
func SetMTU(ctx context.Context, one Link, mtu int) error {
	return change(ctx, fmt.Sprintf("set the MTU of %s to %d", one.Name, mtu), one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMTU(l, mtu) })
}

// SetAlias writes the alias; empty takes it away.
func SetAlias(ctx context.Context, one Link, alias string) error {
	return change(ctx, "set the alias of "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetAlias(l, alias) })
}

// SetUp switches an interface on or off.
func SetUp(ctx context.Context, one Link, up bool) error {
	if up {
		return change(ctx, "switch on "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetUp(l) })
	}
	return change(ctx, "switch off "+one.Name, one, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetDown(l) })
}

// change addresses the interface by its index, which no other gets while the host runs: a name may pass to another one.
func change(ctx context.Context, what string, one Link, f func(h *netlink.Handle, l netlink.Link) error) error {
	l := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: one.Index, Name: one.Name}}
	return with(ctx, what, func(h *netlink.Handle) error { return f(h, l) })
}
