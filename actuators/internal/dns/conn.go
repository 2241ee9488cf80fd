package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// conn is one signed conversation. Each message is signed over the one before it (RFC 8945, section 5.3).
type conn struct {
	server Server
	raw    net.Conn
	secret string
	mac    string
	later  bool // an answer was read: later ones sign only their timers
	stop   func() bool
}

// open connects. The end of the context ends every read and write.
func (s Server) open(ctx context.Context, h actuators.Host) (*conn, error) {
	secret, err := s.Key.read(h)
	if err != nil {
		return nil, err
	}
	raw, err := h.Dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: server %s does not answer: %w", actuators.ErrTransient, s.Address, err)
	}
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	return &conn{server: s, raw: raw, secret: secret, stop: stop}, nil
}

// talk is a conversation of questions with one answer each, over one connection as long as it holds.
type talk struct {
	server Server
	host   actuators.Host
	conn   *conn
}

// ask sends one message and reads its answer. A connection that broke is not used again.
func (t *talk) ask(ctx context.Context, m *wire.Msg) (*wire.Msg, error) {
	if t.conn == nil {
		c, err := t.server.open(ctx, t.host)
		if err != nil {
			return nil, err
		}
		t.conn = c
	}
	t.conn.raw.SetDeadline(time.Now().Add(answerTimeout))
	if ctx.Err() != nil {
		t.conn.raw.SetDeadline(time.Unix(1, 0)) // it ended just before
	}
	t.conn.mac, t.conn.later = "", false
	err := t.conn.send(m, t.host.Now())
	var answer *wire.Msg
	if err == nil {
		answer, err = t.conn.receive(m.Id)
	}
	var said *rcodeError
	if err != nil && !errors.As(err, &said) {
		t.close()
	}
	return answer, err
}

func (t *talk) close() {
	if t.conn != nil {
		t.conn.close()
		t.conn = nil
	}
}

func (c *conn) close() {
	c.stop()
	c.raw.Close()
}

func (c *conn) send(m *wire.Msg, now time.Time) error {
	m.SetTsig(wire.Fqdn(c.server.Key.Name), wire.Fqdn(c.server.Key.Algorithm), fudge, now.Unix())
	data, mac, err := wire.TsigGenerate(m, c.secret, "", false)
	if err != nil {
		return fmt.Errorf("cannot sign with key %q: %w", c.server.Key.Name, err)
	}
	c.mac = mac
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)
	if _, err := c.raw.Write(framed); err != nil {
		return c.lost(err)
	}
	return nil
}

// receive reads one answer. One that says no is an *rcodeError, signed or not; every other must be signed.
func (c *conn) receive(id uint16) (*wire.Msg, error) {
	data, err := c.frame()
	if err != nil {
		return nil, err
	}
	m := new(wire.Msg)
	if err := m.Unpack(data); err != nil {
		return nil, fmt.Errorf("cannot read the answer of server %s: %w", c.server.Address, err)
	}
	signature := m.IsTsig()
	switch {
	case m.Id != id:
		return nil, fmt.Errorf("cannot trust server %s: it answers another question", c.server.Address)
	case m.Rcode != wire.RcodeSuccess:
		return nil, &rcodeError{server: c.server, rcode: m.Rcode, tsig: tsigError(signature)}
	case signature == nil:
		return nil, fmt.Errorf("cannot trust server %s: its answer is not signed with key %q", c.server.Address, c.server.Key.Name)
	}
	if err := wire.TsigVerify(data, c.secret, c.mac, c.later); err != nil {
		return nil, fmt.Errorf("cannot trust server %s: the signature of its answer is wrong: %w", c.server.Address, err)
	}
	c.mac, c.later = signature.MAC, true
	return m, nil
}

func tsigError(t *wire.TSIG) uint16 {
	if t == nil {
		return 0
	}
	return t.Error
}

func (c *conn) frame() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(c.raw, size[:]); err != nil {
		return nil, c.lost(err)
	}
	data := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c.raw, data); err != nil {
		return nil, c.lost(err)
	}
	return data, nil
}

// lost explains a broken conversation. What was sent may have been done: only a look can tell.
func (c *conn) lost(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%w: server %s does not answer in time", actuators.ErrTransient, c.server.Address)
	}
	return fmt.Errorf("%w: server %s closed the connection: %w", actuators.ErrTransient, c.server.Address, err)
}
