package zone

import "plumbline/actuators/internal/dns"

// Spec is a declared zone.
type Spec struct {
	Server string  `json:"server"`
	Key    dns.Key `json:"key"`
}

// State is a zone as its server tells of it.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is empty: nothing of a zone is decided here.
type Config struct{}

// Status is reported, never compared.
type Status struct {
	Serial  uint32 `json:"serial"`
	Primary string `json:"primary"`
	Mailbox string `json:"mailbox"`
}
