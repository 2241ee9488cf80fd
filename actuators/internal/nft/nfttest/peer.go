package nfttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Peer is a machine beside the edge, joined by a cable of its own.
type Peer struct {
	t       *testing.T
	ns      netns.NsHandle
	Address string
	// Link is the edge's end of the cable.
	Link string
}

var peers atomic.Int32

// NewPeer makes a machine with an address ("10.1.1.12/24"); the edge has edgeAddress on the other end of the cable, and is
// the way to everything else when gateway says so. Several peers with one edge address share the subnet by host routes.
func NewPeer(t *testing.T, address, edgeAddress string, gateway bool) *Peer {
	t.Helper()
	p := &Peer{t: t, Link: fmt.Sprintf("edge%d", peers.Add(1))}
	prefix := netip.MustParsePrefix(address)
	p.Address = prefix.Addr().String()
	p.make()
	t.Cleanup(p.close)
	Run(t, "ip", "link", "add", p.Link, "type", "veth", "peer", "name", "tmp"+p.Link)
	link, err := netlink.LinkByName("tmp" + p.Link)
	p.must(err)
	p.must(netlink.LinkSetNsFd(link, int(p.ns)))
	edge := netip.MustParsePrefix(edgeAddress).Addr().String()
	Run(t, "ip", "addr", "add", edge+"/32", "dev", p.Link)
	Run(t, "ip", "link", "set", p.Link, "up")
	Run(t, "ip", "route", "add", p.Address+"/32", "dev", p.Link, "src", edge)
	p.within(func() error { return p.configure(address, edge, gateway) })
	return p
}

// Reach waits until the cables carry: the kernel may take a second to start a queue, and drops what comes before.
func Reach(t *testing.T, all ...*Peer) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(all) > 0; {
		if all[0].carries() {
			all = all[1:]
			continue
		}
		if time.Now().After(deadline) {
			t.Fatalf("no way to %s", all[0].Address)
		}
		runtime.Gosched()
	}
}

func (p *Peer) carries() bool {
	here, err := netlink.LinkByName(p.Link)
	if err != nil || here.Attrs().OperState != netlink.OperUp {
		return false
	}
	return p.try(func() error {
		h, err := netlink.NewHandleAt(p.ns)
		if err != nil {
			return err
		}
		defer h.Close()
		there, err := h.LinkByName("tmp" + p.Link)
		if err == nil && there.Attrs().OperState != netlink.OperUp {
			err = errors.New("down")
		}
		return err
	}) == nil
}

func (p *Peer) make() {
	p.t.Helper()
	done := make(chan error)
	go func() { // the thread is never unlocked: it ends with the goroutine
		runtime.LockOSThread()
		var err error
		p.ns, err = netns.New()
		done <- err
	}()
	p.must(<-done)
}

func (p *Peer) configure(address, edge string, gateway bool) error {
	h, err := netlink.NewHandleAt(p.ns)
	if err != nil {
		return err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err != nil {
		return err
	}
	link, err := h.LinkByName("tmp" + p.Link)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(address)
	if err != nil {
		return err
	}
	for _, err := range []error{h.LinkSetUp(lo), h.AddrAdd(link, addr), h.LinkSetUp(link)} {
		if err != nil {
			return err
		}
	}
	to := net.ParseIP(edge)
	if err := h.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: &net.IPNet{IP: to, Mask: net.CIDRMask(32, 32)}}); err != nil {
		return err
	}
	if !gateway {
		return nil
	}
	return h.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: to})
}

func (p *Peer) close() {
	if link, err := netlink.LinkByName(p.Link); err == nil {
		p.must(netlink.LinkDel(link))
	}
	p.ns.Close()
}

// within runs f on a thread inside the peer's namespace.
func (p *Peer) within(f func() error) {
	p.t.Helper()
	p.must(p.try(f))
}

func (p *Peer) try(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(p.ns); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (p *Peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// Serve accepts TCP connections on the port until the test ends: it greets with text and the client's address as it
// sees it, then gives back every line.
func (p *Peer) Serve(port int, text string) {
	p.t.Helper()
	var l net.Listener
	p.within(func() (err error) {
		l, err = net.Listen("tcp4", fmt.Sprintf("%s:%d", p.Address, port))
		return err
	})
	p.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				from, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
				fmt.Fprintf(conn, "%s %s\n", text, from)
				io.Copy(conn, conn)
			}()
		}
	}()
}

// Dial connects from the peer, within two seconds.
func (p *Peer) Dial(address string) (net.Conn, error) {
	var conn net.Conn
	err := p.try(func() (err error) {
		conn, err = (&net.Dialer{Timeout: 2 * time.Second}).Dial("tcp4", address)
		return err
	})
	return conn, err
}

// Get connects from the peer and gives the greeting.
func (p *Peer) Get(address string) (string, error) {
	conn, err := p.Dial(address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return Line(conn)
}

// Line reads one line of a connection, within two seconds.
func Line(conn net.Conn) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", err
	}
	var line bytes.Buffer
	for one := make([]byte, 1); ; {
		if _, err := conn.Read(one); err != nil {
			return line.String(), err
		}
		if one[0] == '\n' {
			return line.String(), nil
		}
		line.Write(one)
	}
}
