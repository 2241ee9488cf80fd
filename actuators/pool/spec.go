package pool

import (
	"path/filepath"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a declared pool.
type Spec struct {
	Dir string `json:"dir"`
}

// State is a directory as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Dir string `json:"dir,omitempty"`
}

// Status is reported, never compared.
type Status struct {
	Capacity int64    `json:"capacity"` // bytes of the file system
	Free     int64    `json:"free"`
	Holds    []string `json:"holds,omitempty"` // the first names in it
	Count    int      `json:"count,omitempty"` // of all names in it
	Type     string   `json:"type,omitempty"`  // libvirt's, of a pool that is no directory
}

// params serve every op of the kind.
type params struct {
	Mark actuators.Mark `json:"mark"`
	Dir  string         `json:"dir"`
}

func provides(i schema.Instance, s Spec) []schema.Use {
	return []schema.Use{{Fact: schema.Fact{Type: "path", Scope: i.Host, Value: filepath.Clean(s.Dir)}, Exclusive: true, Path: "dir"}}
}
