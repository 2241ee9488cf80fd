package control

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
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
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	if err := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || peer == nil {
		return false
	}
	return peer.Uid == 0 || int(peer.Uid) == os.Getuid()
}
