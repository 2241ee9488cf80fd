package nft

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/actuators/internal/source"
)

// beat is how often a quiet watch of forwarding looks whether its context has ended: a read does not wake up when its socket
// is closed.
const beat = 500 * time.Millisecond

var switches = source.Shared(watchForwarding)

// WatchServices is Watch with a hint for every switch of forwarding that was turned (RTNLGRP_IPV4_NETCONF).
func WatchServices(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	waiting := 2 // watches that do not stand yet
	both := func(e actuators.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Standing {
			if waiting--; waiting > 0 {
				return
			}
		}
		if waiting <= 0 { // what comes before both stand is in the first look
			emit(e)
		}
	}
	ended := make(chan error, 2)
	for _, listen := range []actuators.WatchFunc{Watch, switches} {
		go func() {
			ended <- listen(ctx, h, both)
			cancel()
		}()
	}
	err := <-ended
	<-ended
	return err
}

func watchForwarding(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_IPV4_NETCONF)
	if err != nil {
		return fmt.Errorf("cannot watch forwarding: %w", err)
	}
	defer s.Close()
	timeout := unix.NsecToTimeval(int64(beat))
	if err := s.SetReceiveTimeout(&timeout); err != nil {
		return fmt.Errorf("cannot watch forwarding: %w", err)
	}
	emit(actuators.Event{Time: h.Now(), Standing: true})
	for ctx.Err() == nil {
		messages, _, err := s.Receive()
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("cannot watch forwarding: %w", err)
		}
		for _, m := range messages {
			if m.Header.Type == unix.RTM_NEWNETCONF {
				emit(actuators.Event{Time: h.Now(), Text: "a switch of an interface was turned"})
				break // one hint tells all of them
			}
		}
	}
	return ctx.Err()
}
