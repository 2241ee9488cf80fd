package vm

import "testing"

// Whatever libvirt tells of a domain: no panic.
func FuzzMark(f *testing.F) {
	f.Add("<plumb:mark xmlns:plumb='"+markURI+"' installation='i' id='vm/x' hash='h' uuid='u'/>", "u")
	f.Add("<a><b></a>", "")
	f.Fuzz(func(t *testing.T, inner, uuid string) {
		if m, _ := readMark(inner, uuid); m != nil && uuid == "" && inner == "" {
			t.Error("a mark out of nothing")
		}
	})
}
