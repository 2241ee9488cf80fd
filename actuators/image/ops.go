package image

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// fetchTimeout bounds a fetch: images of some gigabytes over a slow line.
const fetchTimeout = 5 * time.Minute

func dirOf(path string) string { return filepath.Dir(path) }

var fetch = actuators.Op[params, older, State]{
	Name: "fetch", Reversal: actuators.Exact, Timeout: fetchTimeout,
	Capture: captureFetch,
	Do:      doFetch,
	Undo:    undoFetch,
	Predict: func(p params, _ *State) *State { return &State{Config: p.config(), Status: Status{Path: p.Path}} },
}

// older is what was there before a fetch.
type older struct {
	Here    *files.Stamp `json:"here,omitempty"`
	Aside   string       `json:"aside,omitempty"` // the name under which Here is set aside
	Broken  string       `json:"broken"`          // the name for what was fetched, should it have been written since
	Missing []string     `json:"missing,omitempty"`
}

func captureFetch(_ context.Context, h actuators.Host, p params) (older, error) {
	stamp, _, err := files.Own(h, p.Path, p.Mark)
	if err != nil {
		return older{}, err
	}
	before := older{Here: stamp}
	if before.Missing, err = files.Missing(dirOf(p.Path)); err != nil {
		return older{}, err
	}
	if before.Aside, err = files.FreeRetiredPath(p.Path, h.Now()); err != nil {
		return older{}, err
	}
	_, _, aside := files.Split(filepath.Base(before.Aside))
	before.Broken, err = files.FreeRetiredPath(p.Path, aside.Add(time.Second))
	if stamp == nil {
		before.Aside = ""
	}
	return before, err
}

func doFetch(ctx context.Context, h actuators.Host, p params, before older) error {
	stamp, side, err := files.Own(h, p.Path, p.Mark)
	if err != nil {
		return err
	}
	if stamp != nil && side.Made == *stamp && side.SHA256 == p.SHA256 {
		return nil
	}
	if err := files.MakeDirs(dirOf(p.Path)); err != nil {
		return err
	}
	temp := files.TempPath(p.Path)
	if err := download(ctx, h, p.Source, p.SHA256, temp); err != nil {
		return err
	}
	if stamp != nil && before.Here != nil && stamp.Inode == before.Here.Inode {
		if err := files.Carry(h, p.Path, before.Aside, p.Mark); err != nil {
			return errors.Join(err, h.Remove(temp))
		}
	}
	return files.Place(h, temp, p.Path, files.Sidecar{Mark: p.Mark, SHA256: p.SHA256})
}

// undoFetch takes back what was fetched, then puts the older file back.
func undoFetch(_ context.Context, h actuators.Host, p params, before older) error {
	if err := h.Remove(files.TempPath(p.Path)); err != nil {
		return err
	}
	stamp, err := files.Stat(p.Path)
	if err != nil {
		return err
	}
	if before.Here == nil || stamp == nil || stamp.Inode != before.Here.Inode {
		if err := files.Displace(h, p.Path, before.Broken, p.Mark); err != nil {
			return err
		}
	}
	if before.Here == nil {
		return files.RemoveDirs(before.Missing)
	}
	if stamp != nil && stamp.Inode == before.Here.Inode {
		return files.RemoveSidecar(h, before.Aside)
	}
	return files.Carry(h, before.Aside, p.Path, p.Mark)
}

var retire = actuators.Op[params, aside, State]{
	Name: "retire", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (aside, error) {
		if _, _, err := files.Own(h, p.Path, p.Mark); err != nil {
			return aside{}, err
		}
		path, err := files.FreeRetiredPath(p.Path, h.Now())
		return aside{path}, err
	},
	Do: func(_ context.Context, h actuators.Host, p params, before aside) error {
		return files.Carry(h, p.Path, before.Path, p.Mark)
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before aside) error {
		return files.Carry(h, before.Path, p.Path, p.Mark)
	},
	Predict: func(params, *State) *State { return nil },
}

// aside is the name under which a removal sets a file aside, fixed before it begins.
type aside struct {
	Path string `json:"path"`
}

var restore = actuators.Op[params, files.Marked, State]{
	Name: "restore", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (files.Marked, error) {
		return files.Aside(h, p.Retired, p.Mark)
	},
	Do: func(_ context.Context, h actuators.Host, p params, _ files.Marked) error {
		return files.Rename(h, p.Retired, p.Path, p.Mark, p.Mark)
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before files.Marked) error {
		return before.Again(h, p.Path, p.Retired, p.Mark)
	},
	Predict: func(p params, _ *State) *State { return &State{Config: p.config(), Status: Status{Path: p.Path}} },
}

var purge = actuators.Op[params, none, State]{
	Name: actuators.OpPurge, Reversal: actuators.NoReversal,
	Capture: func(_ context.Context, h actuators.Host, p params) (none, error) {
		_, _, err := files.Own(h, p.Retired, p.Mark)
		return none{}, err
	},
	Do: func(_ context.Context, h actuators.Host, p params, _ none) error {
		return files.Purge(h, p.Retired, p.Mark)
	},
	Predict: func(_ params, have *State) *State { return have },
}

type none struct{}

var adopt = actuators.Op[params, adopted, State]{
	Name: "adopt", Reversal: actuators.Exact, Timeout: fetchTimeout,
	Capture: func(_ context.Context, h actuators.Host, p params) (adopted, error) {
		side, err := files.ReadSidecar(h, p.Path)
		return adopted{side}, err
	},
	Do: func(ctx context.Context, h actuators.Host, p params, _ adopted) error {
		got, err := sum(ctx, p.Path)
		if err != nil {
			return err
		}
		if got != p.SHA256 {
			return fmt.Errorf("%w: cannot adopt %s: its sha256 is %s, declared is %s", actuators.ErrRefused, p.Path, got, p.SHA256)
		}
		return files.Adopt(h, p.Path, files.Sidecar{Mark: p.Mark, SHA256: got})
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before adopted) error {
		return files.Abandon(h, p.Path, p.Mark, before.Sidecar)
	},
	Predict: func(_ params, have *State) *State { return have },
}

// adopted is the sidecar that was there before.
type adopted struct {
	Sidecar *files.Sidecar `json:"sidecar,omitempty"`
}
