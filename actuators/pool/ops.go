package pool

import (
	"context"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

var create = actuators.Op[params, made, State]{
	Name: "create", Reversal: actuators.Exact,
	Preflight: func(_ context.Context, h actuators.Host, p params) error {
		_, err := captureCreate(h, p)
		return err
	},
	Capture: func(_ context.Context, h actuators.Host, p params) (made, error) { return captureCreate(h, p) },
	Do: func(_ context.Context, h actuators.Host, p params, before made) error {
		if err := files.MakeDirs(p.Dir); err != nil {
			return err
		}
		return mark(h, p, before.Missing)
	},
	Undo:    undoCreate,
	Predict: func(p params, _ *State) *State { return &State{Config: Config{Dir: p.Dir}} },
}

// made is what was there before a create.
type made struct {
	There   bool     `json:"there,omitempty"`   // the pool itself
	Missing []string `json:"missing,omitempty"` // directories, outermost first
}

func captureCreate(h actuators.Host, p params) (made, error) {
	marker, exists, err := files.ReadPool(h, p.Dir)
	if err != nil {
		return made{}, err
	}
	if exists && !ours(marker, p) {
		return made{}, actuators.Foreign("directory " + p.Dir)
	}
	missing, err := files.Missing(p.Dir)
	return made{There: exists, Missing: missing}, err
}

// mark writes the marker, unless somebody else's is there.
func mark(h actuators.Host, p params, dirs []string) error {
	marker, _, err := files.ReadPool(h, p.Dir)
	switch {
	case err != nil:
		return err
	case marker != nil && !ours(marker, p):
		return actuators.Foreign("directory " + p.Dir)
	case marker != nil:
		return nil
	}
	return files.WritePool(h, p.Dir, files.PoolMarker{Mark: p.Mark, Made: dirs})
}

func undoCreate(_ context.Context, h actuators.Host, p params, before made) error {
	if before.There {
		return nil
	}
	if err := unmark(h, p); err != nil {
		return err
	}
	return files.RemoveDirs(before.Missing)
}

// unmark removes our marker from a pool that holds nothing.
func unmark(h actuators.Host, p params) error {
	marker, exists, err := files.ReadPool(h, p.Dir)
	if err != nil || !exists {
		return err
	}
	if marker != nil && !ours(marker, p) {
		return actuators.Stuck("the marker of "+p.Dir, marker.Mark, "absent")
	}
	holds, err := files.Holds(p.Dir)
	if err != nil {
		return err
	}
	if marker != nil && len(holds) > 0 {
		return actuators.Stuck("directory "+p.Dir, holds[:min(len(holds), namesShown)], "absent")
	}
	return files.RemovePool(h, p.Dir)
}

func ours(m *files.PoolMarker, p params) bool {
	return m != nil && m.Mark.ID == p.Mark.ID && m.Mark.Installation == p.Mark.Installation
}

var adopt = actuators.Op[params, marked, State]{
	Name: "adopt", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (marked, error) {
		marker, _, err := files.ReadPool(h, p.Dir)
		return marked{marker}, err
	},
	Do: func(_ context.Context, h actuators.Host, p params, _ marked) error { return mark(h, p, nil) },
	Undo: func(_ context.Context, h actuators.Host, p params, before marked) error {
		marker, _, err := files.ReadPool(h, p.Dir)
		if err != nil || before.Marker != nil || !ours(marker, p) {
			return err
		}
		return files.RemovePool(h, p.Dir)
	},
	Predict: func(_ params, have *State) *State { return have },
}

// marked is the marker that was there before.
type marked struct {
	Marker *files.PoolMarker `json:"marker,omitempty"`
}

var remove = actuators.Op[params, marked, State]{
	Name: "remove", Reversal: actuators.Exact,
	Preflight: func(_ context.Context, h actuators.Host, p params) error { return mayRemove(h, p) },
	Capture: func(_ context.Context, h actuators.Host, p params) (marked, error) {
		marker, _, err := files.ReadPool(h, p.Dir)
		return marked{marker}, err
	},
	Do: func(_ context.Context, h actuators.Host, p params, before marked) error {
		if err := mayRemove(h, p); err != nil || before.Marker == nil {
			return err
		}
		if err := files.RemovePool(h, p.Dir); err != nil {
			return err
		}
		return files.RemoveDirs(before.Marker.Made)
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before marked) error {
		if before.Marker == nil {
			return nil
		}
		if err := files.MakeDirs(p.Dir); err != nil {
			return err
		}
		return mark(h, p, before.Marker.Made)
	},
	Predict: func(params, *State) *State { return nil },
}

// mayRemove refuses a pool that is not ours or holds something. A second look after half a removal finds no marker.
func mayRemove(h actuators.Host, p params) error {
	marker, exists, err := files.ReadPool(h, p.Dir)
	if err != nil || !exists {
		return err
	}
	if marker != nil && !ours(marker, p) {
		return actuators.Foreign("directory " + p.Dir)
	}
	holds, err := files.Holds(p.Dir)
	if err != nil {
		return err
	}
	return mustBeEmpty(p.Dir, holds, len(holds))
}
