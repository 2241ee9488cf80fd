package nft

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"

	"plumbline/schema"
)

// Foreign is a port that a rule of somebody else's table forwards.
type Foreign struct {
	Element
	Where string // "table ip mynat, chain pre, rule 5": the handle, which `nft delete rule` asks for
}

// ForwardsElsewhere lists the ports that plain rules of other tables forward: those that match a destination address of IPv4, a protocol and
// ports, and nothing else, and change only the destination. What stands in a chain behind another kind of rule is left out, for that rule
// may keep packets from it.
func ForwardsElsewhere(ctx context.Context) ([]Foreign, error) {
	var out []Foreign
	err := View(ctx, func(tx *Tx) error {
		out = nil
		return tx.elsewhere(true, func(c *nftables.Chain, rules []*nftables.Rule, _ error) {
			forwards, _ := tx.plain(c, rules)
			out = append(out, forwards...)
		})
	})
	return out, err
}

// elsewhere visits the chains that somebody else hooked up to change addresses, or to filter, with their rules or why those cannot be read.
func (tx *Tx) elsewhere(nat bool, visit func(c *nftables.Chain, rules []*nftables.Rule, unread error)) error {
	chains, err := tx.ask().ListChains()
	if err != nil {
		return fmt.Errorf("cannot list nft chains: %w", err)
	}
	for _, c := range chains {
		own := c.Table.Name == table.Name && c.Table.Family == table.Family || c.Table.Name == filters.Name && c.Table.Family == filters.Family
		if own || c.Hooknum == nil || (c.Type == nftables.ChainTypeNAT) != nat {
			continue
		}
		if rules, err := tx.rules(c); err != nil || len(rules) > 0 {
			visit(c, rules, err)
		}
	}
	return nil
}

// plain are the forwards of the plain rules that a chain begins with, and how many rules those are.
func (tx *Tx) plain(c *nftables.Chain, rules []*nftables.Rule) (forwards []Foreign, count int) {
	if *c.Hooknum != *nftables.ChainHookPrerouting || c.Table.Family != nftables.TableFamilyIPv4 && c.Table.Family != nftables.TableFamilyINet {
		return nil, 0
	}
	for _, r := range rules {
		f := plainForward{ports: tx.ports(c.Table)}
		if !f.read(r.Exprs) {
			break
		}
		for _, e := range f.elements() {
			forwards = append(forwards, Foreign{e, fmt.Sprintf("table %s %s, chain %s, rule %d", familyNames[c.Table.Family], c.Table.Name, c.Name, r.Handle)})
		}
		count++
	}
	return forwards, count
}

// ports reads the members of a set of ports.
func (tx *Tx) ports(t *nftables.Table) func(set string) [][]byte {
	return func(name string) (all [][]byte) {
		set, err := tx.ask().GetSetByName(t, name)
		if err != nil || set.Interval || set.IsMap {
			return nil
		}
		members, err := tx.ask().GetSetElements(set)
		if err != nil {
			return nil
		}
		for _, m := range members {
			all = append(all, m.Key)
		}
		return all
	}
}

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

// Unmarked are the forwards of other tables by the object that wants them, or is named after them.
func Unmarked(all []Foreign, kind string, wanted Wanted) []Owned {
	var out []Owned
	at := map[schema.ID]int{}
	for _, f := range all {
		id, _ := unmarkedOf(f.Element, kind, wanted, []string{Forwards})
		n, there := at[id]
		if !there {
			n = len(out)
			at[id] = n
			out = append(out, Owned{ID: id})
		}
		out[n].Elements = append(out[n].Elements, f.Element)
		if !slices.Contains(out[n].Elsewhere, f.Where) {
			out[n].Elsewhere = append(out[n].Elsewhere, f.Where)
		}
	}
	for _, o := range out {
		slices.Sort(o.Elsewhere)
	}
	return out
}
