package nft

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// plainForward is what a rule says, as far as it was read.
type plainForward struct {
	ports     func(set string) [][]byte
	loaded    string // what the register of matches holds
	public    []byte
	proto     byte
	from      [][]byte // ports
	registers map[uint32][]byte
	to, port  []byte
	done      bool
}

// read takes in expressions until one is no part of a plain forward.
func (f *plainForward) read(all []expr.Any) bool {
	f.registers = map[uint32][]byte{}
	for _, one := range all {
		if f.done || !f.take(one) {
			return false
		}
	}
	return f.done && len(f.public) == 4 && f.from != nil && protocolName(f.proto) != ""
}

func (f *plainForward) take(one expr.Any) bool {
	switch e := one.(type) {
	case *expr.Counter:
		return true
	case *expr.Meta:
		f.loaded = map[expr.MetaKey]string{expr.MetaKeyNFPROTO: "family", expr.MetaKeyL4PROTO: "protocol"}[e.Key]
		return f.loaded != "" && !e.SourceRegister
	case *expr.Payload:
		f.loaded = field(e)
		return f.loaded != ""
	case *expr.Cmp:
		return e.Op == expr.CmpOpEq && f.match(e.Data)
	case *expr.Lookup:
		f.from = f.ports(e.SetName)
		return f.loaded == "port" && !e.Invert && !e.IsDestRegSet && f.from != nil
	case *expr.Immediate:
		f.registers[e.Register] = e.Data
		return true
	case *expr.NAT:
		return f.target(e)
	case *expr.Match: // of iptables
		return e.Name == "comment"
	case *expr.Target:
		info, ok := e.Info.(*xt.NatRange2)
		return e.Name == "DNAT" && ok && f.xtTarget(info)
	}
	return false
}

// field names what a load takes out of a packet: those fields of the headers that a forward asks for.
func field(e *expr.Payload) string {
	type place struct {
		base        expr.PayloadBase
		offset, len uint32
	}
	return map[place]string{
		{expr.PayloadBaseNetworkHeader, 16, 4}:  "address",
		{expr.PayloadBaseNetworkHeader, 9, 1}:   "protocol",
		{expr.PayloadBaseTransportHeader, 2, 2}: "port",
	}[place{e.Base, e.Offset, e.Len}]
}

func (f *plainForward) match(data []byte) bool {
	switch f.loaded {
	case "family":
		return len(data) == 1 && data[0] == unix.NFPROTO_IPV4
	case "protocol":
		f.proto = data[0]
	case "address":
		f.public = data
	case "port":
		f.from = [][]byte{data}
	}
	return f.loaded != ""
}

// target takes in where the rule sends packets: one address of IPv4, and a port or none.
func (f *plainForward) target(e *expr.NAT) bool {
	one := func(low, high uint32) bool { return high == 0 || high == low }
	f.to, f.port, f.done = f.registers[e.RegAddrMin], f.registers[e.RegProtoMin], true
	return e.Type == expr.NATTypeDestNAT && e.Family == unix.NFPROTO_IPV4 && len(f.to) == 4 && (e.RegProtoMin == 0 || len(f.port) == 2) &&
		one(e.RegAddrMin, e.RegAddrMax) && one(e.RegProtoMin, e.RegProtoMax) && !e.Random && !e.FullyRandom && !e.Persistent && !e.Prefix
}

// xtTarget is target for a rule of iptables.
func (f *plainForward) xtTarget(e *xt.NatRange2) bool {
	if f.to, f.done = e.MinIP.To4(), true; e.Flags&uint(xt.NatRangeProtoSpecified) != 0 {
		f.port = binary.BigEndian.AppendUint16(nil, e.MinPort)
	}
	plain := uint(xt.NatRangeMapIPs | xt.NatRangeProtoSpecified)
	return e.Flags&uint(xt.NatRangeMapIPs) != 0 && e.Flags&^plain == 0 && len(f.to) == 4 && e.MinIP.Equal(e.MaxIP) && e.MinPort == e.MaxPort
}

func (f *plainForward) elements() []Element {
	var out []Element
	for _, from := range f.from {
		to := from
		if f.port != nil {
			to = f.port
		}
		out = append(out, Element{Set: Forwards, Key: ServiceKey(address(f.public), port(from), protocolName(f.proto)), Value: Endpoint(address(f.to), port(to))})
	}
	return Sort(out)
}

func protocolName(number byte) string {
	for name, n := range protocols {
		if n == number {
			return name
		}
	}
	return ""
}

func address(data []byte) string {
	a, _ := netip.AddrFromSlice(data)
	return a.String()
}

func port(data []byte) int { return int(binary.BigEndian.Uint16(data)) }
