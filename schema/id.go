package schema

import "strings"

// ID names one object of the topology: "kind/name". The kind holds no slash; the name may ("record/www/x" is
// legal though unusual), so the first slash separates.
type ID string

// MakeID joins a kind and a name.
func MakeID(kind, name string) ID { return ID(kind + "/" + name) }

// Kind is the part before the first slash.
func (id ID) Kind() string {
	kind, _, _ := strings.Cut(string(id), "/")
	return kind
}

// Name is the part after the first slash.
func (id ID) Name() string {
	_, name, _ := strings.Cut(string(id), "/")
	return name
}

// Instance is the part of an object that lives on one host: observed, planned and marked alone. Host is empty for
// what lives on the controller. Its text is "kind/name@host".
type Instance struct {
	ID   ID
	Host string
}

// On is the instance of the object on a host.
func (id ID) On(host string) Instance { return Instance{ID: id, Host: host} }

// String is "kind/name@host", without "@" on the controller.
func (i Instance) String() string {
	if i.Host == "" {
		return string(i.ID)
	}
	return string(i.ID) + "@" + i.Host
}

// ParseInstance is the inverse of String. Host names hold no "@", so the last one separates.
func ParseInstance(text string) Instance {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return Instance{ID: ID(text[:at]), Host: text[at+1:]}
	}
	return Instance{ID: ID(text)}
}

// MarshalText makes an Instance its String in JSON, also as a map key.
func (i Instance) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (i *Instance) UnmarshalText(text []byte) error {
	*i = ParseInstance(string(text))
	return nil
}

// Compare orders instances by kind, name, then host, for stable output.
func (i Instance) Compare(other Instance) int {
	if c := strings.Compare(string(i.ID), string(other.ID)); c != 0 {
		return c
	}
	return strings.Compare(i.Host, other.Host)
}
