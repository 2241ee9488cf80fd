package network

import (
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

// Whatever libvirt tells of a network: no panic, and our own marks come back.
func FuzzMark(f *testing.F) {
	m := actuators.Mark{Installation: "i", ID: "network/x", Hash: "h"}
	f.Add(element(m, "u"), "u", "h")
	f.Add(`<network><name>n</name><forward/><bridge/><metadata/><portgroup/><ip address="x"/></network>`, "", "")
	f.Add("<a><b></a>", "", "\x1b<&'\"")
	f.Fuzz(func(t *testing.T, inner, uuid, hash string) {
		readMark(inner, uuid)
		if s, _, err := read(virt.Network{Name: "n", XML: inner}); err == nil {
			importOf(actuators.Live[State]{State: s}, everything{})
		}
	})
}

// everything is a datacenter in which every fact has a provider.
type everything struct{}

func (everything) Provider(typ, value string) (schema.ID, bool) {
	return schema.MakeID("network", "n"), true
}
func (everything) Into(schema.ID, any) bool { return true }
func (everything) Host() string             { return "h" }
