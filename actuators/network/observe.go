package network

import (
	"context"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	networks, err := c.Networks(ctx)
	if err != nil {
		return nil, err
	}
	asked := map[schema.ID]bool{}
	for _, target := range sc.Targets {
		asked[target.ID] = true
	}
	var lives []actuators.Live[State]
	for _, n := range networks {
		live := actuators.Live[State]{ID: schema.MakeID("network", n.Name)}
		if live.State, live.Mark, err = read(n); err != nil {
			return nil, err
		}
		if live.Mark != nil && live.Mark.ID != live.ID {
			live.Mark = nil // renamed by hand: no longer what was marked
		}
		if sc.All || asked[live.ID] {
			lives = append(lives, live)
		}
	}
	return lives, nil
}
