package balancer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Spec is what the topology declares, see schema/balancer.cue.
type Spec struct {
	Public     string    `json:"public"`
	Port       int       `json:"port"`
	Proto      string    `json:"proto"`
	Network    string    `json:"network"`
	Backends   []Backend `json:"backends"`
	By         string    `json:"by"`
	Check      Check     `json:"check"`
	Masquerade bool      `json:"masquerade"`
}

// Backend is one place that connections go to.
type Backend struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
}

// Check says when a backend may enter.
type Check struct {
	TCP     int    `json:"tcp,omitempty"`
	HTTP    string `json:"http,omitempty"`
	Timeout string `json:"timeout"`
}

const bySource = "source"

func (s Spec) service() string    { return nft.ServiceKey(s.Public, s.Port, s.Proto) }
func (s Spec) services() []string { return []string{s.service()} }
func (b Backend) endpoint() string {
	return nft.Endpoint(b.Address, b.Port)
}

// config is the state that the spec wants.
func (s Spec) config() Config {
	c := Config{Service: s.service(), By: s.By, Masquerade: s.Masquerade}
	for _, b := range s.Backends {
		c.Backends = append(c.Backends, b.endpoint())
	}
	slices.Sort(c.Backends)
	return c
}

func edges(s Spec) []schema.Edge {
	return []schema.Edge{{Path: "network", To: schema.MakeID("network", s.Network)}}
}

const (
	maxName  = 128             // leaves room in an nft comment for the rest of the mark
	maxCheck = 9 * time.Minute // below the timeout of the ops
)

func validate(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	tell := func(path, text, remedy string) {
		problems = append(problems, schema.Problem{Object: id, Path: path, Text: text, Remedy: remedy})
	}
	if len(id.Name()) > maxName {
		tell("", fmt.Sprintf("the name is longer than %d characters and does not fit an nft comment", maxName), "choose a shorter one")
	}
	if d, err := time.ParseDuration(s.Check.Timeout); err != nil || d <= 0 || d > maxCheck {
		tell("check.timeout", s.Check.Timeout+" is no time to wait for a check", fmt.Sprintf("choose one up to %s", maxCheck))
	}
	seen := map[Backend]bool{}
	for i, b := range s.Backends {
		if seen[b] {
			tell(fmt.Sprintf("backends.%d", i), b.endpoint()+" is a backend twice", "keep one of the two")
		}
		seen[b] = true
	}
	return problems
}

func provides(_ schema.Instance, s Spec) []schema.Use {
	return []schema.Use{
		{Fact: schema.Fact{Type: "addr", Scope: "public", Value: s.Public}, Path: "public"},
		{Fact: schema.Fact{Type: "port", Scope: "public", Value: s.service()}, Exclusive: true, Path: "port"},
	}
}

func needs(_ schema.Instance, s Spec) []schema.Use {
	var uses []schema.Use
	for i, b := range s.Backends {
		uses = append(uses, schema.Use{Fact: schema.Fact{Type: "addr", Scope: s.Network, Value: b.Address}, Path: fmt.Sprintf("backends.%d.address", i)})
	}
	return uses
}

func share(i schema.Instance, _ Spec) []string { return []string{"nft/" + i.Host} }

// probe is the question that a backend must answer before it enters; none when nothing can be asked.
func (s Spec) probe(endpoint string) (probe, bool) {
	host, _, _ := strings.Cut(endpoint, ":")
	switch {
	case s.Check.HTTP != "":
		return probe{Address: endpoint, Path: s.Check.HTTP, Timeout: s.Check.Timeout}, true
	case s.Check.TCP != 0:
		return probe{Address: nft.Endpoint(host, s.Check.TCP), Timeout: s.Check.Timeout}, true
	}
	return probe{Address: endpoint, Timeout: s.Check.Timeout}, s.Proto == "tcp"
}
