// Package link reads and changes interfaces and addresses of the network namespace that the process is in, through
// rtnetlink. Every call is bounded by its context, also within the kernel's answers, and a list is never half of one: the
// kernel marks a dump that changed while it was read, and then it is read again.
//
// Only kinds below actuators import it.
package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// callLimit bounds a call whose context has no nearer deadline.
const callLimit = 10 * time.Second

// dumpTries is how often a list is read anew that changed while it was read. Cilium uses 30 as well.
const dumpTries = 30

// Link is one network interface.
type Link struct {
	Index  int
	Name   string
	Alias  string
	Kind   string // bridge, veth, tun, …; "device" for a card
	Master int    // index of the bridge or bond that it belongs to, or 0
	MTU    int
	Up     bool // administratively
	Lower  bool // it has a carrier

	Loopback bool

	hardware, permanent net.HardwareAddr
}

// Card is the address that the interface was made with, also while a bond lends it another: "02:00:00:00:00:01".
func (l Link) Card() string {
	if len(l.permanent) > 0 {
		return l.permanent.String()
	}
	return l.hardware.String()
}

// Links are the interfaces of a host, by name.
type Links []Link

// Name finds an interface by name.
func (l Links) Name(name string) (Link, bool) {
	return l.find(func(one Link) bool { return one.Name == name })
}

// Index finds an interface by its index.
func (l Links) Index(index int) (Link, bool) {
	return l.find(func(one Link) bool { return one.Index == index })
}

func (l Links) find(is func(Link) bool) (Link, bool) {
	i := slices.IndexFunc(l, is)
	if i < 0 {
		return Link{}, false
	}
	return l[i], true
}

// Ports are the interfaces that belong to a bridge.
func (l Links) Ports(bridge Link) Links {
	var ports Links
	for _, one := range l {
		if one.Master == bridge.Index {
			ports = append(ports, one)
		}
	}
	return ports
}

// List reads all interfaces.
func List(ctx context.Context) (Links, error) {
	var links Links
	err := with(ctx, "list network interfaces", func(h *netlink.Handle) error {
		all, err := h.LinkList()
		links = nil
		for _, one := range all {
			links = append(links, fromKernel(one))
		}
		return err
	})
	return links.sorted(), err
}

func (l Links) sorted() Links {
	slices.SortFunc(l, func(a, b Link) int { return cmp.Compare(a.Name, b.Name) })
	return l
}

func fromKernel(one netlink.Link) Link {
	a := one.Attrs()
	kind := one.Type()
	if _, tap := one.(*netlink.Tuntap); tap {
		kind = "tun"
	}
	return Link{
		Index: a.Index, Name: a.Name, Alias: a.Alias, Kind: kind, Master: a.MasterIndex, MTU: a.MTU,
		Up: a.RawFlags&unix.IFF_UP != 0, Lower: a.RawFlags&unix.IFF_LOWER_UP != 0,
		Loopback: a.RawFlags&unix.IFF_LOOPBACK != 0, hardware: a.HardwareAddr, permanent: a.PermHWAddr,
	}
}

// with opens a handle for one call, whose socket gives up with the context.
func with(ctx context.Context, what string, f func(h *netlink.Handle) error) error {
	limit := callLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	if err := ctx.Err(); err != nil || limit <= 0 {
		return fmt.Errorf("cannot %s: %w", what, cmp.Or(err, context.DeadlineExceeded))
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("cannot open rtnetlink: %w", err)
	}
	defer h.Close()
	if err := h.SetSocketTimeout(limit); err != nil {
		return fmt.Errorf("cannot bound rtnetlink: %w", err)
	}
	for range dumpTries {
		if err = f(h); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s: %w", what, cause(err))
}

// cause turns what the kernel says into what somebody can act on.
func cause(err error) error {
	var absent netlink.LinkNotFoundError
	switch {
	case errors.As(err, &absent), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%w: %w", actuators.ErrNotFound, err)
	case errors.Is(err, netlink.ErrDumpInterrupted), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w", actuators.ErrTransient, err)
	}
	return err
}
