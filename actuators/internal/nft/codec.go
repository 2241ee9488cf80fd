package nft

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// The types of keys and values. The index is of type mark because nft cannot print an integer within a concatenation.
var (
	typeService  = nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
	typeIndexed  = nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService, nftables.TypeMark)
	typeEndpoint = nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)
)

var protocols = map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "sctp": unix.IPPROTO_SCTP}

// ServiceKey is the text of a service: "203.0.113.3:80/tcp".
func ServiceKey(address string, port int, proto string) string {
	return fmt.Sprintf("%s:%d/%s", address, port, proto)
}

// Endpoint is the text of a target: "10.1.1.12:80".
func Endpoint(address string, port int) string { return fmt.Sprintf("%s:%d", address, port) }

// encode turns text into the kernel's bytes: each part of a concatenation fills a register of four bytes.
func encode(t nftables.SetDatatype, text string) ([]byte, error) {
	switch t.Name {
	case typeService.Name:
		return encodeService(text)
	case typeIndexed.Name:
		service, index, ok := strings.Cut(text, "#")
		n, err := strconv.ParseUint(index, 10, 32)
		if !ok || err != nil {
			return nil, fmt.Errorf("cannot read index of %q", text)
		}
		data, err := encodeService(service)
		return binary.NativeEndian.AppendUint32(data, uint32(n)), err
	case typeEndpoint.Name:
		return encodeEndpoint(text)
	}
	return nil, fmt.Errorf("internal error: no text form for the nft type %q", t.Name)
}

func encodeService(text string) ([]byte, error) {
	endpoint, proto, _ := strings.Cut(text, "/")
	number, ok := protocols[proto]
	if !ok {
		return nil, fmt.Errorf("cannot read protocol of %q", text)
	}
	e, err := encodeEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	return append(append(e[:4:4], number, 0, 0, 0), e[4:]...), nil
}

func encodeEndpoint(text string) ([]byte, error) {
	ap, err := netip.ParseAddrPort(text)
	if err != nil || !ap.Addr().Is4() {
		return nil, fmt.Errorf("cannot read %q: want an IPv4 address and a port", text)
	}
	address := ap.Addr().As4()
	return append(binary.BigEndian.AppendUint16(address[:], ap.Port()), 0, 0), nil
}

// decode is the inverse of encode. A protocol that we never write is shown by its number.
func decode(t nftables.SetDatatype, data []byte) (string, error) {
	if t.Name == nftables.TypeVerdict.Name {
		return decodeVerdict(data), nil
	}
	if len(data) != int(t.Bytes) {
		return "", fmt.Errorf("%d bytes instead of %d", len(data), t.Bytes)
	}
	switch t.Name {
	case typeService.Name:
		return decodeService(data), nil
	case typeIndexed.Name:
		return decodeService(data) + "#" + strconv.FormatUint(uint64(binary.NativeEndian.Uint32(data[12:])), 10), nil
	case typeEndpoint.Name:
		return decodeEndpoint(data[:4], data[4:]), nil
	}
	return "", fmt.Errorf("internal error: no text form for the nft type %q", t.Name)
}

func decodeService(data []byte) string {
	text := appendEndpoint(make([]byte, 0, 32), data[:4], data[8:])
	return string(appendProtocol(append(text, '/'), data[4]))
}

func appendProtocol(text []byte, number byte) []byte {
	for name, known := range protocols {
		if known == number {
			return append(text, name...)
		}
	}
	return strconv.AppendUint(text, uint64(number), 10)
}

func decodeEndpoint(address, port []byte) string {
	return string(appendEndpoint(make([]byte, 0, 32), address, port))
}

func appendEndpoint(text, address, port []byte) []byte {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(address)), binary.BigEndian.Uint16(port)).AppendTo(text)
}

// decodeVerdict finds the chain in the attributes of a verdict (NFTA_VERDICT_CHAIN); a verdict without one is "".
func decodeVerdict(data []byte) string {
	for kind, chain := range attributes(data) {
		if kind == unix.NFTA_VERDICT_CHAIN {
			return strings.TrimRight(string(chain), "\x00")
		}
	}
	return ""
}
