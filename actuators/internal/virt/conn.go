// Package virt speaks to libvirtd over its unix socket, with a deadline on every call (go-libvirt has none). It knows
// domains and networks as libvirt does, by name and XML, and nothing of the kinds that use it. It never writes back an
// XML text that it took apart: changes go through libvirt's own calls or through splices of the text.
//
// Only kinds below actuators import it.
package virt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators"
)

// Socket is where libvirtd (or virtproxyd before the modular daemons) listens.
const Socket = "/var/run/libvirt/libvirt-sock"

// callLimit bounds a call whose context has no nearer deadline. Starting a domain probes QEMU, which took up to 9 s with
// a cold cache of capabilities.
const callLimit = 2 * time.Minute

// Conn is a connection to one libvirtd. When the context of a call ends while the call waits, the connection is closed
// with it, because the protocol cannot abandon a call: all later calls fail with ErrTransient.
type Conn struct {
	rpc *libvirt.Libvirt
	raw net.Conn
	cut atomic.Bool // closed under a call that got no answer
}

// Open connects to the system libvirtd of the host.
func Open(ctx context.Context, h actuators.Host) (*Conn, error) {
	return openURI(ctx, h, libvirt.QEMUSystem)
}

func openURI(ctx context.Context, h actuators.Host, uri libvirt.ConnectURI) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	raw, err := dial(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to libvirtd at %s: %w: %w", Socket, actuators.ErrTransient, err)
	}
	c := &Conn{rpc: libvirt.NewWithDialer(dialed{raw}), raw: raw}
	if err := c.call(ctx, "open "+string(uri), func() error { return c.rpc.ConnectToURI(uri) }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// restartLimit is how long a libvirtd that is not there may take to be back: it is being restarted, or has crashed (9.0
// sometimes does when a client is killed) and its unit revives it.
const restartLimit = 2 * time.Second

// dial has patience with a daemon that is being restarted.
func dial(ctx context.Context, h actuators.Host) (net.Conn, error) {
	for deadline := time.Now().Add(restartLimit); ; {
		conn, err := h.Dial(ctx, "unix", Socket)
		absent := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
		if !absent || time.Now().After(deadline) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// closeLimit bounds the parting from a daemon that may be frozen.
const closeLimit = time.Second

// Close ends the connection. It takes leave, or libvirtd would log an error; it does not wait long for the answer.
func (c *Conn) Close() {
	if c.cut.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	c.call(ctx, "close the connection", c.rpc.ConnectClose) // whatever it answers, the connection goes
	c.raw.Close()
	select {
	case <-c.rpc.Disconnected():
	case <-ctx.Done():
	}
}

// dialed is a socket.Dialer for a connection that is there already.
type dialed struct{ conn net.Conn }

// Dial hands the connection over.
func (d dialed) Dial() (net.Conn, error) { return d.conn, nil }

// answerLimit is how long the answer to a call may still come when its context has ended. libvirtd finishes what it was asked
// also when nobody listens any more, and an undo must not run beside it.
const answerLimit = 2 * time.Second

// call runs one call of the library under the context's deadline.
func (c *Conn) call(ctx context.Context, what string, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot %s: %w", what, err)
	}
	answered := make(chan struct{})
	context.AfterFunc(ctx, func() {
		select {
		case <-answered:
		case <-time.After(answerLimit):
			c.cut.Store(true)
			c.raw.Close()
		}
	})
	err := f()
	close(answered)
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s: %w", what, cause(ctx, err))
}

// cause turns an error of the library into one that somebody can act on. Whatever is not an answer of libvirt is a
// connection that broke: the library reports that as EINVAL, as an interrupted procedure or as a bare I/O error.
func cause(ctx context.Context, err error) error {
	var answer libvirt.Error
	switch {
	case errors.As(err, &answer):
		return classify(answer)
	case errors.Is(err, libvirt.ErrUnsupported):
		return fmt.Errorf("%w: libvirtd at %s does not know this call", actuators.ErrRefused, Socket)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: libvirtd at %s did not answer in time: %w", actuators.ErrTransient, Socket, context.Cause(ctx))
	}
	return fmt.Errorf("%w: disconnected from libvirtd at %s (%w)", actuators.ErrTransient, Socket, err)
}

func classify(answer libvirt.Error) error {
	switch libvirt.ErrorNumber(answer.Code) {
	case libvirt.ErrNoDomain, libvirt.ErrNoNetwork:
		return fmt.Errorf("%w: %w", actuators.ErrNotFound, answer)
	case libvirt.ErrOperationTimeout, libvirt.ErrAgentUnresponsive, libvirt.ErrRPC:
		return fmt.Errorf("%w: %w", actuators.ErrTransient, answer)
	case libvirt.ErrConfigUnsupported, libvirt.ErrXMLInvalidSchema, libvirt.ErrXMLDetail, libvirt.ErrXMLError:
		return fmt.Errorf("%w: %w", actuators.ErrRefused, answer)
	}
	return answer
}
