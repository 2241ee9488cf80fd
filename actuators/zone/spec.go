package zone

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/schema"
)

// Spec is a declared zone.
type Spec struct {
	Server string  `json:"server"`
	Key    dns.Key `json:"key"` // "sealed" in it is resolved
}

// resolve adds what the repository holds of the key's secret.
func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) (problems []schema.Problem) {
	s.Key.Sealed, problems = look.Sealed(id, "key.secret", at.Host, s.Key.Secret.Name)
	return problems
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
	Serial  uint32     `json:"serial"`
	Primary string     `json:"primary"`
	Mailbox string     `json:"mailbox"`
	Server  dns.Server `json:"server"` // that was asked
}
