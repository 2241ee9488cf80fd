package link

import (
	"context"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/actuators/internal/source"
)

var shared = source.Shared(Listen("network interfaces", said, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR))

var said = map[uint16]string{
	unix.RTM_NEWLINK: "an interface changed",
	unix.RTM_DELLINK: "an interface is gone",
	unix.RTM_NEWADDR: "an address came",
	unix.RTM_DELADDR: "an address went",
}

// Watch gives a hint for every change of an interface or an address, as Listen does. All listeners of a process share one
// socket.
func Watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	return shared(ctx, h, emit)
}
