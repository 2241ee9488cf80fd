package vm

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"plumbline/actuators"
	"plumbline/schema"
)

func edges(s Spec) []schema.Edge {
	var all []schema.Edge
	for i, disk := range s.Disks {
		all = append(all, schema.Edge{Path: fmt.Sprintf("disks.%d.volume", i), To: schema.MakeID("volume", disk.Volume)})
	}
	for i, nic := range s.NICs {
		if nic.Bridge != "" {
			all = append(all, schema.Edge{Path: fmt.Sprintf("nics.%d.bridge", i), To: schema.MakeID("bridge", nic.Bridge)})
		}
		if nic.Network != "" {
			all = append(all, schema.Edge{Path: fmt.Sprintf("nics.%d.network", i), To: schema.MakeID("network", nic.Network)})
		}
	}
	return all
}

// provides gives the guest's addresses and cards to the network, and claims its disks: two VMs on one file destroy it. The
// file of its console is emptied at each start, so that it must be nothing else's, such as a volume's.
func provides(i schema.Instance, s Spec) []schema.Use {
	var all []schema.Use
	add := func(typ, scope, value, path string) {
		all = append(all, schema.Use{Fact: schema.Fact{Type: typ, Scope: scope, Value: value}, Exclusive: true, Path: path})
	}
	for n, nic := range s.NICs {
		path := fmt.Sprintf("nics.%d", n)
		if nic.Address != "" {
			add("addr", nic.Network, canonical(nic.Address), path+".address")
		}
		if n < len(s.Resolved.NICs) && nic.Network != "" {
			add("mac", nic.Network, s.Resolved.NICs[n].MAC, path)
		}
	}
	for n, disk := range s.Resolved.Disks {
		add("disk", i.Host, disk.Path, fmt.Sprintf("disks.%d.volume", n))
	}
	if s.Serial != "" {
		add("file", i.Host, filepath.Clean(s.Serial), "serial")
	}
	return all
}

// canonical is the one spelling of an address that a fact has: IPv6 knows many.
func canonical(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address // Resolve tells
	}
	return parsed.String()
}

// needs asks for the host's own address in the probed network: without it the probe finds no way to the guest.
func needs(i schema.Instance, s Spec) []schema.Use {
	if s.Ready == nil {
		return nil
	}
	for n, nic := range s.NICs {
		if nic.Address != "" {
			return []schema.Use{{Fact: schema.Fact{Type: "reach", Scope: nic.Network, Value: i.Host}, Path: fmt.Sprintf("nics.%d.network", n)}}
		}
	}
	return nil
}

// audit adds up the memory that the VMs of a host may take, where the topology says how much the host has.
func audit(all []actuators.Spec[Spec], look actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	sum, full := map[string]int64{}, map[string]bool{}
	for _, vm := range all {
		host := vm.Instance.Host
		var h struct {
			Hardware struct {
				Memory string `json:"memory"`
			} `json:"hardware"`
		}
		if _, ok := look.Into(schema.MakeID("host", host), &h); !ok || h.Hardware.Memory == "" {
			continue
		}
		has, err := schema.ParseSize(h.Hardware.Memory)
		sum[host] += vm.Spec.Resolved.Memory.Max
		if err != nil || sum[host] <= has || full[host] {
			continue
		}
		full[host] = true
		problems = append(problems, schema.Problem{Object: vm.Instance.ID, Path: "memory.max",
			Text:   fmt.Sprintf("with it the VMs of %s may take %s, and it has %s", host, schema.FormatSize(sum[host]), h.Hardware.Memory),
			Remedy: "lower memory.max, or place a VM on another host"})
	}
	return problems
}
