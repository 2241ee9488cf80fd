package pool

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{
	Renames: true,
	Spec: func(l actuators.Live[State], _ actuators.Found) (Spec, error) {
		if typ := l.State.Status.Type; typ != "" {
			return Spec{}, fmt.Errorf("it is a pool of libvirt of type %q, and only directories are pools here", typ)
		}
		return Spec{Dir: l.State.Config.Dir}, nil
	},
}

// discover adds the directories that libvirt knows, as pools or because disks of domains lie in them.
func discover(ctx context.Context, h actuators.Host, lives []actuators.Live[State]) ([]actuators.Live[State], error) {
	if virt.Absent(h) {
		return lives, nil
	}
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	places, err := c.Places(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if p.Name == "" {
			p.Name = strings.ReplaceAll(strings.Trim(p.Dir, "/"), "/", "-")
		}
		id := schema.MakeID("pool", p.Name)
		if p.Type != "dir" {
			lives = append(lives, actuators.Live[State]{ID: id, State: State{Status: Status{Type: p.Type}}})
			continue
		}
		if slices.ContainsFunc(lives, func(l actuators.Live[State]) bool { return filepath.Clean(l.State.Config.Dir) == p.Dir }) {
			continue
		}
		live, err := found(h, id, p.Dir)
		if err != nil {
			live = &actuators.Live[State]{ID: id, Unknown: err.Error()}
		}
		if live != nil {
			lives = append(lives, *live)
		}
	}
	return lives, nil
}

// found looks at a directory that nobody named: it is the pool that its marker says.
func found(h actuators.Host, id schema.ID, dir string) (*actuators.Live[State], error) {
	if marker, _, err := files.ReadPool(h, dir); err != nil {
		return nil, err
	} else if marker != nil {
		id = marker.Mark.ID
	}
	return look(h, actuators.Target{ID: id}, dir)
}
