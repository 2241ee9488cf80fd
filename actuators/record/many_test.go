package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/schema"
)

// crowd is many records of one server, each with its own step of one op.
type crowd struct {
	*testing.T
	server *dnstest.Server
	host   actuators.Host
	params []json.RawMessage
	before []json.RawMessage
}

const many = 700 // more than fit in a message

func newCrowd(t *testing.T, s *dnstest.Server) *crowd {
	c := &crowd{T: t, server: s, host: s.Host}
	for n := range many {
		c.params = append(c.params, c.step(n, c.name(n)))
	}
	return c
}

func (c *crowd) name(n int) string { return fmt.Sprintf("host-%d.%s", n, dnstest.Zone) }

func (c *crowd) step(n int, name string) json.RawMessage {
	sub := actuators.Subject{
		Instance: schema.MakeID("record", name).On("ns1"),
		Mark:     actuators.Mark{Installation: "test", ID: schema.MakeID("record", name), Hash: "0123"},
	}
	spec := Spec{Zone: dnstest.Zone, A: []string{fmt.Sprintf("10.0.%d.%d", n/250, n%250)}, TTL: 60, Resolved: Resolved{Server: c.server.Server}}
	steps, err := setSteps(sub, name, &spec, actuators.Have[State]{})
	if err != nil {
		c.Fatal(err)
	}
	return steps[0].Params
}

func (c *crowd) op() *actuators.ErasedMany {
	op, _ := Kind.Op("set")
	return op.Many
}

func (c *crowd) capture() {
	c.Helper()
	before, errs := c.op().Capture(context.Background(), c.host, c.params)
	c.only(errs, nil)
	c.before = before
}

func (c *crowd) do() []error   { return c.op().Do(context.Background(), c.host, c.params, c.before) }
func (c *crowd) undo() []error { return c.op().Undo(context.Background(), c.host, c.params, c.before) }

// only demands that exactly these fail, with an error of their class.
func (c *crowd) only(errs []error, want map[int]error) {
	c.Helper()
	if len(errs) != len(c.params) {
		c.Fatalf("%d answers", len(errs))
	}
	for n, err := range errs {
		if (err == nil) != (want[n] == nil) || !errors.Is(err, want[n]) {
			c.Errorf("item %d: got %v, want %v", n, err, want[n])
		}
	}
}

// there counts the addresses of ours in the zone, and tells one.
func (c *crowd) there(n int) (count int, one string) {
	c.Helper()
	zone, err := c.server.Server.Transfer(context.Background(), c.server.Host)
	if err != nil {
		c.Fatal(err)
	}
	for _, set := range zone.Sets() {
		if strings.HasPrefix(set.Name, "host-") {
			count++
		}
	}
	return count, strings.Join(zone.Set(c.name(n), "A").Data, " ")
}

func TestOfManyOnlyTheCulpritFails(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		c := newCrowd(t, s)
		c.params[3] = c.step(3, "host-3.elsewhere.test") // the server refuses its whole message: it lies in no zone of its
		c.capture()
		put(t, s, dns.RRset{Name: c.name(500), Type: "A", TTL: 60, Data: []string{"198.51.100.1"}}) // after it was looked at
		wrong := map[int]error{3: actuators.ErrRefused, 500: dns.ErrChanged}
		c.only(c.do(), wrong)
		if count, foreign := c.there(500); count != many-1 || foreign != "198.51.100.1" {
			t.Errorf("%d names are there, the foreign one is %s", count, foreign)
		}
		c.only(c.do(), wrong) // what is done already is no error, however the others fail
		put(t, s, dns.RRset{Name: c.name(7), Type: "A", TTL: 60, Data: []string{"198.51.100.7"}})
		wrong = map[int]error{7: actuators.ErrStuck, 500: actuators.ErrStuck, 3: actuators.ErrRefused}
		errs := c.undo()
		delete(wrong, 3) // nothing of it was ever there
		c.only(errs, wrong)
		if count, foreign := c.there(7); count != 2 || foreign != "198.51.100.7" {
			t.Errorf("%d names are left, the foreign one is %s", count, foreign)
		}
		c.only(c.undo(), wrong)
	})
}

// cut is a host whose connections break when so many answers have come through it.
type cut struct {
	actuators.Host
	left atomic.Int64
}

type cutConn struct {
	net.Conn
	from *cut
}

func (c *cut) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.Host.Dial(ctx, network, address)
	return &cutConn{conn, c}, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if len(b) > 2 && c.from.left.Add(-1) < 0 {
		return 0, io.ErrUnexpectedEOF // the answer was there, and is lost
	}
	return n, err
}

func TestAnAnswerThatIsLostIsUnknownForAllOfItsMessageAndARepeatFindsThemDone(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		c := newCrowd(t, s)
		c.capture()
		broken := &cut{Host: s.Host}
		broken.left.Store(1)
		c.host = broken
		lost := 0
		for _, err := range c.do() {
			if errors.Is(err, actuators.ErrTransient) {
				lost++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if lost == 0 || lost == many {
			t.Fatalf("%d of %d are unknown", lost, many)
		}
		c.host = s.Host
		c.only(c.do(), nil)
		if count, _ := c.there(0); count != many {
			t.Errorf("%d names are there", count)
		}
		c.only(c.undo(), nil)
		c.only(c.undo(), nil)
		if count, _ := c.there(0); count != 0 {
			t.Errorf("%d names are left", count)
		}
	})
}

func TestAKeyThatMayNotWriteIsRefusedForEach(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		s.Server.Key.Name = "reader"
		c := newCrowd(t, s)
		c.capture()
		errs := c.do()
		for n, err := range errs {
			if !errors.Is(err, actuators.ErrRefused) {
				t.Fatalf("item %d: %v", n, err)
			}
		}
		c.only(c.undo(), nil) // as before: nothing to undo
	})
}
