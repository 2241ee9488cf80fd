package control

import (
	"context"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"plumbline/reconcile"
)

// owned accepts connections of root and of the controller's own user only, as the kernel tells who is at the other end
// (SO_PEERCRED, unix(7)).
type owned struct{ net.Listener }

func (o owned) Accept() (net.Conn, error) {
	for {
		conn, err := o.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if permitted(conn) {
			return conn, nil
		}
		conn.Close()
	}
}

func permitted(conn net.Conn) bool {
	peer, err := peerOf(conn)
	return err == nil && (peer.Uid == 0 || int(peer.Uid) == os.Getuid())
}

// peerOf asks the kernel who is at the other end of a connection.
func peerOf(conn net.Conn) (*unix.Ucred, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		peer, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	return peer, asked
}

// byKernel lets calls know who is at the other end; nothing is exchanged for it.
type byKernel struct {
	credentials.TransportCredentials
}

// caller is who is at the other end of a connection.
type caller struct {
	credentials.CommonAuthInfo
	name string
}

func (caller) AuthType() string { return "SO_PEERCRED" }

func (byKernel) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c := caller{name: "a person", CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}
	if peer, err := peerOf(conn); err == nil {
		c.name = reconcile.PersonOf(int(peer.Uid), int(peer.Pid))
	}
	return conn, c, nil
}

// callerOf names who calls.
func callerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		if c, ok := p.AuthInfo.(caller); ok {
			return c.name
		}
	}
	return "a person"
}
