package network

import (
	"fmt"
	"net/netip"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a declared network.
type Spec struct {
	Bridge   string   `json:"bridge"`
	CIDR     string   `json:"cidr,omitempty"`
	Gateway  string   `json:"gateway,omitempty"`
	Resolved Resolved `json:"resolved,omitzero"`
}

// Resolved is what comes from the bridge.
type Resolved struct {
	Interface string `json:"interface,omitempty"`
}

// State is a libvirt network as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide. Addresses and router are known to Plumbline and the guests only.
type Config struct {
	Bridge    string `json:"bridge,omitempty"` // the interface
	Mode      string `json:"mode,omitempty"`   // libvirt's forward mode; ours is bridge
	Active    bool   `json:"active,omitempty"`
	Autostart bool   `json:"autostart,omitempty"`
}

// Status is reported, never compared.
type Status struct {
	UUID string `json:"uuid,omitempty"`
}

// mode is libvirt's word for a network that only names a bridge.
const mode = "bridge"

func edges(s Spec) []schema.Edge {
	return []schema.Edge{{Path: "bridge", To: schema.MakeID("bridge", s.Bridge)}}
}

func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	wrong := func(path, text, remedy string) {
		problems = append(problems, schema.Problem{Object: id, Path: path, Text: text, Remedy: remedy})
	}
	var bridge struct {
		Interface string `json:"interface"`
	}
	hosts, ok := look.Into(schema.MakeID("bridge", s.Bridge), &bridge)
	s.Resolved.Interface = bridge.Interface
	if bridge.Interface == "" {
		s.Resolved.Interface = s.Bridge
	}
	if ok && !slices.Contains(hosts, at.Host) {
		wrong("bridge", fmt.Sprintf("bridge/%s is not on %s", s.Bridge, at.Host), "add the host to the bridge, or choose another bridge")
	}
	cidr, err := netip.ParsePrefix(s.CIDR)
	switch {
	case s.CIDR == "" && s.Gateway == "":
	case err != nil:
		wrong("cidr", fmt.Sprintf("%q is no network", s.CIDR), `write it as "10.1.1.0/24"`)
	case cidr != cidr.Masked():
		wrong("cidr", fmt.Sprintf("%s is an address within a network", cidr), fmt.Sprintf("did you mean %s?", cidr.Masked()))
	case s.Gateway != "":
		if gateway, err := netip.ParseAddr(s.Gateway); err != nil || !cidr.Contains(gateway) {
			wrong("gateway", fmt.Sprintf("%s is not within %s", s.Gateway, cidr), "choose an address of the network")
		}
	}
	return problems
}

func ranges(i schema.Instance, s Spec) []schema.Range {
	prefix, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return nil
	}
	return []schema.Range{{Type: "addr", Scope: i.ID.Name(), Prefix: prefix}}
}
