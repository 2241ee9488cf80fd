package nft

import (
	"golang.org/x/sys/unix"

	"plumbline/actuators/internal/link"
	"plumbline/actuators/internal/source"
)

var switches = source.Shared(link.Listen("forwarding", map[uint16]string{
	unix.RTM_NEWNETCONF: "a switch of an interface was turned",
}, unix.RTNLGRP_IPV4_NETCONF))

// WatchServices is Watch with a hint for every switch of forwarding that was turned (RTNLGRP_IPV4_NETCONF).
var WatchServices = source.Join(Watch, switches)
