package nat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Spec is what the topology declares, see schema/nat.cue.
type Spec struct {
	Public     string `json:"public"`
	To         string `json:"to"`
	Network    string `json:"network,omitempty"`
	Ports      []Port `json:"ports"`
	Masquerade bool   `json:"masquerade"`
}

// Port is one forwarded port. Its JSON is a number where both ports are equal and the protocol is TCP.
type Port struct {
	Public int
	To     int
	Proto  string
}

type portFields struct {
	Public int    `json:"public"`
	To     int    `json:"to"`
	Proto  string `json:"proto"`
}

// UnmarshalJSON reads a number or the long form.
func (p *Port) UnmarshalJSON(data []byte) error {
	if number, err := strconv.Atoi(string(data)); err == nil {
		*p = Port{Public: number, To: number, Proto: "tcp"}
		return nil
	}
	var long portFields
	if err := json.Unmarshal(data, &long); err != nil {
		return err
	}
	*p = Port(long)
	return nil
}

// MarshalJSON writes the shortest form.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.Public == p.To && p.Proto == "tcp" {
		return json.Marshal(p.Public)
	}
	return json.Marshal(portFields(p))
}

func (s Spec) service(p Port) string { return nft.ServiceKey(s.Public, p.Public, p.Proto) }

func (s Spec) services() []string {
	var out []string
	for _, p := range s.Ports {
		out = append(out, s.service(p))
	}
	return out
}

// elements is what the object shall have in the table.
func (s Spec) elements() []nft.Element {
	var out []nft.Element
	for _, p := range s.Ports {
		out = append(out, nft.Element{Set: nft.Forwards, Key: s.service(p), Value: nft.Endpoint(s.To, p.To)})
		if s.Masquerade {
			out = append(out, nft.Element{Set: nft.Masq, Key: s.service(p)})
		}
	}
	return nft.Sort(out)
}

func edges(s Spec) []schema.Edge {
	if s.Network == "" {
		return nil
	}
	return []schema.Edge{{Path: "network", To: schema.MakeID("network", s.Network)}}
}

// maxName leaves room in an nft comment for the rest of the mark.
const maxName = 128

func check(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	if len(id.Name()) > maxName {
		problems = append(problems, schema.Problem{Object: id, Text: fmt.Sprintf("the name is longer than %d characters and does not fit an nft comment", maxName), Remedy: "choose a shorter one"})
	}
	seen := map[string]bool{}
	for i, p := range s.Ports {
		if seen[s.service(p)] {
			problems = append(problems, schema.Problem{Object: id, Path: fmt.Sprintf("ports.%d", i), Text: s.service(p) + " is forwarded twice", Remedy: "keep one of the two"})
		}
		seen[s.service(p)] = true
	}
	return problems
}

func provides(_ schema.Instance, s Spec) []schema.Use {
	uses := []schema.Use{{Fact: schema.Fact{Type: "addr", Scope: "public", Value: s.Public}, Path: "public"}}
	for i, p := range s.Ports {
		uses = append(uses, schema.Use{Fact: schema.Fact{Type: "port", Scope: "public", Value: s.service(p)}, Exclusive: true, Path: fmt.Sprintf("ports.%d", i)})
	}
	return uses
}

func needs(_ schema.Instance, s Spec) []schema.Use {
	return []schema.Use{{Fact: schema.Fact{Type: "addr", Scope: cmp.Or(s.Network, "public"), Value: s.To}, Path: "to"}}
}

func share(i schema.Instance, _ Spec) []string { return []string{"nft/" + i.Host} }
