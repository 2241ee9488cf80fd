package vm

// State is a domain as observed.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide. Where the definition (for the next start) and the running domain can differ, the
// field says which it is.
type Config struct {
	UUID      string   `json:"uuid,omitempty"`
	CPU       CPU      `json:"cpu"`
	Memory    Memory   `json:"memory"`
	Disks     []Disk   `json:"disks,omitempty"`  // sorted by target
	NICs      []NIC    `json:"nics,omitempty"`   // sorted by MAC
	Guest     []string `json:"guest,omitempty"`  // OEM strings that begin with "plumb.", sorted
	Serial    string   `json:"serial,omitempty"` // file of the first serial port
	Autostart bool     `json:"autostart,omitempty"`
	Power     string   `json:"power,omitempty"`     // running, stopped, paused, suspended
	Transient bool     `json:"transient,omitempty"` // it runs without a definition, and is gone when it stops
	Stop      string   `json:"stop,omitempty"`      // how long its guest has to shut down; kept beside the mark
}

// CPU counts CPUs. of the definition. What the running domain has is status: a guest gives back none that it does not want to.
type CPU struct {
	Now int `json:"now,omitempty"`
	Max int `json:"max,omitempty"`
}

// Memory is in bytes, of the definition. What the guest's balloon has reached is status: the guest decides it.
type Memory struct {
	Now int64 `json:"now,omitempty"`
	Max int64 `json:"max,omitempty"`
}

// Disk is a disk with its file.
type Disk struct {
	Target string `json:"target,omitempty"` // vda
	Path   string `json:"path,omitempty"`
	Format string `json:"format,omitempty"`
	Live   bool   `json:"live,omitempty"`  // the running domain has it
	Extra  bool   `json:"extra,omitempty"` // only the running domain has it
}

// NIC is a network card.
type NIC struct {
	MAC     string `json:"mac,omitempty"`
	Network string `json:"network,omitempty"`
	Bridge  string `json:"bridge,omitempty"` // of a card that is plugged into a bridge without a network
	Live    bool   `json:"live,omitempty"`
	Extra   bool   `json:"extra,omitempty"`
	Cut     string `json:"cut,omitempty"` // why the running card reaches nobody; empty when it does
}

// Why a card reaches nobody.
const (
	unplugged = "unplugged" // its tap is in another bridge than libvirt plugged it into, or in none
	off       = "off"       // its tap is switched off
	gone      = "gone"      // its tap is no more, and only a restart makes one
)

// Status is reported and never compared; but for CPUs that a running guest lacks, and for what is fixed at
// creation (Accel, Machine, Model), to say that it cannot change.
type Status struct {
	Name    string `json:"name,omitempty"`  // of the domain: a retired one has another than the object
	State   string `json:"state,omitempty"` // libvirt's word
	Accel   string `json:"accel,omitempty"`
	Machine string `json:"machine,omitempty"`
	Model   string `json:"model,omitempty"`  // of the CPU
	CPUs    int    `json:"cpus,omitempty"`   // that the guest has now
	Memory  int64  `json:"memory,omitempty"` // bytes that the guest has now
	Saved   bool   `json:"saved,omitempty"`  // a saved image waits for the next start
}

// clone copies a state so that Predict can change it.
func (l State) clone() *State {
	l.Config.Disks = append([]Disk(nil), l.Config.Disks...)
	l.Config.NICs = append([]NIC(nil), l.Config.NICs...)
	l.Config.Guest = append([]string(nil), l.Config.Guest...)
	return &l
}

// active tells whether a process stands behind the domain.
func (c Config) active() bool { return c.Power != stopped && c.Power != "" }
