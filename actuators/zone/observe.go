package zone

import (
	"context"
	"encoding/json"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	var lives []actuators.Live[State]
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		server := dns.Server{Address: s.Server, Zone: target.ID.Name(), Key: s.Key}
		soa, err := server.SOA(ctx, h)
		if err != nil {
			return nil, err
		}
		if server.Key.Sealed = ""; soa != nil {
			lives = append(lives, actuators.Live[State]{ID: target.ID, State: State{Status: Status{soa.Serial, soa.Primary, soa.Mailbox, server}}})
		}
	}
	return lives, nil
}
