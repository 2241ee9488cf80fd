package exec

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// firstBytes is how much of a peer's first words is kept for an error's text.
const firstBytes = 80

// pipe is a pair of pipes as a connection. It ignores deadlines: keepalive notices a silent peer.
type pipe struct {
	in     io.ReadCloser
	out    io.WriteCloser
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	heard []byte // the first bytes
}

func newPipe(in io.ReadCloser, out io.WriteCloser) *pipe {
	return &pipe{in: in, out: out, closed: make(chan struct{})}
}

func (p *pipe) Write(b []byte) (int, error) { return p.out.Write(b) }

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if room := firstBytes - len(p.heard); room > 0 {
		p.heard = append(p.heard, b[:min(n, room)]...)
	}
	return n, err
}

// stranger gives the first words of a peer that does not speak HTTP/2, such as a login banner. HTTP/2 begins with a
// SETTINGS frame: three bytes of length, then the type 4 (RFC 9113, 3.4).
func (p *pipe) stranger() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) == 0 || len(p.heard) > 3 && p.heard[0] == 0 && p.heard[3] == 4 {
		return ""
	}
	return string(p.heard)
}

func (p *pipe) Close() (err error) {
	p.once.Do(func() {
		err = errors.Join(p.out.Close(), p.in.Close())
		close(p.closed)
	})
	return err
}

func (*pipe) LocalAddr() net.Addr              { return pipeAddr{} }
func (*pipe) RemoteAddr() net.Addr             { return pipeAddr{} }
func (*pipe) SetDeadline(time.Time) error      { return nil }
func (*pipe) SetReadDeadline(time.Time) error  { return nil }
func (*pipe) SetWriteDeadline(time.Time) error { return nil }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "stdio" }

// oneConn is a listener whose only connection is there already.
type oneConn struct {
	conn  *pipe
	first chan struct{}
}

func listenOn(conn *pipe) *oneConn {
	l := &oneConn{conn: conn, first: make(chan struct{}, 1)}
	l.first <- struct{}{}
	return l
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case <-l.first:
		return l.conn, nil
	case <-l.conn.closed:
		return nil, io.EOF
	}
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return pipeAddr{} }

// pollable gives a copy of an inherited pipe or socket whose reads end when it is closed; anything else as it is.
func pollable[F any](stream F) F {
	file, ok := any(stream).(*os.File)
	if !ok {
		return stream
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return stream
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil || syscall.SetNonblock(fd, true) != nil {
		return stream
	}
	return any(os.NewFile(uintptr(fd), file.Name())).(F)
}
