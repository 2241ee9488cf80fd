package liar

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// End is how a connection to libvirtd ends at a call.
type End string

// The ends. After Mute and Deaf no connection says anything more until Mend; Lost and Cut happen once, and the next connection is
// honest.
const (
	Mute End = "mute" // libvirtd hears the call, and nobody hears libvirtd
	Deaf End = "deaf" // libvirtd hears neither the call nor any after it
	Lost End = "lost" // libvirtd hears the call and does it; then the connection dies with the answer
	Cut  End = "cut"  // the connection dies, and libvirtd does not hear the call
)

// Libvirt is a proxy on a unix socket before a libvirtd. It knows where packets of its protocol begin and which are calls, and
// nothing of what they say.
type Libvirt struct {
	Socket string
	Open   atomic.Int64 // connections whose client has not gone

	server   string
	listener net.Listener
	mu       sync.Mutex
	calls    int // that came since Arm
	at       int // the call that goes wrong; 0 = none
	end      End
	broke    bool
	silent   bool
	muted    map[net.Conn]bool // connections on which an answer is owed that never comes
}

// NewLibvirt listens on a socket before the one of a libvirtd. Close it when done.
func NewLibvirt(socket, server string) (*Libvirt, error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	l := &Libvirt{Socket: socket, server: server, listener: listener, muted: map[net.Conn]bool{}}
	go l.serve()
	return l, nil
}

// Arm lets the n-th call from now on go wrong; with 0 it only counts.
func (l *Libvirt) Arm(n int, end End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.at, l.end, l.broke = 0, n, end, false
}

// Mend makes the proxy honest again. Connections that were silent die. It tells how many calls came since Arm, and whether
// the one came that was to go wrong.
func (l *Libvirt) Mend() (calls int, broke bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.silent = 0, false
	for conn := range l.muted {
		conn.Close()
	}
	clear(l.muted)
	return l.calls, l.broke
}

// Close stops listening; connections end with their peers.
func (l *Libvirt) Close() error { return l.listener.Close() }

func (l *Libvirt) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.talk(client)
	}
}

// talk passes packets of one connection on. Both of its ends die together.
func (l *Libvirt) talk(client net.Conn) {
	l.Open.Add(1)
	defer l.Open.Add(-1)
	defer client.Close()
	server, err := net.Dial("unix", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	dying := make(chan struct{}) // closed when the next answer is the last thing that happens
	go l.answers(client, server, dying)
	for {
		call, err := packet(client)
		if err != nil {
			return
		}
		pass, end := true, End("")
		if calls(call) {
			pass, end = l.next(client)
		}
		if end == Lost {
			close(dying)
		}
		if pass {
			if _, err := server.Write(call); err != nil {
				return
			}
		}
		switch end {
		case Cut:
			return
		case Lost:
			_, _ = io.Copy(io.Discard, client) // until answers ends the connection
			return
		}
	}
}

// answers passes on what the server says, unless the proxy is silent.
func (l *Libvirt) answers(client, server net.Conn, dying chan struct{}) {
	defer client.Close()
	for {
		answer, err := packet(server)
		if err != nil {
			return
		}
		select {
		case <-dying:
			if answers(answer) {
				return
			}
		default:
			if l.mutes(client) {
				continue
			}
			if _, err := client.Write(answer); err != nil {
				return
			}
		}
	}
}

// next counts a call, and tells whether it is passed on and how the connection ends at it.
func (l *Libvirt) next(client net.Conn) (pass bool, end End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	switch {
	case l.silent:
		l.muted[client] = true
		return false, ""
	case l.calls != l.at:
		return true, ""
	}
	l.broke, l.at = true, 0
	if l.end == Mute || l.end == Deaf {
		l.silent = true
		l.muted[client] = true
	}
	return l.end == Mute || l.end == Lost, l.end
}

// mutes tells whether what libvirtd says on a connection is kept back.
func (l *Libvirt) mutes(client net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent {
		l.muted[client] = true
	}
	return l.silent || l.muted[client]
}

// The header of a packet, in words of four bytes: length, program, version, procedure, type, serial, status
// (src/rpc/virnetprotocol.x of libvirt, where also the largest packet is told).
const (
	headerSize = 28
	packetMost = 32<<20 + 4
	typeOffset = 16
	typeCall   = 0
	typeReply  = 1
)

func calls(packet []byte) bool   { return binary.BigEndian.Uint32(packet[typeOffset:]) == typeCall }
func answers(packet []byte) bool { return binary.BigEndian.Uint32(packet[typeOffset:]) == typeReply }

// packet reads one packet, its length first.
func packet(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size < headerSize || size > packetMost {
		return nil, fmt.Errorf("cannot read a packet of libvirt: it says that it has %d bytes", size)
	}
	whole := make([]byte, size)
	copy(whole, length[:])
	_, err := io.ReadFull(from, whole[len(length):])
	return whole, err
}
