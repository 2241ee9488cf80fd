package record

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/schema"
)

// Spec is the declared data of a name.
type Spec struct {
	Zone     string   `json:"zone"`
	A        []string `json:"a,omitempty"`
	AAAA     []string `json:"aaaa,omitempty"`
	CNAME    string   `json:"cname,omitempty"`
	TXT      []string `json:"txt,omitempty"`
	TTL      uint32   `json:"ttl"` // seconds
	Scope    string   `json:"scope"`
	Resolved Resolved `json:"resolved,omitzero"`
}

// Resolved is what comes from the zone.
type Resolved struct {
	Server dns.Server `json:"server,omitzero"`
}

// State is the data of a name as the server tells it.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide, of our types: sorted, in lower case, without final dots.
type Config struct {
	A     []string          `json:"a,omitempty"`
	AAAA  []string          `json:"aaaa,omitempty"`
	CNAME string            `json:"cname,omitempty"`
	TXT   []string          `json:"txt,omitempty"`
	TTL   uint32            `json:"ttl,omitempty"`
	TTLs  map[string]uint32 `json:"ttls,omitempty"` // by type, when they differ; then TTL is 0
}

// Status is reported, never compared.
type Status struct {
	Serial uint32      `json:"serial"`
	Server dns.Server  `json:"server"`           // where it was seen, and would be removed
	Types  []string    `json:"types,omitempty"`  // ours
	Others []dns.RRset `json:"others,omitempty"` // of other types of the name: there, and not ours
}

func home(s Spec) schema.ID { return schema.MakeID("zone", s.Zone) }

func edges(s Spec) []schema.Edge { return []schema.Edge{{Path: "zone", To: home(s)}} }

// remarks: what is left in another zone or at another server.
func remarks(was, now Spec, here bool) []string {
	if here || was.Zone == now.Zone && was.Resolved.Server.Address == now.Resolved.Server.Address {
		return nil
	}
	return []string{fmt.Sprintf("is made in zone %s at %s; what stands in zone %s at %s is left there, and is no longer watched",
		now.Zone, now.Resolved.Server.Address, was.Zone, was.Resolved.Server.Address)}
}

func share(_ schema.Instance, s Spec) []string { return []string{"zone/" + s.Zone} }

func needs(_ schema.Instance, s Spec) []schema.Use {
	var uses []schema.Use
	for field, addresses := range map[string][]string{"a": s.A, "aaaa": s.AAAA} {
		for i, address := range addresses {
			uses = append(uses, schema.Use{Fact: schema.Fact{Type: "addr", Scope: s.Scope, Value: address}, Path: fmt.Sprintf("%s.%d", field, i)})
		}
	}
	slices.SortFunc(uses, func(a, b schema.Use) int { return strings.Compare(a.Path, b.Path) })
	return uses
}

// resolve takes server and key from the zone, and writes addresses and names in their one canonical form.
func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	wrong := func(path, text, remedy string) {
		problems = append(problems, schema.Problem{Object: id, Path: path, Text: text, Remedy: remedy})
	}
	var zone struct {
		Server string
		Key    dns.Key
	}
	if _, ok := look.Into(home(*s), &zone); ok {
		zone.Key.Sealed, _ = look.Sealed(id, "", at.Host, zone.Key.Secret.Name) // the zone tells what is wrong with it
		s.Resolved.Server = dns.Server{Address: zone.Server, Zone: plain(s.Zone), Key: zone.Key}
	}
	if id.Name() != plain(id.Name()) {
		wrong("", "names of records are in lower case and without a final dot", "write "+plain(id.Name()))
	}
	if name := plain(id.Name()); name != plain(s.Zone) && !strings.HasSuffix(name, "."+plain(s.Zone)) {
		wrong("zone", id.Name()+" does not lie in zone "+s.Zone, "name another zone, or a name that ends with ."+s.Zone)
	}
	switch others := len(s.A) + len(s.AAAA) + len(s.TXT); {
	case s.CNAME != "" && others > 0:
		wrong("cname", "a name with cname has no other data (RFC 1034, section 3.6.2)", "take out cname, or a, aaaa and txt")
	case s.CNAME == "" && others == 0:
		wrong("", "it has no data", "give a, aaaa, cname or txt")
	}
	for field, list := range map[string][]string{"a": s.A, "aaaa": s.AAAA} {
		for i, text := range list {
			address, err := netip.ParseAddr(text)
			if err != nil || address.Is4() != (field == "a") {
				wrong(fmt.Sprintf("%s.%d", field, i), text+" is no address for "+strings.ToUpper(field)+" records", "IPv4 goes to a, IPv6 to aaaa")
				continue
			}
			list[i] = address.String()
		}
	}
	s.A, s.AAAA, s.TXT, s.CNAME = unique(s.A), unique(s.AAAA), unique(s.TXT), plain(s.CNAME)
	slices.SortFunc(problems, func(a, b schema.Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems
}

func unique(list []string) []string {
	sorted := slices.Sorted(slices.Values(list))
	return slices.Compact(sorted)
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
