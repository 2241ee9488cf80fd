package vm

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// asItIs adds what libvirt tells beside the texts.
func asItIs(l State, d virt.Domain) State {
	l.Status.Name, l.Status.State, l.Status.Saved = d.Name, string(d.State), d.Saved
	l.Config.UUID, l.Config.Autostart, l.Config.Power = d.UUID, d.Autostart, power(d.State)
	l.Config.Transient = d.Transient
	return l
}

// parts is what a domain's texts say.
type parts struct {
	state State
	mark  *actuators.Mark
	taps  []tap
}

// read takes a domain's texts apart.
func read(d virt.Domain) (parts, error) {
	var defined, live libvirtxml.Domain
	if err := defined.Unmarshal(d.XML); err != nil {
		return parts{}, fmt.Errorf("cannot read the definition of domain %s: %w", d.Name, err)
	}
	if d.Live != "" {
		if err := live.Unmarshal(d.Live); err != nil {
			return parts{}, fmt.Errorf("cannot read the running domain %s: %w", d.Name, err)
		}
	}
	l := State{Status: Status{Accel: accelOf(defined.Type)}}
	c := &l.Config
	c.CPU.Max, c.CPU.Now = cpus(&defined)
	c.Memory.Max, c.Memory.Now = memory(&defined)
	if d.Live != "" {
		_, l.Status.CPUs = cpus(&live)
		_, l.Status.Memory = memory(&live)
	}
	c.Disks = mergeDisks(disks(&defined), disks(&live))
	definedNICs, _, err := nics(d.XML)
	if err != nil {
		return parts{}, fmt.Errorf("cannot read the definition of domain %s: %w", d.Name, err)
	}
	liveNICs, taps, err := nics(d.Live)
	if err != nil {
		return parts{}, fmt.Errorf("cannot read the running domain %s: %w", d.Name, err)
	}
	c.NICs = mergeNICs(definedNICs, liveNICs)
	c.Guest, c.Serial = guestStrings(&defined), serial(&defined)
	if defined.OS != nil && defined.OS.Type != nil {
		l.Status.Machine = machineOf(defined.OS.Type.Machine)
	}
	if defined.CPU != nil && defined.CPU.Model != nil {
		l.Status.Model = defined.CPU.Model.Value
	}
	p := parts{state: l, taps: taps}
	if defined.Metadata != nil {
		p.mark, p.state.Config.Stop = readMark(defined.Metadata.XML, d.UUID)
	}
	return p, nil
}

func power(s virt.State) string {
	switch s {
	case virt.Paused:
		return "paused"
	case virt.Suspended:
		return "suspended"
	}
	if s.Active() {
		return running
	}
	return stopped
}

// machineOf is the family of a versioned machine: pc-q35-7.2 is a q35, pc-i440fx-7.2 a pc.
func machineOf(versioned string) string {
	switch {
	case strings.HasPrefix(versioned, "pc-q35"):
		return "q35"
	case strings.HasPrefix(versioned, "pc-i440fx"):
		return "pc"
	}
	return versioned
}

func accelOf(domainType string) string {
	if domainType == "qemu" {
		return "tcg"
	}
	return domainType
}

func cpus(x *libvirtxml.Domain) (most, now int) {
	if x.VCPU == nil {
		return 0, 0
	}
	return int(x.VCPU.Value), int(cmp.Or(x.VCPU.Current, x.VCPU.Value))
}

func memory(x *libvirtxml.Domain) (most, now int64) {
	if x.Memory != nil {
		most = inBytes(x.Memory.Value, x.Memory.Unit)
	}
	if x.CurrentMemory == nil {
		return most, most
	}
	return most, inBytes(x.CurrentMemory.Value, x.CurrentMemory.Unit)
}

// inBytes knows the units that libvirtd prints: always KiB, but a domain that a person wrote may be told by another.
func inBytes(value uint, unit string) int64 {
	shift := map[string]int{"b": 0, "bytes": 0, "": 10, "KiB": 10, "k": 10, "MiB": 20, "M": 20, "GiB": 30, "G": 30, "TiB": 40, "T": 40}
	return int64(value) << shift[unit]
}

func disks(x *libvirtxml.Domain) []Disk {
	if x.Devices == nil {
		return nil
	}
	var found []Disk
	for _, disk := range x.Devices.Disks {
		if disk.Target == nil || disk.Device != "" && disk.Device != "disk" {
			continue
		}
		d := Disk{Target: disk.Target.Dev, Path: virt.DiskPath(disk)}
		if disk.Driver != nil {
			d.Format = disk.Driver.Type
		}
		found = append(found, d)
	}
	return found
}

func mergeDisks(defined, live []Disk) []Disk {
	for _, l := range live {
		at := slices.IndexFunc(defined, func(d Disk) bool { return d.Path == l.Path && d.Target == l.Target })
		if at < 0 {
			l.Live, l.Extra = true, true
			defined = append(defined, l)
			continue
		}
		defined[at].Live = true
	}
	slices.SortFunc(defined, compareDisks)
	return defined
}

// compareDisks orders vdb before vdaa.
func compareDisks(a, b Disk) int {
	return cmp.Or(cmp.Compare(len(a.Target), len(b.Target)), strings.Compare(a.Target, b.Target), strings.Compare(a.Path, b.Path))
}

// cards reads network cards from the text itself: libvirt tells a running card of a bridged network as one of a bridge,
// with the network beside it, which libvirtxml drops.
type cards struct {
	Interfaces []struct {
		MAC struct {
			Address string `xml:"address,attr"`
		} `xml:"mac"`
		Source struct {
			Network string `xml:"network,attr"`
			Bridge  string `xml:"bridge,attr"`
		} `xml:"source"`
		Target struct {
			Dev string `xml:"dev,attr"`
		} `xml:"target"`
		Port struct {
			Type string `xml:"type,attr"`
		} `xml:"virtualport"`
	} `xml:"devices>interface"`
}

// nics gives the cards of a text, and of a running domain their taps.
func nics(text string) (found []NIC, taps []tap, err error) {
	var x cards
	if text == "" {
		return nil, nil, nil
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return nil, nil, err
	}
	for _, card := range x.Interfaces {
		n := NIC{MAC: strings.ToLower(card.MAC.Address), Network: card.Source.Network}
		if n.Network == "" {
			n.Bridge = card.Source.Bridge
		}
		found = append(found, n)
		if card.Target.Dev != "" && card.Source.Bridge != "" && card.Port.Type == "" { // the kernel's own bridges
			taps = append(taps, tap{mac: n.MAC, dev: card.Target.Dev, bridge: card.Source.Bridge})
		}
	}
	return found, taps, nil
}

func mergeNICs(defined, live []NIC) []NIC {
	for _, l := range live {
		at := slices.IndexFunc(defined, func(d NIC) bool { return d.MAC == l.MAC && d.Network == l.Network && d.Bridge == l.Bridge })
		if at < 0 {
			l.Live, l.Extra = true, true
			defined = append(defined, l)
			continue
		}
		defined[at].Live = true
	}
	slices.SortFunc(defined, compareNICs)
	return defined
}

func compareNICs(a, b NIC) int {
	return cmp.Or(strings.Compare(a.MAC, b.MAC), strings.Compare(a.Network, b.Network))
}

func guestStrings(x *libvirtxml.Domain) []string {
	var found []string
	for _, info := range x.SysInfo {
		if info.SMBIOS == nil || info.SMBIOS.OEMStrings == nil {
			continue
		}
		for _, entry := range info.SMBIOS.OEMStrings.Entry {
			if strings.HasPrefix(entry, guestPrefix) {
				found = append(found, entry)
			}
		}
	}
	slices.Sort(found)
	return found
}

func serial(x *libvirtxml.Domain) string {
	if x.Devices == nil || len(x.Devices.Serials) == 0 {
		return ""
	}
	source := x.Devices.Serials[0].Source
	if source == nil || source.File == nil {
		return ""
	}
	return source.File.Path
}
