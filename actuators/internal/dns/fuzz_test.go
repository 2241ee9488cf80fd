package dns

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	wire "github.com/miekg/dns"
)

// Whatever a server answers: no panic, and nothing that is not signed is believed.
func FuzzAnswer(f *testing.F) {
	m := new(wire.Msg)
	m.SetQuestion("z.test.", wire.TypeSOA)
	m.Id = 7
	if data, err := m.Pack(); err == nil {
		f.Add(data)
	}
	m.SetTsig("k.", wire.HmacSHA256, fudge, 0)
	if data, _, err := wire.TsigGenerate(m, "d3Jvbmc=", "", false); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 65535 {
			return
		}
		near, far := net.Pipe()
		go func() {
			far.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...))
			io.Copy(io.Discard, far)
		}()
		c := &conn{raw: near, secret: "cmlnaHQ=", mac: "00", stop: func() bool { return true }}
		if m, err := c.receive(7); err == nil {
			t.Errorf("believed: %v", m)
		}
		c.close()
		far.Close()
	})
}

// Texts of TXT records survive, and those of others do no harm.
func FuzzText(f *testing.F) {
	f.Add("plain", `"a" "b"`)
	f.Add("\x00\xff\"\\", `"\300`)
	f.Fuzz(func(t *testing.T, text, data string) {
		if got := UnquoteText(QuoteText(text)); got != text {
			t.Errorf("%q became %q", text, got)
		}
		UnquoteText(data)
	})
}
