// Package dns speaks to an authoritative server for the kinds zone and record: SOA, zone transfer (RFC 5936) and dynamic
// update (RFC 2136), all over TCP and signed with TSIG (RFC 8945). An answer that is not signed proves nothing and is an
// error. Only kinds below actuators import it.
package dns

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// Server is one zone on one server, and the key that opens it. It stands in params and specs: the key's secret is a name.
type Server struct {
	Address string `json:"address"` // host:port
	Zone    string `json:"zone"`    // without the final dot
	Key     Key    `json:"key"`
}

// Key is a TSIG key.
type Key struct {
	Name             string `json:"name"`
	Algorithm        string `json:"algorithm"` // hmac-sha256
	actuators.Secret        // that holds the key in base64
}

// RRset is all records of one name and type. Without data it means that there are none.
type RRset struct {
	Name string   `json:"name"` // without the final dot, lower case
	Type string   `json:"type"`
	TTL  uint32   `json:"ttl,omitempty"`  // seconds
	Data []string `json:"data,omitempty"` // in presentation format, sorted
}

const (
	answerTimeout   = 10 * time.Second
	transferTimeout = 30 * time.Second
	fudge           = 300 // seconds of clock skew, RFC 8945 section 10
)

// SOA is what a zone tells of itself.
type SOA struct {
	Serial  uint32
	Primary string
	Mailbox string
}

// SOA asks for the zone's start of authority; nil when the server does not serve the zone.
func (s Server) SOA(ctx context.Context, h actuators.Host) (*SOA, error) {
	soa, err := s.askSOA(ctx, h)
	if isBadKey(err) {
		return s.transferredSOA(ctx, h)
	}
	return soa, err
}

// Serial asks for the zone's serial. It is not known when the server does not serve the zone, or answers the key only with
// a transfer, which is no cheaper than a look.
func (s Server) Serial(ctx context.Context, h actuators.Host) (serial uint32, known bool, err error) {
	soa, err := s.askSOA(ctx, h)
	if soa == nil || err != nil {
		if isBadKey(err) {
			err = nil
		}
		return 0, false, err
	}
	return soa.Serial, true, nil
}

func (s Server) askSOA(ctx context.Context, h actuators.Host) (*SOA, error) {
	m := new(wire.Msg)
	m.SetQuestion(wire.Fqdn(s.Zone), wire.TypeSOA)
	m.RecursionDesired = false
	answer, err := s.exchange(ctx, h, m)
	if isRcode(err, wire.RcodeRefused, wire.RcodeNameError, wire.RcodeNotAuth) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask for zone %s: %w", s.Zone, err)
	}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*wire.SOA); ok && plain(soa.Hdr.Name) == plain(s.Zone) {
			return &SOA{Serial: soa.Serial, Primary: plain(soa.Ns), Mailbox: plain(soa.Mbox)}, nil
		}
	}
	return nil, nil
}

// transferredSOA takes the SOA from a transfer. Knot refuses a signed query when its ACL allows the key transfers and
// updates only, which is all that records need.
func (s Server) transferredSOA(ctx context.Context, h actuators.Host) (*SOA, error) {
	zone, err := s.Transfer(ctx, h)
	if err != nil {
		return nil, err
	}
	return &zone.SOA, nil
}

// exchange sends one message and reads its answer.
func (s Server) exchange(ctx context.Context, h actuators.Host, m *wire.Msg) (*wire.Msg, error) {
	t := talk{server: s, host: h}
	defer t.close()
	return t.ask(ctx, m)
}

// read reads the secret of the key. No error shows what was read.
func (k Key) read(h actuators.Host) (string, error) {
	data, err := h.Secret(k.Secret)
	if err != nil {
		return "", fmt.Errorf("cannot use key %q: %w", k.Name, err)
	}
	text := strings.TrimSpace(string(data))
	if _, err := base64.StdEncoding.DecodeString(text); err != nil || text == "" {
		return "", fmt.Errorf("%w: cannot use the secret %q of key %q: it is not base64", actuators.ErrRefused, k.Secret.Name, k.Name)
	}
	return text, nil
}

// plain is a name as it stands in the topology: lower case, without the final dot.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
