package record

import (
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{After: []string{"zone"}, Spec: importOf}

func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c := l.State.Config
	s := Spec{Zone: l.State.Status.Server.Zone, A: c.A, AAAA: c.AAAA, CNAME: c.CNAME, TXT: c.TXT, TTL: c.TTL, Scope: "public"}
	switch {
	case !found.Into(schema.MakeID("zone", s.Zone), nil):
		return s, fmt.Errorf("its zone %s is not declared", s.Zone)
	case c.TTLs != nil:
		return s, fmt.Errorf("its types have different TTLs (%v), and a record has one", c.TTLs)
	}
	return s, nil
}
