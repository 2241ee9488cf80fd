package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Route is one route as the kernel tells it: the payload of an RTM_NEWROUTE message (rtnetlink(7)).
type Route []byte

const (
	flagsAt    = 8 // of rtm_flags in struct rtmsg
	protocolAt = 5
	keptFlags  = unix.RTNH_F_ONLINK // the others say what the kernel found
	hopSize    = unix.SizeofRtNexthop
)

// Routes are the IPv4 routes through an interface but for those that the kernel makes for its addresses. When the last IPv4
// address leaves an interface, be it for an instant, the kernel takes them all away.
func Routes(ctx context.Context, one Link) ([]Route, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot list routes: %w", err)
	}
	ask := nl.NewNetlinkRequest(unix.RTM_GETROUTE, unix.NLM_F_DUMP)
	ask.AddData(nl.NewIfInfomsg(unix.AF_INET))
	all, err := ask.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot list routes: %w", err)
	}
	var out []Route
	for _, message := range all {
		if len(message) < unix.SizeofRtMsg || message[protocolAt] == unix.RTPROT_KERNEL || nl.DeserializeRtMsg(message).Flags&unix.RTM_F_CLONED != 0 {
			continue
		}
		through, err := passes(message, one.Index)
		if err != nil {
			return nil, fmt.Errorf("cannot read a route: %w", err)
		}
		if through {
			out = append(out, Route(message).plain())
		}
	}
	return out, nil
}

// passes tells whether a route, or one of its next hops, leads through an interface.
func passes(message []byte, index int) (bool, error) {
	attributes, err := nl.ParseRouteAttr(message[unix.SizeofRtMsg:])
	for _, a := range attributes {
		switch {
		case a.Attr.Type == unix.RTA_OIF && len(a.Value) >= 4 && int(binary.NativeEndian.Uint32(a.Value)) == index:
			return true, nil
		case a.Attr.Type == unix.RTA_MULTIPATH:
			for hops := a.Value; len(hops) >= hopSize; {
				if int(binary.NativeEndian.Uint32(hops[4:])) == index {
					return true, nil
				}
				size := max(int(binary.NativeEndian.Uint16(hops)), hopSize)
				hops = hops[min((size+3)&^3, len(hops)):]
			}
		}
	}
	return false, err
}

// plain is the route without what changes by itself.
func (r Route) plain() Route {
	out := slices.Clone(r)
	flags := binary.NativeEndian.Uint32(out[flagsAt:])
	binary.NativeEndian.PutUint32(out[flagsAt:], flags&keptFlags)
	return out
}

// PutRoutes gives an interface those routes that it lacks. A route that leads through another is tried again after it. One
// that no longer leads anywhere, because its gateway or its source address is gone, is left out.
func PutRoutes(ctx context.Context, one Link, routes []Route) error {
	have, err := Routes(ctx, one)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(routes), func(r Route) bool {
		return slices.ContainsFunc(have, func(other Route) bool { return bytes.Equal(r, other) })
	})
	for again := true; again && len(missing) > 0; {
		again = false
		var left []Route
		for _, r := range missing {
			switch err := r.add(); {
			case err == nil, errors.Is(err, unix.EEXIST):
				again = true
			case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EINVAL):
				left = append(left, r)
			default:
				return fmt.Errorf("cannot put back a route through %s: %w", one.Name, err)
			}
		}
		missing = left
	}
	return nil
}

func (r Route) add() error {
	if len(r) < unix.SizeofRtMsg {
		return unix.EINVAL
	}
	request := nl.NewNetlinkRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	request.AddRawData(r)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
