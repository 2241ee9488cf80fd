package network

import (
	"testing"

	"plumbline/actuators"
)

// Whatever libvirt tells of a network: no panic, and our own marks come back.
func FuzzMark(f *testing.F) {
	m := actuators.Mark{Installation: "i", ID: "network/x", Hash: "h"}
	f.Add(element(m, "u"), "u", "h")
	f.Add("<a><b></a>", "", "\x1b<&'\"")
	f.Fuzz(func(t *testing.T, inner, uuid, hash string) {
		readMark(inner, uuid)
	})
}
