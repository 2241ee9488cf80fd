package vip

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a declared virtual address.
type Spec struct {
	Interface string         `json:"interface"`
	Address   string         `json:"address"`
	VRID      int            `json:"vrid"`
	Advert    string         `json:"advert"`
	Priority  map[string]int `json:"priority,omitempty"` // by host
	Failback  string         `json:"failback,omitempty"`
	Group     string         `json:"group,omitempty"`
	Network   string         `json:"network,omitempty"`
	Resolved  Resolved       `json:"resolved,omitzero"`
}

// Resolved is what follows from the order of the hosts.
type Resolved struct {
	Priority int   `json:"priority,omitempty"`
	Advert   int64 `json:"advert,omitempty"`   // milliseconds
	Failback int   `json:"failback,omitempty"` // seconds
}

// State is a virtual address as it was found on one host.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide. Which host holds the address is not: keepalived decides that.
type Config struct {
	Router
	Edited  string `json:"edited,omitempty"`  // a checksum of the file, when it says more or else than the router
	Stopped bool   `json:"stopped,omitempty"` // keepalived does not run
	Apart   bool   `json:"apart,omitempty"`   // the file of its group does not keep it together with the others
}

// Router is a virtual router on one host.
type Router struct {
	Interface string `json:"interface,omitempty"`
	Address   string `json:"address,omitempty"` // "203.0.113.3/24"
	VRID      int    `json:"vrid,omitempty"`
	Priority  int    `json:"priority,omitempty"`
	Advert    int64  `json:"advert,omitempty"`   // milliseconds
	Failback  int    `json:"failback,omitempty"` // seconds; 0 = never
	Group     string `json:"group,omitempty"`
}

func (r Router) ip() netip.Addr { return Spec{Address: r.Address}.prefix().Addr() }

// Status is reported, never compared.
type Status struct {
	Elsewhere string `json:"elsewhere,omitempty"` // the file that it stands in, when that is not one of its own
	Holds     bool   `json:"holds,omitempty"`     // this host has the address now
	Holder    string `json:"holder,omitempty"`    // the hardware address that answers for it, when another has it
}

// known tells whether some host answers on the address.
func (s Status) known() bool { return s.Holds || s.Holder != "" }

// topPriority is that of the host that is named first; the next has one less. 255 would be an owner of the address, who
// never waits (RFC 9568, section 5.2.4).
const topPriority = 150

// maxAdvert is the largest interval in milliseconds: 12 bits of centiseconds (RFC 9568, section 5.2.7).
const maxAdvert = 40950

// maxFailback is keepalived's, in seconds.
const maxFailback = 1000

const public = "public"

func (s Spec) scope() string {
	if s.Network == "" {
		return public
	}
	return s.Network
}

func (s Spec) prefix() netip.Prefix {
	prefix, _ := netip.ParsePrefix(s.Address) // Resolve has seen to it that it can be read
	return prefix
}

func (s Spec) router() Router {
	return Router{Interface: s.Interface, Address: s.prefix().String(), VRID: s.VRID, Priority: s.Resolved.Priority, Advert: s.Resolved.Advert, Failback: s.Resolved.Failback, Group: s.Group}
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
	s.Resolved.Priority = topPriority - max(slices.Index(at.Hosts, at.Host), 0)
	if own, ok := s.Priority[at.Host]; ok {
		s.Resolved.Priority = own
	}
	for _, host := range slices.Sorted(maps.Keys(s.Priority)) {
		if !slices.Contains(at.Hosts, host) {
			wrong("priority."+host, "it is not on "+host, "name its hosts only")
		}
	}
	if s.Resolved.Priority < 1 {
		wrong("", fmt.Sprintf("%d hosts are more than VRRP has priorities for", len(at.Hosts)), fmt.Sprintf("name at most %d", topPriority))
	}
	if s.Advert == "" {
		s.Advert = "500ms"
	}
	advert, err := time.ParseDuration(s.Advert)
	s.Resolved.Advert = advert.Milliseconds()
	if err != nil || advert <= 0 || s.Resolved.Advert%10 != 0 || advert%time.Millisecond != 0 || s.Resolved.Advert > maxAdvert {
		wrong("advert", fmt.Sprintf("%s is not between 10ms and %dms in steps of 10ms", s.Advert, maxAdvert), "choose such an interval")
	}
	if s.Failback != "" {
		failback, err := time.ParseDuration(s.Failback)
		s.Resolved.Failback = int(failback.Seconds())
		if err != nil || failback%time.Second != 0 || s.Resolved.Failback < 1 || s.Resolved.Failback > maxFailback {
			wrong("failback", fmt.Sprintf("%s is not between 1s and %ds in whole seconds", s.Failback, maxFailback), "choose such a time, or leave it out")
		}
	}
	prefix, err := netip.ParsePrefix(s.Address)
	if err != nil || !prefix.Addr().Is4() {
		wrong("address", fmt.Sprintf("%q is no IPv4 address with the length of its network", s.Address), `write it as "203.0.113.3/24"`)
		return problems
	}
	var network struct {
		CIDR string `json:"cidr"`
	}
	if s.Network != "" {
		look.Into(schema.MakeID("network", s.Network), &network)
	}
	if within, err := netip.ParsePrefix(network.CIDR); err == nil && !within.Contains(prefix.Addr()) {
		wrong("address", fmt.Sprintf("%s is not within %s of network/%s", prefix.Addr(), within, s.Network), "choose an address of the network")
	}
	return problems
}

func provides(_ schema.Instance, s Spec) []schema.Use {
	return []schema.Use{
		{Fact: schema.Fact{Type: "addr", Scope: s.scope(), Value: s.prefix().Addr().String()}, Exclusive: true, Path: "address"},
		{Fact: schema.Fact{Type: "vrid", Scope: s.scope(), Value: strconv.Itoa(s.VRID)}, Exclusive: true, Path: "vrid"},
	}
}

func needs(i schema.Instance, s Spec) []schema.Use {
	return []schema.Use{{Fact: schema.Fact{Type: "dev", Scope: i.Host, Value: s.Interface}, Path: "interface"}}
}

func share(i schema.Instance, _ Spec) []string { return []string{"keepalived/" + i.Host} }
