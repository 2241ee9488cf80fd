package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	servers, names, err := places(sc)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, server := range servers {
		zone, err := server.Transfer(ctx, h)
		if err != nil {
			return nil, err
		}
		wanted := names[server]
		if sc.All {
			addAll(zone, wanted)
		}
		lives = append(lives, look(zone, wanted)...)
	}
	return lives, nil
}

// places gives the servers and zones of a scope in the order of its targets, and the names that are asked for in each.
func places(sc actuators.Scope) ([]dns.Server, map[dns.Server]map[string]bool, error) {
	servers, names := []dns.Server{}, map[dns.Server]map[string]bool{}
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		at := s.Resolved.Server
		if names[at] == nil {
			servers = append(servers, at)
			names[at] = map[string]bool{}
		}
		names[at][plain(target.ID.Name())] = true
	}
	return servers, names, nil
}

// stamp is the serials of the zones: every update raises them (RFC 2136, section 3.6).
func stamp(ctx context.Context, h actuators.Host, sc actuators.Scope) (string, error) {
	servers, _, err := places(sc)
	if err != nil {
		return "", err
	}
	var words []string
	for _, server := range servers {
		serial, known, err := server.Serial(ctx, h)
		if err != nil || !known {
			return "", err
		}
		words = append(words, fmt.Sprintf("%s/%s=%d", server.Address, server.Zone, serial))
	}
	slices.Sort(words)
	return strings.Join(words, " "), nil
}

// addAll adds every name of the zone that has data of this kind, or a mark.
func addAll(zone *dns.Zone, names map[string]bool) {
	for _, set := range zone.Sets() {
		name, isMark := strings.CutPrefix(set.Name, markLabel)
		if isMark || slices.Contains(types, set.Type) {
			names[name] = true
		}
	}
}

func look(zone *dns.Zone, names map[string]bool) []actuators.Live[State] {
	var lives []actuators.Live[State]
	for name := range names {
		if live := read(zone, name); live != nil {
			lives = append(lives, *live)
		}
	}
	slices.SortFunc(lives, func(a, b actuators.Live[State]) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return lives
}

// read gives what a zone holds of a name; nil if it has neither data nor a mark.
func read(zone *dns.Zone, name string) *actuators.Live[State] {
	mark, ours := readMark(zone, name)
	if mark == nil {
		ours = types
	}
	var mine []dns.RRset
	status := Status{Serial: zone.SOA.Serial, Server: zone.Server}
	for _, typ := range types {
		set := zone.Set(name, typ)
		switch {
		case slices.Contains(ours, typ):
			mine = append(mine, set)
			if len(set.Data) > 0 || mark != nil {
				status.Types = append(status.Types, typ)
			}
		case len(set.Data) > 0:
			status.Others = append(status.Others, set)
		}
	}
	if mark == nil && len(status.Types) == 0 {
		return nil
	}
	return &actuators.Live[State]{ID: schema.MakeID("record", name), Mark: mark, State: State{Config: config(mine), Status: status}}
}
