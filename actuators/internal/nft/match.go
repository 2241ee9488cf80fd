package nft

import (
	"encoding/binary"
	"slices"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The words that rules of a filter are made of, in nft's own terms.

// NotFrom matches packets that came in by none of the set's interfaces: "iifname != @set".
func NotFrom(set string) []Expr {
	return exprs(meta(expr.MetaKeyIIFNAME), &expr.Lookup{SourceRegister: 1, SetName: set, Invert: true})
}

// Loopback matches packets of the host to itself: "iifname lo".
func Loopback() []Expr {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, "lo")
	return exprs(meta(expr.MetaKeyIIFNAME), equal(name...))
}

// Established is "ct state established,related".
func Established() []Expr {
	native := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	return exprs(&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: native(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED), Xor: native(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: native(0)})
}

// Neighbours matches IPv6 neighbour discovery without redirects: ICMPv6 types 133 to 136 (RFC 4861, section 4).
func Neighbours() []Expr {
	return append(Protocol(unix.IPPROTO_ICMPV6), exprs(
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: []byte{133}}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: []byte{136}})...)
}

// Protocol is "meta l4proto NUMBER".
func Protocol(number byte) []Expr { return exprs(meta(expr.MetaKeyL4PROTO), equal(number)) }

// To is "th dport @set".
func To(set string) []Expr {
	return exprs(&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, lookup(set))
}

// Source4 is "ip saddr @set".
func Source4(set string) []Expr { return sourceIn(unix.NFPROTO_IPV4, 12, 4, set) }

// Source6 is "ip6 saddr @set".
func Source6(set string) []Expr { return sourceIn(unix.NFPROTO_IPV6, 8, 16, set) }

// sourceIn looks up the source address, which stands at offset in the header of that family.
func sourceIn(family byte, offset, length uint32, set string) []Expr {
	return exprs(meta(expr.MetaKeyNFPROTO), equal(family), &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}, lookup(set))
}

// Accept ends a rule.
func Accept() []Expr { return exprs(&expr.Verdict{Kind: expr.VerdictAccept}) }

// Drop ends a rule.
func Drop() []Expr { return exprs(&expr.Verdict{Kind: expr.VerdictDrop}) }

// Rule makes a rule of words.
func Rule(comment string, words ...[]Expr) FilterRule {
	return FilterRule{Exprs: slices.Concat(words...), Comment: comment}
}

// Protocol is the protocol that the rule asks for, if it asks for one.
func (r FilterRule) Protocol() (number byte, ok bool) {
	for i := 1; i < len(r.Exprs); i++ {
		load, isMeta := r.Exprs[i-1].Any.(*expr.Meta)
		cmp, isCmp := r.Exprs[i].Any.(*expr.Cmp)
		if isMeta && isCmp && load.Key == expr.MetaKeyL4PROTO && len(cmp.Data) == 1 {
			return cmp.Data[0], true
		}
	}
	return 0, false
}

func exprs(all ...expr.Any) []Expr {
	var out []Expr
	for _, e := range all {
		out = append(out, Expr{e})
	}
	return out
}

func meta(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: 1} }

func equal(data ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data} }

func lookup(set string) expr.Any { return &expr.Lookup{SourceRegister: 1, SetName: set} }
