package network

import (
	"context"
	"errors"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	if sc.Discover && virt.Absent(h) {
		return nil, nil
	}
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	networks, err := inScope(ctx, c, sc)
	if err != nil {
		return nil, err
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
		lives = append(lives, live)
	}
	return lives, nil
}

// inScope reads all networks, or those that have the names of targets.
func inScope(ctx context.Context, c *virt.Conn, sc actuators.Scope) ([]virt.Network, error) {
	if sc.All {
		return c.Networks(ctx)
	}
	var found []virt.Network
	for _, target := range sc.Targets {
		n, err := c.Network(ctx, target.ID.Name())
		if errors.Is(err, actuators.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}
