package nfttest

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Answer gives back every datagram that comes to a UDP port of the peer, until the test ends.
func (p *Peer) Answer(port int) {
	p.t.Helper()
	p.within(func() error { return answer(p.t, fmt.Sprintf("%s:%d", p.Address, port)) })
}

// Answer gives back every datagram that comes to a UDP address of the edge itself, until the test ends.
func Answer(t *testing.T, address string) {
	t.Helper()
	if err := answer(t, address); err != nil {
		t.Fatal(err)
	}
}

func answer(t *testing.T, address string) error {
	conn, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for data := make([]byte, 64); ; {
			n, from, err := conn.ReadFrom(data)
			if err != nil {
				return
			}
			conn.WriteTo(data[:n], from)
		}
	}()
	return nil
}

// lost is how long an answer may take; a datagram that was dropped never has one.
const lost = 10 * time.Second

// Steady sends datagrams from the peer to a UDP address while something is done, each when the one before was answered and by a
// socket of its own, so that each is a new flow. It ends the test at the first that nothing answers, and gives how many there were.
func (p *Peer) Steady(address string, during func()) (n int) {
	p.t.Helper()
	var stop atomic.Bool
	ended := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		ended <- p.try(func() error {
			for ; !stop.Load(); n++ {
				if err := ask(address); err != nil {
					return fmt.Errorf("datagram %d: %w", n, err)
				}
				if n == 0 {
					close(begun)
				}
			}
			return nil
		})
	}()
	select {
	case <-begun:
		during()
	case err := <-ended:
		p.t.Fatal(err)
	}
	stop.Store(true)
	p.must(<-ended)
	return n
}

func ask(address string) error {
	conn, err := net.Dial("udp4", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(lost)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// Flood sends datagrams that nobody has to answer until stop is called, which gives how many there were.
func (p *Peer) Flood(address string) (stop func() int) {
	p.t.Helper()
	var over atomic.Bool
	sent := make(chan int, 1)
	go func() {
		n := 0
		p.try(func() error {
			conn, err := net.Dial("udp4", address)
			if err != nil {
				return err
			}
			defer conn.Close()
			for beat := time.NewTicker(100 * time.Microsecond); !over.Load(); n++ {
				<-beat.C
				conn.Write([]byte("!")) // what is dropped on the way is no error of the sender
			}
			return nil
		})
		sent <- n
	}()
	return func() int { over.Store(true); return <-sent }
}
