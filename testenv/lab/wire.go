package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// A request on a control socket: one byte that carries the descriptors, then
// JSON values in both directions. Closing the connection ends what it started.
type request struct {
	Verb    string // exec, service, status; of the keeper also kill, start, down
	Host    string `json:",omitempty"`
	Service string `json:",omitempty"`
	Action  string `json:",omitempty"`
	Argv    []string
	Env     []string
	Dir     string

	gone func() bool // whether the client has left
}

type reply struct {
	Err      string                  `json:",omitempty"`
	Code     int                     `json:",omitempty"`
	Services map[string]ServiceState `json:",omitempty"`
	Up       map[string]bool         `json:",omitempty"`
}

// interrupt is what a client may send while its program runs.
type interrupt struct{ Signal int }

// listen makes a control socket. It goes through a descriptor of the directory
// because the path of a socket is limited to 107 bytes (unix(7)).
func listen(path string) (*net.UnixListener, error) {
	os.Remove(path)
	var l *net.UnixListener
	err := throughDir(path, func(short string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, os.Chmod(path, 0o600)
}

func dial(path string) (*net.UnixConn, error) {
	var c *net.UnixConn
	err := throughDir(path, func(short string) (err error) {
		c, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	return c, err
}

func throughDir(path string, use func(short string) error) error {
	fd, err := syscall.Open(filepath.Dir(path), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", fd, filepath.Base(path)))
}

// send opens a request and hands over the files.
func send(c *net.UnixConn, q request, files ...*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	var oob []byte
	if len(fds) > 0 {
		oob = syscall.UnixRights(fds...)
	}
	if _, _, err := c.WriteMsgUnix([]byte{'q'}, oob, nil); err != nil {
		return err
	}
	return json.NewEncoder(c).Encode(q)
}

// receive is the other end of send. The caller closes the descriptors.
func receive(c *net.UnixConn) (q request, in *json.Decoder, fds []int, err error) {
	var first [1]byte
	oob := make([]byte, syscall.CmsgSpace(3*4))
	_, n, _, _, err := c.ReadMsgUnix(first[:], oob)
	if err != nil {
		return q, nil, nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return q, nil, nil, err
	}
	for _, m := range messages {
		got, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return q, nil, nil, err
		}
		fds = append(fds, got...)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	in = json.NewDecoder(c)
	q.gone = func() bool { return hungUp(c) }
	return q, in, fds, in.Decode(&q)
}

// hungUp tells whether the other end is closed; no client closes just one direction.
func hungUp(c *net.UnixConn) (gone bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP is always told
		n, err := unix.Poll(poll, 0)
		gone = err == nil && n > 0
	})
	return gone || err != nil
}

// ask sends a request without files and waits for its reply.
func ask(socket string, q request) (reply, error) {
	c, err := dial(socket)
	if err != nil {
		return reply{}, err
	}
	defer c.Close()
	if err := send(c, q); err != nil {
		return reply{}, err
	}
	var r reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return reply{}, err
	}
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

// serve answers every connection in its own goroutine, for ever.
func serve(l *net.UnixListener, answer func(q request) reply, run *processes) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			q, in, fds, err := receive(c)
			if err == nil && q.Verb == "exec" {
				run.serveExec(c, in, q, fds)
			}
			for _, fd := range fds {
				syscall.Close(fd)
			}
			if err == nil && q.Verb != "exec" {
				json.NewEncoder(c).Encode(answer(q))
			}
		}()
	}
}
