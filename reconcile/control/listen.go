package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrLive means that another controller answers on the socket.
var ErrLive = errors.New("another controller answers there")

// Listen opens the socket. The directory is made if it is not there; a socket that an ended controller left is replaced, one
// that answers is left alone (ErrLive).
func Listen(socket string) (net.Listener, error) {
	listener, err := listen(socket)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the control socket %s: %w", socket, err)
	}
	return listener, nil
}

func listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, err
	}
	if who, live := occupant(socket); live {
		return nil, fmt.Errorf("%w (%s)", ErrLive, who)
	}
	info, err := os.Lstat(socket)
	switch {
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("something that is no socket is there")
	case err == nil:
		err = os.Remove(socket)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		listener.Close()
		return nil, err
	}
	return owned{listener}, nil
}

// answerTime bounds the wait for a socket that may be left over.
const answerTime = 2 * time.Second

// occupant tells who answers on a socket.
func occupant(socket string) (who string, live bool) {
	conn, err := (&net.Dialer{Timeout: answerTime}).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return "", false
	}
	defer conn.Close()
	peer, err := peerOf(conn)
	if err != nil {
		return "process unknown", true
	}
	return fmt.Sprintf("pid %d", peer.Pid), true
}

// Holder tells which process answers on a socket; "" = none.
func Holder(socket string) string {
	who, _ := occupant(socket)
	return who
}
