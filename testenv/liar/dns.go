package liar

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"time"

	wire "github.com/miekg/dns"
)

// How a name server deals with updates. All else is always passed on.
type How int32

// The ways. The zero value is an honest proxy.
const (
	Honest  How = iota
	Drop        // passes the update on, and drops the answer with the connection
	Swallow     // says NOERROR, signed, and passes nothing on
	Silent      // passes nothing on and never answers
)

// DNS is a proxy on TCP before a name server. Secret is the text of the key, which a liar needs to sign.
type DNS struct {
	Addr    string
	Updates atomic.Int64 // that came
	Open    atomic.Int64 // connections whose client has not gone

	server, secret string
	how            atomic.Int32
	listener       net.Listener
}

// NewDNS listens on loopback before a server. Close it when done.
func NewDNS(server, secret string) (*DNS, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &DNS{Addr: listener.Addr().String(), server: server, secret: secret, listener: listener}
	go d.serve()
	return d, nil
}

// Set changes what happens to updates from now on.
func (d *DNS) Set(how How) { d.how.Store(int32(how)) }

// Close stops listening; connections end with their peers.
func (d *DNS) Close() error { return d.listener.Close() }

func (d *DNS) serve() {
	for {
		client, err := d.listener.Accept()
		if err != nil {
			return
		}
		go d.talk(client)
	}
}

// talk passes messages of one connection on. The server's answers, of which a transfer has many, flow back by themselves.
func (d *DNS) talk(client net.Conn) {
	d.Open.Add(1)
	defer d.Open.Add(-1)
	defer client.Close()
	server, err := net.Dial("tcp", d.server)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool
	go func() {
		defer client.Close()
		answers := client.Write
		_, _ = io.Copy(writer(func(p []byte) (int, error) {
			if mute.Load() {
				return 0, io.ErrClosedPipe
			}
			return answers(p)
		}), server)
	}()
	for {
		message, err := receive(client)
		if err != nil {
			return
		}
		if message[2]>>3&0xf == wire.OpcodeUpdate {
			d.Updates.Add(1)
			switch How(d.how.Load()) {
			case Drop:
				mute.Store(true)
			case Swallow:
				if d.lie(client, message) != nil {
					return
				}
				continue
			case Silent:
				continue
			}
		}
		if send(server, message) != nil {
			return
		}
	}
}

// lie says NOERROR in the server's name.
func (d *DNS) lie(client net.Conn, message []byte) error {
	var asked wire.Msg
	if err := asked.Unpack(message); err != nil {
		return err
	}
	answer := new(wire.Msg)
	answer.SetReply(&asked)
	answer.Opcode, answer.Rcode = wire.OpcodeUpdate, wire.RcodeSuccess
	key := asked.IsTsig()
	if key == nil {
		data, err := answer.Pack()
		if err != nil {
			return err
		}
		return send(client, data)
	}
	answer.SetTsig(key.Hdr.Name, key.Algorithm, key.Fudge, time.Now().Unix())
	data, _, err := wire.TsigGenerate(answer, d.secret, key.MAC, false)
	if err != nil {
		return err
	}
	return send(client, data)
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func receive(from io.Reader) ([]byte, error) {
	var size uint16
	if err := binary.Read(from, binary.BigEndian, &size); err != nil {
		return nil, err
	}
	message := make([]byte, size)
	_, err := io.ReadFull(from, message)
	if err == nil && size < 12 {
		err = io.ErrUnexpectedEOF
	}
	return message, err
}

func send(to io.Writer, message []byte) error {
	_, err := to.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}
