package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// packets looks into what crosses this machine's interfaces, the loopback among them: metrics, notices, comments, names.
type packets struct {
	seen   *sightings
	socket int
}

const anyProtocol = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order

func openPackets(seen *sightings) (*packets, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, anyProtocol)
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot watch packets, which root may: %w", err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	return &packets{seen, fd}, nil
}

// run reads packets until the context has ended and none came for a moment.
func (p *packets) run(ctx context.Context) {
	defer unix.Close(p.socket)
	buffer := make([]byte, 1<<17)
	var late time.Time
	for {
		n, _, err := unix.Recvfrom(p.socket, buffer, 0)
		if err == nil {
			p.seen.search(buffer[:n], "a packet of %d bytes", n)
		}
		switch {
		case ctx.Err() == nil:
		case late.IsZero():
			late = time.Now().Add(time.Second)
		case err != nil || time.Now().After(late):
			return
		}
	}
}
