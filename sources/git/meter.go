package git

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/net/proxy"

	"plumbline/sources"
)

// mostRefs bounds, in bytes, the list of refs, which is held in memory: a hundred thousand long names, and what surrounds them.
const mostRefs = 32 << 20

// meter counts what one conversation brings in, and ends it above a limit. It travels in the context of HTTP requests, and by
// name to the dialer of ssh.
type meter struct {
	ctx  context.Context
	left atomic.Int64
	over error // what is said once nothing is left
}

type meterKey struct{}

// metered is a context whose conversation may bring in so many bytes.
func metered(ctx context.Context, most int64, over error) (context.Context, *meter) {
	m := &meter{over: over}
	m.left.Store(most)
	m.ctx = context.WithValue(ctx, meterKey{}, m)
	return m.ctx, m
}

func (m *meter) take(n int, err error) (int, error) {
	if m.left.Add(-int64(n)) < 0 {
		return n, m.over
	}
	return n, err
}

// judge is the reason why a conversation failed: go-git tells of a body that breaks off in words of its own.
func (m *meter) judge(err error) error {
	if err != nil && m.left.Load() < 0 {
		return m.over
	}
	return err
}

// meteredTransport counts the bodies of answers as they are after any decompression.
type meteredTransport struct{ http.RoundTripper }

func (t meteredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if m, ok := r.Context().Value(meterKey{}).(*meter); ok && answer != nil {
		answer.Body = &meteredBody{answer.Body, m}
	}
	return answer, err
}

type meteredBody struct {
	io.ReadCloser
	meter *meter
}

func (b *meteredBody) Read(p []byte) (int, error) { return b.meter.take(b.ReadCloser.Read(p)) }

// go-git dials ssh by itself, and heeds neither context nor limit; the only way in is a "proxy" of a kind of our own, whose host is
// the number of a meter.
const proxyScheme = "plumbline-meter"

var (
	dialing sync.Map // number → *meter
	talks   atomic.Int64
)

func init() {
	proxy.RegisterDialerType(proxyScheme, func(u *url.URL, _ proxy.Dialer) (proxy.Dialer, error) {
		m, ok := dialing.Load(u.Host)
		if !ok {
			return nil, sources.ErrUnreachable
		}
		return meteredDialer{m.(*meter)}, nil
	})
}

// through names the meter for go-git's dialer of ssh, until forget is called.
func (m *meter) through(e *transport.Endpoint) (via transport.ProxyOptions, forget func()) {
	if e.Protocol != "ssh" {
		return via, func() {}
	}
	name := strconv.FormatInt(talks.Add(1), 10)
	dialing.Store(name, m)
	return transport.ProxyOptions{URL: proxyScheme + "://" + name}, func() { dialing.Delete(name) }
}

type meteredDialer struct{ meter *meter }

func (d meteredDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(d.meter.ctx, network, address)
}

// DialContext ends the connection with the conversation: an ssh handshake would wait for ever (golang/go#19338).
func (d meteredDialer) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	conn, err := proxy.Dial(d.meter.ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.meter.ctx, func() { conn.Close() })
	return &meteredConn{conn, d.meter, stop}, nil
}

type meteredConn struct {
	net.Conn
	meter *meter
	stop  func() bool
}

func (c *meteredConn) Read(p []byte) (int, error) { return c.meter.take(c.Conn.Read(p)) }

func (c *meteredConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
