package vm

import (
	"testing"
	"time"

	"plumbline/schema"
	"plumbline/testenv/conform"
	"plumbline/testenv/guest"
)

// TestConform holds the kind to the contract with a VM that has no system: it starts in no time and hears no ACPI.
func TestConform(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "extra")
		r.sh(`qemu-img create -q -f qcow2 /var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 1M`)
		spec := func(change func(s *Spec)) any {
			return declared(t, func(s *Spec) { s.Ready, s.Stop.Timeout = nil, "100ms"; change(s) })
		}
		mac := deriveMAC(payroll, "app-boston", 0)
		conform.Run(t, conform.Case{
			Kind: Kind, ID: payroll, Host: r.host,
			Specs: []any{
				spec(func(s *Spec) { s.Power = stopped }),
				spec(func(s *Spec) { s.Autostart = true }),
				spec(func(s *Spec) { s.CPU.Now, s.Memory.Now = 2, "192Mi" }),
				spec(func(s *Spec) {
					s.CPU, s.Memory.Max = CPUSpec{Now: 1, Max: 4}, "512Mi"
					s.Disks = []DiskSpec{{Volume: "extra"}}
					s.NICs = []NICSpec{{Network: "app-boston", Address: "10.1.1.13"}}
				}),
			},
			Foreign:    func() { r.sh(`printf %s "$1" >/tmp/f.xml; virsh -q define /tmp/f.xml`, foreign) },
			NotForeign: func() { r.sh(`virsh -q undefine payroll`) },
			Sabotage: []conform.Sabotage{
				{Name: "it is turned off", Do: func() { r.sh(`virsh -q destroy payroll`) }, Path: "power"},
				{Name: "it is paused", Do: func() { r.sh(`virsh -q suspend payroll`) }, Path: "power"},
				{Name: "its CPUs are changed", Do: func() { r.sh(`virsh -q setvcpus payroll 3 --config`) }, Path: "cpu.now"},
				{Name: "its memory is changed", Do: func() { r.sh(`virsh -q setmem payroll 64M --config`) }, Path: "memory.now"},
				{Name: "it starts with its host", Do: func() { r.sh(`virsh -q autostart payroll`) }, Path: "autostart"},
				{Name: "it is undefined while it runs", Do: func() { r.sh(`virsh -q undefine payroll`) }, Path: "defined"},
				{Name: "its tap is unplugged", Do: func() { r.sh(`ip link set "$1" nomaster`, r.tap()) }, Path: "nics." + mac + ".plugged"},
				{Name: "its tap is switched off", Do: func() { r.sh(`ip link set "$1" down`, r.tap()) }, Path: "nics." + mac + ".plugged"},
				{Name: "its tap is plugged into another bridge", Do: func() {
					r.sh(`ip link add other type bridge; ip link set "$1" master other`, r.tap())
				}, Path: "nics." + mac + ".plugged"},
				{Name: "its bridge is made anew", Do: func() {
					r.sh(`ip link del other; ip link del app; ip link add app type bridge; ip link set app up`)
				}, Path: "nics." + mac + ".plugged"},
				{Name: "its tap is removed", Do: func() { r.sh(`ip link del "$1"`, r.tap()) }, Path: "nics." + mac + ".plugged"},
				{Name: "a disk is added", Do: func() {
					r.sh(`virsh -q attach-disk payroll /var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 vdc --config`)
				}, Path: "disks.vdc"},
			},
			Broken: []conform.Breakage{{Name: "libvirtd hangs", Break: func() func() { return r.freeze() }}},
			Native: func() string {
				return r.sh(`all=; for d in $(virsh -q list --all --name | sort); do all="$all dominfo $d; domblklist $d; domiflist --inactive $d;"; done
					ip -o link show type tun | sed 's/.*: \(vnet\)[0-9]*: .*\(master [a-z]*\).*state \([A-Z]*\).*/\1 \2 \3/'
					test -z "$all" || virsh "$all" | grep -v -e '^Id' -e '^CPU time' -e '^Used memory'`)
			},
			Patience: 20 * time.Second,
		})
	})
}

// TestARenamingConforms: a VM that is off, for libvirt renames no other.
func TestARenamingConforms(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk")
		mac := deriveMAC(payroll, "app-boston", 0)
		spec := func(id schema.ID) any {
			return declaredAs(t, id, func(s *Spec) {
				s.Ready, s.Power, s.Autostart = nil, stopped, true
				s.NICs[0].MAC = mac
			})
		}
		conform.Renames(t, conform.Case{
			Kind: Kind, ID: payroll, Host: r.host, Specs: []any{spec(payroll)}, Renamed: &conform.Renamed{ID: "vm/wages", Spec: spec("vm/wages")},
			Native: func() string {
				return r.sh(`for d in $(virsh -q list --all --name | sort); do virsh dumpxml --inactive $d; done; ls /etc/libvirt/qemu/autostart 2>/dev/null || true`)
			},
			Patience: 20 * time.Second, Cuts: 1,
		})
	})
}
