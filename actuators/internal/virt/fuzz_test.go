package virt

import "testing"

// What libvirt tells of capabilities and of disks of domains: no panic.
func FuzzTexts(f *testing.F) {
	f.Add(`<capabilities><guest><os_type>hvm</os_type><arch name="x86_64"><machine maxCpus="x">q35</machine><domain type="kvm"/></arch></guest></capabilities>`)
	f.Add(`<domain><devices><disk><source file="/a/x"/></disk><disk type="volume"><source pool="p" volume="x"/></disk><disk/></devices></domain>`)
	f.Fuzz(func(t *testing.T, text string) {
		Domain{Name: "d", XML: text}.uses("/a/x")
		Domain{Name: "d", Live: text}.uses("/a/x")
		kvmIn(text)
	})
}
