package vm

import (
	"fmt"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{After: []string{"volume", "network", "bridge"}, Spec: importOf}

// importOf leaves out what is fixed and nobody compares: the model of the CPU, how it is accelerated.
func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c := l.State.Config
	s := Spec{
		CPU:       CPUSpec{Now: c.CPU.Now, Max: c.CPU.Max},
		Memory:    MemorySpec{Now: schema.FormatSize(c.Memory.Now), Max: schema.FormatSize(c.Memory.Max)},
		Autostart: c.Autostart, Power: c.Power, Stop: StopSpec{Timeout: "30s"}, Accel: "auto", Machine: l.State.Status.Machine,
		Disks: []DiskSpec{}, NICs: []NICSpec{},
	}
	if s.Power == "suspended" {
		s.Power = running
	}
	if strings.HasPrefix(c.Serial, consoles) {
		s.Serial = c.Serial
	}
	if err := sayable(l.ID, l.State); err != nil {
		return s, err
	}
	for _, d := range c.Disks {
		disk, err := diskOf(d, c.active(), found)
		if err != nil {
			return s, err
		}
		s.Disks = append(s.Disks, disk)
	}
	for _, n := range c.NICs {
		nic, err := nicOf(n, c.active(), found)
		if err != nil {
			return s, err
		}
		s.NICs = append(s.NICs, nic)
	}
	return s, nil
}

// sayable tells why no declaration says a domain, apart from its disks and cards.
func sayable(id schema.ID, l State) error {
	c, status := l.Config, l.Status
	told := guestPrefix + "hostname=" + id.Name()
	switch {
	case c.Transient:
		return fmt.Errorf("it runs without a definition")
	case c.Power != running && c.Power != stopped && c.Power != "suspended":
		return fmt.Errorf("it is %s; a declared VM runs or is stopped", c.Power)
	case status.Machine != "q35" && status.Machine != "pc":
		return fmt.Errorf("its machine is %q; VMs are q35 or pc", status.Machine)
	case status.Accel != "tcg" && status.Accel != "kvm":
		return fmt.Errorf("its hypervisor is %q; VMs run by kvm or qemu", status.Accel)
	case c.active() && status.CPUs != 0 && status.CPUs < c.CPU.Now:
		return fmt.Errorf("it runs with %d of its %d CPUs", status.CPUs, c.CPU.Now)
	case (c.Memory.Now|c.Memory.Max)%(1<<20) != 0 || c.Memory.Now == 0:
		return fmt.Errorf("its memory, %d of %d bytes, is not whole Mi", c.Memory.Now, c.Memory.Max)
	case len(c.Guest) > 1 || len(c.Guest) == 1 && c.Guest[0] != told:
		return fmt.Errorf("it tells its guest what another VM of Plumbline's was told (%s); take these OEM strings out", strings.Join(c.Guest, ", "))
	}
	return nil
}

func diskOf(d Disk, active bool, found actuators.Found) (DiskSpec, error) {
	volume, ok := found.Provider("file", d.Path)
	var spec struct {
		Format string `json:"format"`
	}
	switch {
	case d.Path == "":
		return DiskSpec{}, fmt.Errorf("its disk %s is no file of its host", d.Target)
	case !ok || !found.Into(volume, &spec):
		return DiskSpec{}, fmt.Errorf("its disk %s is %s, which is no declared volume", d.Target, d.Path)
	case spec.Format != d.Format:
		return DiskSpec{}, fmt.Errorf("its disk %s is read as %s, and %s is %s", d.Target, d.Format, d.Path, spec.Format)
	case d.Extra || active && !d.Live:
		return DiskSpec{}, fmt.Errorf("its disk %s is not in both its definition and the running guest", d.Target)
	}
	return DiskSpec{Volume: volume.Name()}, nil
}

func nicOf(n NIC, active bool, found actuators.Found) (NICSpec, error) {
	nic := NICSpec{Network: n.Network, MAC: n.MAC}
	bridge, bridged := found.Provider("dev", n.Bridge)
	switch {
	case n.Extra || active && !n.Live:
		return nic, fmt.Errorf("its card %s is not in both its definition and the running guest", n.MAC)
	case n.Cut != "":
		return nic, fmt.Errorf("its card %s reaches nobody: it is %s", n.MAC, n.Cut)
	case n.Network != "" && !found.Into(schema.MakeID("network", n.Network), nil):
		return nic, fmt.Errorf("its card %s is in the network %s, which is not declared", n.MAC, n.Network)
	case n.Network != "":
	case n.Bridge == "":
		return nic, fmt.Errorf("its card %s is plugged into neither a network of libvirt nor a bridge", n.MAC)
	case !bridged || !found.Into(bridge, nil):
		return nic, fmt.Errorf("its card %s is plugged into the bridge %s, which is not declared", n.MAC, n.Bridge)
	default:
		nic.Bridge = bridge.Name()
	}
	return nic, nil
}
