package host

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a host as declared; schema/host.cue says what the fields mean.
type Spec struct {
	Site     string            `json:"site"`
	SSH      string            `json:"ssh,omitempty"`
	Address  string            `json:"address,omitempty"`
	Age      string            `json:"age,omitempty"` // public key, for secrets in the repository
	Labels   map[string]string `json:"labels,omitempty"`
	Hardware *HardwareSpec     `json:"hardware,omitempty"`
}

// HardwareSpec is what the machine should hold.
type HardwareSpec struct {
	Cores  int                 `json:"cores,omitempty"`
	Memory string              `json:"memory,omitempty"`
	Disks  map[string]DiskSpec `json:"disks,omitempty"` // by name below /dev/disk/by-id
	NICs   map[string]NICSpec  `json:"nics,omitempty"`  // by name of the interface
}

// DiskSpec is a disk.
type DiskSpec struct {
	Size string `json:"size"`
}

// NICSpec is a network interface.
type NICSpec struct {
	MAC   string `json:"mac,omitempty"`
	Speed int    `json:"speed,omitempty"` // Mbit/s
}

// State is a machine as observed.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is the hardware, of which the declared part is compared.
type Config struct {
	Cores  int             `json:"cores,omitempty"`  // physical ones
	Memory int64           `json:"memory,omitempty"` // bytes
	Disks  map[string]Disk `json:"disks,omitempty"`  // by name below /dev/disk/by-id
	NICs   map[string]NIC  `json:"nics,omitempty"`   // by name
}

// Disk is a disk that was found.
type Disk struct {
	Size int64 `json:"size,omitempty"` // bytes
}

// NIC is a network interface that was found.
type NIC struct {
	MAC     string `json:"mac,omitempty"`
	Speed   int    `json:"speed,omitempty"` // Mbit/s; 0 when the driver does not say, or there is no carrier
	MTU     int    `json:"mtu,omitempty"`
	Carrier bool   `json:"carrier,omitempty"`
}

// Status is what is reported beside.
type Status struct {
	Hostname  string `json:"hostname,omitempty"`
	MachineID string `json:"machineId,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
	CPU       string `json:"cpu,omitempty"`  // model
	CPUs      int    `json:"cpus,omitempty"` // threads
}

func edges(s Spec) []schema.Edge {
	return []schema.Edge{{Path: "site", To: schema.MakeID("site", s.Site)}}
}

func resolve(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	check := func(path, size string) {
		if _, err := schema.ParseSize(size); err != nil {
			problems = append(problems, schema.Problem{Object: id, Path: path, Text: err.Error()})
		}
	}
	if s.Hardware == nil {
		return nil
	}
	if s.Hardware.Memory != "" {
		check("hardware.memory", s.Hardware.Memory)
	}
	for name, disk := range s.Hardware.Disks {
		check("hardware.disks."+name+".size", disk.Size)
	}
	return problems
}
