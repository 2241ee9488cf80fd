package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/actuators/internal/source"
)

// watchBeat is how often a quiet watch looks whether its context has ended: a read does not wake up when its socket is
// closed.
const watchBeat = 500 * time.Millisecond

var shared = source.Shared(watch)

// Watch gives a hint for every change of an interface or an address. It ends with the context, or with an error when the
// kernel's messages came faster than they were read: then some were lost, and a full look is due. All listeners of a process
// share one socket.
func Watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	return shared(ctx, h, emit)
}

func watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return fmt.Errorf("cannot watch network interfaces: %w", err)
	}
	defer s.Close()
	beat := unix.NsecToTimeval(int64(watchBeat))
	if err := s.SetReceiveTimeout(&beat); err != nil {
		return fmt.Errorf("cannot watch network interfaces: %w", err)
	}
	emit(actuators.Event{Time: h.Now(), Standing: true})
	for ctx.Err() == nil {
		messages, _, err := s.Receive()
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("cannot watch network interfaces: %w", err)
		}
		for _, m := range messages {
			if text, known := said[m.Header.Type]; known {
				emit(actuators.Event{Time: h.Now(), Text: text})
			}
		}
	}
	return ctx.Err()
}

var said = map[uint16]string{
	unix.RTM_NEWLINK: "an interface changed",
	unix.RTM_DELLINK: "an interface is gone",
	unix.RTM_NEWADDR: "an address came",
	unix.RTM_DELADDR: "an address went",
}
