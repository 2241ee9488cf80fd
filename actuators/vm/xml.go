package vm

import (
	"fmt"

	"libvirt.org/go/libvirtxml"
)

// Two kinds of machines; on a q35 every device that is plugged in while the guest runs takes a free port.
const sparePorts = 12

// build writes the definition of a new domain.
func build(p Definition, accel string) (string, error) {
	d := libvirtxml.Domain{
		Type: "qemu", Name: p.Domain, UUID: p.Config.UUID,
		Metadata:      &libvirtxml.DomainMetadata{XML: metadata(p.Mark, p.Config.UUID, p.Config.Stop)},
		Memory:        &libvirtxml.DomainMemory{Value: uint(p.Config.Memory.Max >> 10), Unit: "KiB"},
		CurrentMemory: &libvirtxml.DomainCurrentMemory{Value: uint(p.Config.Memory.Now >> 10), Unit: "KiB"},
		VCPU:          &libvirtxml.DomainVCPU{Placement: "static", Value: uint(p.Config.CPU.Max), Current: uint(p.Config.CPU.Now)},
		CPU:           processor(p.Model, accel),
		OS: &libvirtxml.DomainOS{
			Type:        &libvirtxml.DomainOSType{Arch: "x86_64", Machine: p.Machine, Type: "hvm"},
			BootDevices: []libvirtxml.DomainBootDevice{{Dev: "hd"}},
			SMBios:      &libvirtxml.DomainSMBios{Mode: "sysinfo"},
		},
		SysInfo:    []libvirtxml.DomainSysInfo{{SMBIOS: &libvirtxml.DomainSysInfoSMBIOS{OEMStrings: &libvirtxml.DomainSysInfoOEMStrings{Entry: p.Config.Guest}}}},
		Features:   &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		Clock:      &libvirtxml.DomainClock{Offset: "utc"},
		OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		Devices: devices(p),
	}
	if accel == "kvm" {
		d.Type = "kvm"
	}
	text, err := d.Marshal()
	if err != nil {
		return "", fmt.Errorf("internal error: cannot write domain %s: %w", p.Domain, err)
	}
	return text, nil
}

// processor is the host's CPU as far as it can be migrated with kvm, and the plainest one without.
func processor(model, accel string) *libvirtxml.DomainCPU {
	switch {
	case model != "":
	case accel == "kvm":
		return &libvirtxml.DomainCPU{Mode: "host-model"}
	default:
		model = "qemu64"
	}
	return &libvirtxml.DomainCPU{Mode: "custom", Match: "exact", Model: &libvirtxml.DomainCPUModel{Fallback: "allow", Value: model}}
}

func devices(p Definition) *libvirtxml.DomainDeviceList {
	zero := uint(0)
	list := &libvirtxml.DomainDeviceList{
		Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
		Serials:     []libvirtxml.DomainSerial{{Source: console(p.Config.Serial), Target: &libvirtxml.DomainSerialTarget{Port: &zero}}},
		MemBalloon:  &libvirtxml.DomainMemBalloon{Model: "virtio"},
		RNGs:        []libvirtxml.DomainRNG{{Model: "virtio", Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}}}},
	}
	if p.Machine == "q35" {
		list.Controllers = append(list.Controllers, libvirtxml.DomainController{Type: "pci", Index: &zero, Model: "pcie-root"})
		for range sparePorts {
			list.Controllers = append(list.Controllers, libvirtxml.DomainController{Type: "pci", Model: "pcie-root-port"})
		}
	}
	for _, disk := range p.Config.Disks {
		list.Disks = append(list.Disks, diskXML(disk))
	}
	for _, nic := range p.NICs {
		list.Interfaces = append(list.Interfaces, nicXML(nic))
	}
	return list
}

func console(file string) *libvirtxml.DomainChardevSource {
	if file == "" {
		return &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}}
	}
	return &libvirtxml.DomainChardevSource{File: &libvirtxml.DomainChardevSourceFile{Path: file}}
}

func diskXML(d Disk) libvirtxml.DomainDisk {
	return libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: d.Format},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: d.Path}},
		Target: &libvirtxml.DomainDiskTarget{Dev: d.Target, Bus: "virtio"},
	}
}

func nicXML(n NIC) libvirtxml.DomainInterface {
	source := &libvirtxml.DomainInterfaceSource{Network: &libvirtxml.DomainInterfaceSourceNetwork{Network: n.Network}}
	if n.Bridge != "" {
		source = &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: n.Bridge}}
	}
	return libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: n.MAC},
		Source: source,
		Model:  &libvirtxml.DomainInterfaceModel{Type: "virtio"},
	}
}
