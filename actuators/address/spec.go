package address

import (
	"fmt"
	"net/netip"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a declared address.
type Spec struct {
	Interface string `json:"interface"`
	Address   string `json:"address"`
	Network   string `json:"network,omitempty"`
}

// State is an address as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Interface string `json:"interface,omitempty"`
	Address   string `json:"address,omitempty"` // "10.1.1.2/24", in its shortest form
	Down      bool   `json:"down,omitempty"`    // the interface is switched off
}

// Status is reported, never compared.
type Status struct {
	Tentative bool `json:"tentative,omitempty"` // IPv6: not yet known to be nobody else's
	Dynamic   bool `json:"dynamic,omitempty"`   // given for a time, by DHCP or a router
	NoCarrier bool `json:"noCarrier,omitempty"` // the interface has no cable, or its other end is off
}

// public is the scope of addresses that belong to no network of the topology.
const public = "public"

func (s Spec) scope() string {
	if s.Network == "" {
		return public
	}
	return s.Network
}

// place is where the address shall be. Resolve has seen to it that it can be read.
func (s Spec) place() Place {
	prefix, _ := netip.ParsePrefix(s.Address)
	return Place{Interface: s.Interface, Address: prefix}
}

func edges(s Spec) []schema.Edge {
	if s.Network == "" {
		return nil
	}
	return []schema.Edge{{Path: "network", To: schema.MakeID("network", s.Network)}}
}

func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	wrong := func(path, text, remedy string) {
		problems = append(problems, schema.Problem{Object: id, Path: path, Text: text, Remedy: remedy})
	}
	prefix, err := netip.ParsePrefix(s.Address)
	if err != nil {
		wrong("address", fmt.Sprintf("%q is no address with the length of its network", s.Address), `write it as "10.1.1.2/24"`)
		return problems
	}
	if len(at.Hosts) > 1 {
		wrong("", fmt.Sprintf("%d hosts would have the same address", len(at.Hosts)), "name one host, or declare a vip")
	}
	var network struct {
		CIDR string `json:"cidr"`
	}
	if s.Network == "" {
		return problems
	}
	look.Into(schema.MakeID("network", s.Network), &network)
	if within, err := netip.ParsePrefix(network.CIDR); err == nil && !within.Contains(prefix.Addr()) {
		wrong("address", fmt.Sprintf("%s is not within %s of network/%s", prefix.Addr(), within, s.Network), "choose an address of the network")
	}
	return problems
}

// provides also says that its host reaches the network.
func provides(i schema.Instance, s Spec) []schema.Use {
	return []schema.Use{
		{Fact: schema.Fact{Type: "addr", Scope: s.scope(), Value: s.place().Address.Addr().String()}, Exclusive: true, Path: "address"},
		{Fact: schema.Fact{Type: "reach", Scope: s.scope(), Value: i.Host}, Path: "address"},
	}
}

func needs(i schema.Instance, s Spec) []schema.Use {
	return []schema.Use{{Fact: schema.Fact{Type: "dev", Scope: i.Host, Value: s.Interface}, Path: "interface"}}
}
