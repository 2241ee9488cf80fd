package conform

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"time"

	"plumbline/actuators"
)

// cut ends a Do in the middle: before or after its n-th changing call to the host, or at a moment. A nil cut ends nothing.
type cut struct {
	call  int           // 1 = the first; 0 = not by calls
	after bool          // the call is carried out, but its answer is lost
	at    time.Duration // by time, when call is 0

	mu     sync.Mutex
	calls  int
	fired  bool
	cancel context.CancelFunc
}

func (c *cut) String() string {
	switch {
	case c.call > 0 && c.after:
		return fmt.Sprintf("a Do cut after its call %d to the host", c.call)
	case c.call > 0:
		return fmt.Sprintf("a Do cut before its call %d to the host", c.call)
	}
	return fmt.Sprintf("a Do cut after %s", c.at)
}

func (c *cut) around(ctx context.Context, h actuators.Host) (context.Context, actuators.Host) {
	if c == nil {
		return ctx, h
	}
	if c.call == 0 {
		ctx, c.cancel = context.WithTimeout(ctx, c.at)
		return ctx, h
	}
	ctx, c.cancel = context.WithCancel(ctx)
	return ctx, cutHost{h, c}
}

// end frees what around took.
func (c *cut) end() {
	if c.cancel != nil {
		c.cancel()
	}
}

// through runs one changing call, unless the cut has come.
func (c *cut) through(run func() error) error {
	c.mu.Lock()
	c.calls++
	c.fired = c.fired || c.calls == c.call
	fired, carry := c.fired, c.after && c.calls == c.call
	c.mu.Unlock()
	if !fired {
		return run()
	}
	if carry {
		_ = run() // its answer is lost
	}
	c.cancel()
	return context.Canceled
}

// cutHost is a host whose changing calls are counted.
type cutHost struct {
	actuators.Host
	cut *cut
}

func (h cutHost) Run(ctx context.Context, cmd actuators.Cmd) (out actuators.Output, err error) {
	err = h.cut.through(func() error {
		out, err = h.Host.Run(ctx, cmd)
		return err
	})
	return out, err
}

func (h cutHost) WriteFile(path string, data []byte, perm fs.FileMode) error {
	return h.cut.through(func() error { return h.Host.WriteFile(path, data, perm) })
}

func (h cutHost) Remove(path string) error {
	return h.cut.through(func() error { return h.Host.Remove(path) })
}

func (h cutHost) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = h.cut.through(func() error {
		conn, err = h.Host.Dial(ctx, network, address)
		return err
	})
	if err != nil && conn != nil {
		conn.Close()
		conn = nil
	}
	return conn, err
}
