package firewall

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Spec is what the topology declares, see schema/firewall.cue.
type Spec struct {
	On         string   `json:"on"`
	Interfaces []string `json:"interfaces,omitempty"`
	Default    string   `json:"default"`
	Deny       []Rule   `json:"deny,omitempty"`
	Allow      []Rule   `json:"allow,omitempty"`
}

// Rule matches packets. What is empty matches all.
type Rule struct {
	Proto string   `json:"proto,omitempty"`
	Ports []Ports  `json:"ports,omitempty"`
	From  []string `json:"from,omitempty"`
}

// Ports is one port or a range, as text; in JSON one port is a number.
type Ports string

// UnmarshalJSON reads a number or a text.
func (p *Ports) UnmarshalJSON(data []byte) error {
	var number int
	if json.Unmarshal(data, &number) == nil {
		*p = Ports(strconv.Itoa(number))
		return nil
	}
	return json.Unmarshal(data, (*string)(p))
}

// MarshalJSON writes one port as a number.
func (p Ports) MarshalJSON() ([]byte, error) {
	if number, err := strconv.Atoi(string(p)); err == nil {
		return json.Marshal(number)
	}
	return json.Marshal(string(p))
}

// protocols are the numbers of what `proto` names (IANA protocol numbers).
var protocols = map[string]byte{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ospf": 89, "vrrp": 112, "sctp": 132}

var withPorts = []string{"tcp", "udp", "sctp"}

// canonical is the rule with merged and sorted ports and addresses.
func (r Rule) canonical() (Rule, error) {
	ports, err := nft.Ports(texts(r.Ports))
	if err != nil {
		return r, err
	}
	out := Rule{Proto: r.Proto}
	for _, p := range ports {
		out.Ports = append(out.Ports, Ports(p))
	}
	from4, from6, err := families(r.From)
	out.From = append(from4, from6...)
	return out, err
}

func texts(ports []Ports) []string {
	var out []string
	for _, p := range ports {
		out = append(out, string(p))
	}
	return out
}

// families are the IPv4 and the IPv6 addresses of a rule, canonical.
func families(from []string) (from4, from6 []string, err error) {
	for _, f := range from {
		if strings.Contains(f, ":") {
			from6 = append(from6, f)
		} else {
			from4 = append(from4, f)
		}
	}
	if from4, err = nft.Addresses(from4, false); err != nil {
		return nil, nil, err
	}
	from6, err = nft.Addresses(from6, true)
	return from4, from6, err
}

// config is the state that the spec wants.
func (s Spec) config() (Config, error) {
	c := Config{On: s.On, Default: s.Default, Interfaces: slices.Sorted(slices.Values(s.Interfaces))}
	c.Interfaces = slices.Compact(c.Interfaces)
	for _, list := range []struct {
		from []Rule
		to   *[]Rule
	}{{s.Deny, &c.Deny}, {s.Allow, &c.Allow}} {
		for _, r := range list.from {
			canonical, err := r.canonical()
			if err != nil {
				return c, err
			}
			*list.to = append(*list.to, canonical)
		}
	}
	return c, nil
}

const maxName = 128 // leaves room in an nft comment for the rest of the mark

func validate(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	if len(id.Name()) > maxName {
		problems = append(problems, schema.Problem{Object: id, Text: fmt.Sprintf("the name is longer than %d characters and does not fit an nft comment", maxName), Remedy: "choose a shorter one"})
	}
	for name, rules := range map[string][]Rule{"deny": s.Deny, "allow": s.Allow} {
		for i, r := range rules {
			path := fmt.Sprintf("%s.%d", name, i)
			if _, err := r.canonical(); err != nil {
				problems = append(problems, schema.Problem{Object: id, Path: path, Text: err.Error(), Remedy: "write ports as 80 or \"1000-2000\", addresses as 192.0.2.1 or 192.0.2.0/24"})
			}
			if len(r.Ports) > 0 && !slices.Contains(withPorts, r.Proto) {
				problems = append(problems, schema.Problem{Object: id, Path: path, Text: "ports need a protocol that has ports", Remedy: "add proto: tcp, udp or sctp"})
			}
		}
	}
	return problems
}

func share(i schema.Instance, _ Spec) []string { return []string{"nft/" + i.Host} }
