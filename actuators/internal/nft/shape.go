package nft

import (
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The sets of the table, see the package comment.
const (
	Forwards  = "forwards"
	Balancers = "balancers"
	Backends  = "backends"
	Masq      = "masq"
)

// Spread and Source name the chains that choose among n backends: by chance, or by the client's address.
func Spread(n int) string { return "spread-" + strconv.Itoa(n) }

// Source is the chain in which a client always meets the same of n backends.
func Source(n int) string { return "source-" + strconv.Itoa(n) }

var table = &nftables.Table{Name: "plumb", Family: nftables.TableFamilyIPv4}

// ours is the comment of the sets: it tells our table from one that somebody else named so.
const ours = "plumb: services of this host, each with its owner"

func setDefs() []*nftables.Set {
	return []*nftables.Set{
		{Table: table, Name: Balancers, IsMap: true, KeyType: typeService, DataType: nftables.TypeVerdict, Comment: ours},
		{Table: table, Name: Backends, IsMap: true, KeyType: typeIndexed, DataType: typeEndpoint, Comment: ours},
		{Table: table, Name: Forwards, IsMap: true, KeyType: typeService, DataType: typeEndpoint, Comment: ours},
		{Table: table, Name: Masq, KeyType: typeService, Comment: ours},
	}
}

// chain is a chain with the rules that it must hold.
type chain struct {
	*nftables.Chain
	rules [][]expr.Any
}

// shape gives the chains that elements need: none without elements; the chains of balancers come first because elements
// refer to them.
func shape(some bool, choosers []string) []chain {
	if !some {
		return nil
	}
	var out []chain
	for _, name := range choosers {
		out = append(out, chain{&nftables.Chain{Table: table, Name: name}, [][]expr.Any{chooserRule(name)}})
	}
	dispatch := [][]expr.Any{lookupService(Balancers, 0), append(lookupService(Forwards, unix.NFT_REG_1), toTarget())}
	return append(out,
		chain{baseChain("prerouting", nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest), dispatch},
		chain{baseChain("output", nftables.ChainHookOutput, nftables.ChainPriorityNATDest), dispatch},
		chain{baseChain("postrouting", nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource), [][]expr.Any{masqueradeRule()}})
}

func isChooser(name string) bool { return modulus(name) > 0 }

// modulus is the number of backends of a chooser chain; 0 for any other chain.
func modulus(name string) uint32 {
	for _, prefix := range []string{"spread-", "source-"} {
		if number, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			if err == nil && strconv.FormatUint(n, 10) == number {
				return uint32(n)
			}
		}
	}
	return 0
}

func baseChain(name string, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return &nftables.Chain{Table: table, Name: name, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: priority, Policy: &accept}
}

// Registers of four bytes (NFT_REG32_00 … of linux/netfilter/nf_tables.h); the first four are also NFT_REG_1.
const (
	reg0 = unix.NFT_REG_1
	reg1 = unix.NFT_REG32_01
	reg2 = unix.NFT_REG32_02
	reg3 = unix.NFT_REG32_03
)

// loadService puts "ip daddr . meta l4proto . th dport" into the first three registers.
func loadService() []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: reg0, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg1},
		&expr.Payload{DestRegister: reg2, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
	}
}

// lookupService looks the packet's service up in a map; register 0 is the verdict.
func lookupService(set string, register uint32) []expr.Any {
	return append(loadService(), &expr.Lookup{SourceRegister: reg0, SetName: set, DestRegister: register, IsDestRegSet: true})
}

// toTarget is "dnat ip to" the address and port in the first two registers.
func toTarget() expr.Any {
	return &expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg0, RegAddrMax: reg0, RegProtoMin: reg1, RegProtoMax: reg1, Specified: true}
}

// seed is one for all hosts, so that a client keeps its backend when its address moves to another edge.
const seed = 1

// chooserRule is "dnat ip to ip daddr . meta l4proto . th dport . <number below n> map @backends".
func chooserRule(name string) []expr.Any {
	rule := loadService()
	if strings.HasPrefix(name, "source-") {
		rule = append(rule,
			&expr.Payload{DestRegister: unix.NFT_REG_2, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
			&expr.Hash{SourceRegister: unix.NFT_REG_2, DestRegister: reg3, Length: 4, Modulus: modulus(name), Seed: seed, Type: expr.HashTypeJenkins})
	} else {
		rule = append(rule, &expr.Numgen{Register: reg3, Modulus: modulus(name), Type: unix.NFT_NG_RANDOM})
	}
	return append(rule, &expr.Lookup{SourceRegister: reg0, SetName: Backends, DestRegister: reg0, IsDestRegSet: true}, toTarget())
}

// masqueradeRule is "ct status dnat ct original ip daddr . meta l4proto . ct original proto-dst @masq masquerade": what
// the client asked for decides, so that two services with one target do not meet.
func masqueradeRule() []expr.Any {
	const statusDNAT = 1 << 5 // IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h
	return []expr.Any{
		&expr.Ct{Register: reg0, Key: unix.NFT_CT_STATUS},
		&expr.Bitwise{SourceRegister: reg0, DestRegister: reg0, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(statusDNAT), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg0, Data: make([]byte, 4)},
		&expr.Ct{Register: reg0, Key: expr.CtKeyDSTIP},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg1},
		&expr.Ct{Register: reg2, Key: expr.CtKeyPROTODST},
		&expr.Lookup{SourceRegister: reg0, SetName: Masq},
		&expr.Masq{},
	}
}
