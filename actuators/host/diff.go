package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// diff names declared hardware that is not there. No step can bring it back, so the plan shows the difference and holds
// no operation for it.
func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	var d actuators.Diff
	if want == nil || want.Hardware == nil || have.Here == nil {
		return d
	}
	w, h := want.Hardware, have.Here.Config
	if w.Cores > 0 {
		d.Field("hardware.cores", h.Cores, w.Cores, actuators.EffectNever)
	}
	if w.Memory != "" && lost(h.Memory, w.Memory) {
		d.Field("hardware.memory", schema.FormatSize(h.Memory), w.Memory, actuators.EffectNever)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Disks)) {
		compareDisk(&d, name, w.Disks[name], h.Disks)
	}
	for _, name := range slices.Sorted(maps.Keys(w.NICs)) {
		compareNIC(&d, name, w.NICs[name], h.NICs)
	}
	if len(d.Changes) > 0 {
		d.Notes = append(d.Notes, "no step changes hardware: mend the machine, or declare what it has")
	}
	return d.Settle()
}

// lost allows for the 1/32 of memory that firmware and kernel keep to themselves; the smallest module of a machine is more.
func lost(have int64, declared string) bool {
	size, err := schema.ParseSize(declared)
	return err == nil && have <= size-size/32
}

func compareDisk(d *actuators.Diff, name string, want DiskSpec, have map[string]Disk) {
	path := "hardware.disks." + name
	found, ok := have[name]
	if !ok {
		d.Field(path, nil, want.Size, actuators.EffectNever)
		return
	}
	if size, err := schema.ParseSize(want.Size); err == nil && found.Size < size {
		d.Field(path+".size", schema.FormatSize(found.Size), want.Size, actuators.EffectNever)
	}
}

func compareNIC(d *actuators.Diff, name string, want NICSpec, have map[string]NIC) {
	path := "hardware.nics." + name
	found, ok := have[name]
	if !ok {
		d.Field(path, nil, "present", actuators.EffectNever)
		return
	}
	if want.MAC != "" {
		d.Field(path+".mac", found.MAC, strings.ToLower(want.MAC), actuators.EffectNever)
	}
	if want.Speed == 0 {
		return
	}
	if !found.Carrier {
		d.Field(path+".carrier", false, true, actuators.EffectNever)
		return
	}
	if found.Speed != want.Speed {
		d.Field(path+".speed", speed(found.Speed), speed(want.Speed), actuators.EffectNever)
	}
}

func speed(mbit int) string {
	if mbit == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d Mbit/s", mbit)
}
