package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// listenBeat is how often a quiet listener looks whether its context has ended: a read does not wake up when its socket is
// closed.
const listenBeat = 500 * time.Millisecond

// Listen gives a watch of groups of rtnetlink (RTNLGRP_*), of what the error names. Said is the text of each type of message
// (RTM_*) that is a hint; others are none. What the kernel sent at once and has one text is one hint. The watch ends with an
// error when messages came faster than they were read: then some were lost, and a full look is due.
func Listen(what string, said map[uint16]string, groups ...uint) actuators.WatchFunc {
	return func(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
		s, err := nl.Subscribe(unix.NETLINK_ROUTE, groups...)
		if err != nil {
			return fmt.Errorf("cannot watch %s: %w", what, err)
		}
		defer s.Close()
		beat := unix.NsecToTimeval(int64(listenBeat))
		if err := s.SetReceiveTimeout(&beat); err != nil {
			return fmt.Errorf("cannot watch %s: %w", what, err)
		}
		emit(actuators.Event{Time: h.Now(), Standing: true})
		for ctx.Err() == nil {
			messages, _, err := s.Receive()
			switch {
			case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return fmt.Errorf("cannot watch %s: %w", what, err)
			}
			last := ""
			for _, m := range messages {
				if text := said[m.Header.Type]; text != "" && text != last {
					emit(actuators.Event{Time: h.Now(), Text: text})
					last = text
				}
			}
		}
		return ctx.Err()
	}
}
