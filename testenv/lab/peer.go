package lab

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// peerPid tells which process listens at the other end, by the number it has here (SO_PEERCRED, unix(7)).
func peerPid(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return int(cred.Pid), nil
}

// peer returns a descriptor of that process, which never comes to mean another one.
func peer(c *net.UnixConn) (int, error) {
	pid, err := peerPid(c)
	if err != nil {
		return 0, err
	}
	return unix.PidfdOpen(pid, 0)
}

// awaitEnd waits until the process has ended.
func awaitEnd(pidfd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if err == unix.EINTR {
			continue
		}
		return err == nil && n == 1
	}
}
