package vm

import (
	"slices"
	"time"
)

// Spec is a virtual machine as declared, without meta and placement; schema/vm.cue says what the fields mean.
type Spec struct {
	CPU       CPUSpec    `json:"cpu"`
	Memory    MemorySpec `json:"memory"`
	Disks     []DiskSpec `json:"disks"`
	NICs      []NICSpec  `json:"nics"`
	Autostart bool       `json:"autostart"`
	Power     string     `json:"power"`
	Ready     *ReadySpec `json:"ready,omitempty"`
	Stop      StopSpec   `json:"stop"`
	Accel     string     `json:"accel"`
	Machine   string     `json:"machine"`
	Serial    string     `json:"serial,omitempty"`
	Resolved  Resolved   `json:"resolved,omitzero"`
}

// CPUSpec counts CPUs.
type CPUSpec struct {
	Now   int    `json:"now"`
	Max   int    `json:"max"`
	Model string `json:"model,omitempty"`
}

// MemorySpec holds sizes as declared, "128Mi".
type MemorySpec struct {
	Now string `json:"now"`
	Max string `json:"max"`
}

// DiskSpec names a volume.
type DiskSpec struct {
	Volume string `json:"volume"`
}

// NICSpec is a network card.
type NICSpec struct {
	Network string `json:"network,omitempty"`
	Bridge  string `json:"bridge,omitempty"`
	Address string `json:"address,omitempty"`
	MAC     string `json:"mac,omitempty"`
}

// ReadySpec is a probe.
type ReadySpec struct {
	TCP     int    `json:"tcp"`
	Timeout string `json:"timeout"`
}

// StopSpec bounds a graceful stop.
type StopSpec struct {
	Timeout string `json:"timeout"`
}

// Resolved is what Resolve computes: sizes in bytes, and what volumes and networks say.
type Resolved struct {
	Memory Memory   `json:"memory"`
	Disks  []Disk   `json:"disks,omitempty"` // in declared order, with targets vda, vdb, …
	NICs   []NIC    `json:"nics,omitempty"`  // in declared order
	Guest  []string `json:"guest,omitempty"` // OEM strings, sorted
}

const (
	running = "running"
	stopped = "stopped"
)

// longest bounds waits that a spec declares, so that the ops' own timeouts hold.
const longest = 15 * time.Minute

// seconds reads a declared duration; CUE has checked its form and Resolve its bound.
func seconds(text string, unless time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return unless
	}
	return min(d, longest)
}

// usualStop is the time to shut down of a domain beside whose mark none is kept: it was adopted.
const usualStop = 30 * time.Second

func (s Spec) stopTimeout() time.Duration { return seconds(s.Stop.Timeout, usualStop) }

// addressed tells whether a card has an address, which its guest must be told.
func (s Spec) addressed() bool {
	return slices.ContainsFunc(s.NICs, func(n NICSpec) bool { return n.Address != "" })
}

// probe is the endpoint that says whether the guest is up; nil when none is declared.
func (s Spec) probe() *Probe {
	if s.Ready == nil {
		return nil
	}
	first := slices.IndexFunc(s.NICs, func(n NICSpec) bool { return n.Address != "" })
	if first < 0 {
		return nil
	}
	return &Probe{Address: s.NICs[first].Address, Port: s.Ready.TCP, Timeout: seconds(s.Ready.Timeout, time.Minute)}
}
