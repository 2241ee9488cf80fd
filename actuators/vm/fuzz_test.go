package vm

import (
	"encoding/json"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

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

// A whole domain, as libvirt tells of it: no panic, and what is read can be written as JSON, compared with itself and imported.
func FuzzDomain(f *testing.F) {
	for _, text := range []string{
		`<domain type="kvm"><name>x</name><uuid>8d9ae4ba-1f5e-4b0b-a1b3-000000000001</uuid><memory unit="KiB">1</memory><currentMemory unit="YiB">99999999999999</currentMemory><vcpu current="9">1</vcpu>
		<os><type arch="x86_64" machine="q35">hvm</type></os><sysinfo type="smbios"><oemStrings><entry>a=b</entry></oemStrings></sysinfo><devices><disk type="file" device="disk"><source file="/x"/><target dev="vda"/></disk>
		<disk type="network"><source protocol="iscsi"/></disk><disk/><interface type="network"><mac address="52:54:00:00:00:01"/><source network="n"/><target dev="t"/></interface><interface/><interface type="bridge"><source bridge="b"/></interface>
		<serial type="pty"/><console/></devices><metadata><plumb:mark xmlns:plumb="x"/></metadata></domain>`,
		`<domain/>`, `<domain><devices/><vcpu/><memory/></domain>`, `<domain type="qemu"><vcpus><vcpu id="0" enabled="no"/></vcpus><maxMemory slots="1" unit="TiB">1</maxMemory></domain>`, `<a/>`, ``,
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, defined, live string) {
		d := virt.Domain{Name: "x", UUID: "8d9ae4ba-1f5e-4b0b-a1b3-000000000001", XML: defined, Live: live}
		p, err := read(d)
		if err != nil {
			return
		}
		if _, err := json.Marshal(asItIs(p.state, d)); err != nil {
			t.Errorf("%q: %v", defined, err)
		}
		importOf(actuators.Live[State]{State: asItIs(p.state, d)}, everything{})
	})
}

// everything is a datacenter in which every fact has a provider.
type everything struct{}

func (everything) Provider(typ, value string) (schema.ID, bool) {
	return schema.MakeID("network", "n"), true
}
func (everything) Into(schema.ID, any) bool { return true }
func (everything) Host() string             { return "h" }
