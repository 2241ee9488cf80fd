package schema

import (
	"net/netip"
	"strings"
)

// Fact is something that objects provide or need without naming each other: "addr/app-boston/10.1.1.12". Its scope is
// the network of a guest address, "public" of a public address, the host of a path or device.
type Fact struct {
	Type  string // addr, mac, vrid, path, dev, port, …
	Scope string
	Value string
}

// String is "type/scope/value".
func (f Fact) String() string { return f.Type + "/" + f.Scope + "/" + f.Value }

// MarshalText makes a Fact its String in JSON.
func (f Fact) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is the inverse of MarshalText; the value may hold slashes.
func (f *Fact) UnmarshalText(text []byte) error {
	*f = parseFact(string(text))
	return nil
}

// Use is one object's claim on a fact.
type Use struct {
	Fact      Fact   `json:"fact"`
	Exclusive bool   `json:"exclusive,omitempty"` // provided: no other object may provide it
	Path      string `json:"path,omitempty"`      // the field that says so
}

// Range declares which values of a scope the topology is responsible for: a need of an address within it that nobody
// provides is an error; outside of every range it is external.
type Range struct {
	Type   string
	Scope  string
	Prefix netip.Prefix
}

// Edge is a field that names another object.
type Edge struct {
	Path string `json:"path"` // of the field, "disks.0.volume"
	To   ID     `json:"to"`
}

func parseFact(text string) Fact {
	typ, rest, _ := strings.Cut(text, "/")
	scope, value, _ := strings.Cut(rest, "/")
	return Fact{Type: typ, Scope: scope, Value: value}
}
