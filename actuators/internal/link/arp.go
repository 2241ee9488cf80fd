package link

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A probe is an ARP request with the sender 0.0.0.0: it enters nobody's tables (RFC 5227, section 2.1.1). The wait is meant
// for one network segment, where an answer takes less than a millisecond.
const (
	probes    = 2
	probeWait = 150 * time.Millisecond
	arpLength = 28 // of a packet for Ethernet and IPv4 (RFC 826)
)

// Asks tells whether Answers can ask on the interface: it is Ethernet, on, and has a carrier.
func (l Link) Asks() bool { return len(l.hardware) == 6 && l.Up && l.Lower }

// Answers asks the segment of an interface who has an IPv4 address. The answer is a hardware address, or nil when nobody
// else has it: a host does not answer itself.
func Answers(ctx context.Context, one Link, ip netip.Addr) (net.HardwareAddr, error) {
	if !ip.Is4() || len(one.hardware) != 6 {
		return nil, fmt.Errorf("cannot ask for %s on %s: only IPv4 over Ethernet has ARP", ip, one.Name)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(network(unix.ETH_P_ARP)))
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket for ARP: %w", err)
	}
	defer unix.Close(fd)
	here := &unix.SockaddrLinklayer{Protocol: network(unix.ETH_P_ARP), Ifindex: one.Index}
	if err := unix.Bind(fd, here); err != nil {
		return nil, fmt.Errorf("cannot listen for ARP on %s: %w", one.Name, err)
	}
	all := &unix.SockaddrLinklayer{Protocol: here.Protocol, Ifindex: one.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	for range probes {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("cannot ask for %s on %s: %w", ip, one.Name, err)
		}
		if err := unix.Sendto(fd, request(one.hardware, ip), 0, all); err != nil {
			return nil, fmt.Errorf("cannot ask for %s on %s: %w", ip, one.Name, err)
		}
		if owner := await(fd, ip, time.Now().Add(probeWait)); owner != nil {
			return owner, nil
		}
	}
	return nil, nil
}

func request(sender net.HardwareAddr, ip netip.Addr) []byte {
	p := make([]byte, arpLength)
	binary.BigEndian.PutUint16(p[0:], 1) // Ethernet
	binary.BigEndian.PutUint16(p[2:], unix.ETH_P_IP)
	p[4], p[5] = 6, 4
	binary.BigEndian.PutUint16(p[6:], 1) // request
	copy(p[8:14], sender)
	copy(p[24:28], ip.AsSlice())
	return p
}

// await reads until an answer for the address comes or the time is over.
func await(fd int, ip netip.Addr, until time.Time) net.HardwareAddr {
	buffer := make([]byte, 128)
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		wait := unix.NsecToTimeval(int64(left))
		if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait) != nil {
			return nil
		}
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err == nil && n >= arpLength && binary.BigEndian.Uint16(buffer[6:]) == 2 && netip.AddrFrom4([4]byte(buffer[14:18])) == ip {
			return buffer[8:14]
		}
	}
}

// network is a number in network byte order, on whatever machine.
func network(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
