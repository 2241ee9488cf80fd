package pool

import (
	"context"
	"encoding/json"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// namesShown bounds Status.Holds, so that a full pool does not fill the plan.
const namesShown = 5

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	var lives []actuators.Live[State]
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		live, err := look(h, target, s.Dir)
		if err != nil {
			live = &actuators.Live[State]{ID: target.ID, Unknown: err.Error()} // the other pools are seen
		}
		if live != nil {
			lives = append(lives, *live)
		}
	}
	if sc.Discover {
		return discover(ctx, h, lives)
	}
	return lives, nil
}

func look(h actuators.Host, target actuators.Target, dir string) (*actuators.Live[State], error) {
	marker, exists, err := files.ReadPool(h, dir)
	if err != nil || !exists {
		return nil, err
	}
	space, err := files.SpaceOf(dir)
	if err != nil {
		return nil, err
	}
	holds, err := files.Holds(dir)
	if err != nil {
		return nil, err
	}
	live := &actuators.Live[State]{ID: target.ID, State: State{
		Config: Config{Dir: dir},
		Status: Status{Capacity: space.Total, Free: space.Free, Holds: holds[:min(len(holds), namesShown)], Count: len(holds)},
	}}
	if marker != nil && marker.Mark.ID == target.ID {
		live.Mark = &marker.Mark
	}
	return live, nil
}
