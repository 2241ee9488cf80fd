package bridge

import (
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a declared bridge.
type Spec struct {
	Interface string   `json:"interface,omitempty"`
	Ports     []string `json:"ports"`
	MTU       int      `json:"mtu,omitempty"`
	Resolved  Resolved `json:"resolved,omitzero"`
}

// Resolved is what follows from the name of the object.
type Resolved struct {
	Interface string `json:"interface,omitempty"`
}

// State is a bridge as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Interface string   `json:"interface,omitempty"`
	Ports     []string `json:"ports,omitempty"` // without those of guests; sorted
	MTU       int      `json:"mtu,omitempty"`   // bytes; only where it is declared
	Down      []string `json:"down,omitempty"`  // of the bridge and its ports, those that are switched off; sorted
}

// Status is reported, never compared.
type Status struct {
	MTU    int      `json:"mtu,omitempty"`    // bytes
	Kind   string   `json:"kind,omitempty"`   // what the interface is, when it is no bridge
	Guests []string `json:"guests,omitempty"` // ports of virtual machines
	Of     string   `json:"of,omitempty"`     // the network of libvirt that makes and removes it; told only of what a search found
}

// maxInterface is IFNAMSIZ without the final zero.
const maxInterface = 15

// maxName leaves room in an alias (IFALIASZ, 256 bytes) for the rest of the mark.
const maxName = 128

func resolve(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	s.Resolved.Interface = s.Interface
	if s.Interface == "" {
		s.Resolved.Interface = id.Name()
	}
	var problems []schema.Problem
	wrong := func(path, text, remedy string) {
		problems = append(problems, schema.Problem{Object: id, Path: path, Text: text, Remedy: remedy})
	}
	if len(s.Resolved.Interface) > maxInterface {
		wrong("", fmt.Sprintf("its name has more than %d characters, which no interface may have", maxInterface), "add a shorter interface")
	}
	if len(id.Name()) > maxName {
		wrong("", fmt.Sprintf("its name has more than %d characters and does not fit the alias of an interface", maxName), "choose a shorter one")
	}
	for i, port := range s.Ports {
		path := fmt.Sprintf("ports.%d", i)
		if port == s.Resolved.Interface {
			wrong(path, "a bridge cannot be its own port", "name the card that it shall have")
		}
		if slices.Contains(s.Ports[:i], port) {
			wrong(path, port+" stands here twice", "keep one of the two")
		}
	}
	return problems
}

// provides claims the name, and every port: an interface can be in one bridge only.
func provides(i schema.Instance, s Spec) []schema.Use {
	uses := []schema.Use{{Fact: device("dev", i, s.Resolved.Interface), Exclusive: true, Path: "interface"}}
	for n, port := range s.Ports {
		uses = append(uses, schema.Use{Fact: device("plug", i, port), Exclusive: true, Path: fmt.Sprintf("ports.%d", n)})
	}
	return uses
}

func needs(i schema.Instance, s Spec) []schema.Use {
	var uses []schema.Use
	for n, port := range s.Ports {
		uses = append(uses, schema.Use{Fact: device("dev", i, port), Path: fmt.Sprintf("ports.%d", n)})
	}
	return uses
}

func device(typ string, i schema.Instance, name string) schema.Fact {
	return schema.Fact{Type: typ, Scope: i.Host, Value: name}
}

// ports are the declared ports in canonical order.
func (s Spec) ports() []string { return slices.Sorted(slices.Values(s.Ports)) }
