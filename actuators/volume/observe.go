package volume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// looksAtOnce bounds how many qemu-img processes run beside each other.
const looksAtOnce = 4

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	pools, wanted, err := places(sc)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, pool := range pools {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if exists, err := files.ProvePool(h, pool.dir, pool.pool); err != nil {
			lives = append(lives, unknown(sc, pool, err)...)
			continue
		} else if !exists {
			continue
		}
		more, err := lookAt(ctx, h, pool, sc.All, wanted)
		if err != nil {
			return nil, err
		}
		lives = append(lives, more...)
	}
	return lives, nil
}

// unknown says of the targets in one pool that they cannot be seen: those in other pools can.
func unknown(sc actuators.Scope, at place, why error) (lives []actuators.Live[State]) {
	for _, target := range sc.Targets {
		if s, err := readSpec(target); err == nil && placeOf(s) == at {
			lives = append(lives, actuators.Live[State]{ID: target.ID, Unknown: why.Error()})
		}
	}
	return lives
}

type place struct {
	pool schema.ID
	dir  string
}

// places gives the pools to look into, and the paths that targets want.
func places(sc actuators.Scope) ([]place, map[string]bool, error) {
	var pools []place
	seen, wanted := map[place]bool{}, map[string]bool{}
	for _, target := range sc.Targets {
		s, err := readSpec(target)
		if err != nil {
			return nil, nil, err
		}
		at := placeOf(s)
		if !seen[at] {
			pools = append(pools, at)
		}
		seen[at], wanted[filepath.Join(at.dir, target.ID.Name())] = true, true
	}
	return pools, wanted, nil
}

func readSpec(target actuators.Target) (s Spec, err error) {
	if err := json.Unmarshal(target.Spec, &s); err != nil {
		return s, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
	}
	return s, nil
}

func placeOf(s Spec) place { return place{home(s), s.Resolved.Dir} }

// lookAt gives the volumes of a pool that is proven: all of them, or those that are wanted, with what was set aside of them.
func lookAt(ctx context.Context, h actuators.Host, at place, all bool, wanted map[string]bool) ([]actuators.Live[State], error) {
	names, err := files.List(at.dir)
	if err != nil {
		return nil, err
	}
	found := make([]*actuators.Live[State], len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for i, file := range names {
		name, _, _ := files.Split(file)
		if files.IsOurs(file) || !all && !wanted[filepath.Join(at.dir, name)] {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = look(ctx, h, filepath.Join(at.dir, file))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, live := range found {
		if live != nil {
			lives = append(lives, *live)
		}
	}
	return lives, nil
}

// look reads one file. A file that vanished since it was listed is not there. One that is no readable disk is there, and
// broken: it must not hide the others.
func look(ctx context.Context, h actuators.Host, path string) (*actuators.Live[State], error) {
	name, ext, retired := files.Split(filepath.Base(path))
	side, err := files.ReadSidecar(h, path)
	switch {
	case err != nil:
		return &actuators.Live[State]{ID: schema.MakeID("volume", name), Unknown: err.Error()}, nil
	case side != nil && side.Mark.ID.Kind() != "volume":
		return nil, nil // an image may lie here and have the name of a volume
	}
	live := &actuators.Live[State]{ID: schema.MakeID("volume", name), Retired: !retired.IsZero()}
	if live.Retired {
		live.Aside = actuators.Aside{Name: path, Since: retired}
	}
	format := ""
	if side != nil && side.Mark.ID == live.ID {
		live.Mark = &side.Mark
		format = strings.TrimPrefix(ext, ".")
	}
	info, err := inspect(ctx, h, path, format)
	var exit *actuators.ExitError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil && (ctx.Err() != nil || !errors.As(err, &exit)):
		return nil, err
	case err != nil:
		live.State = State{Status: Status{Path: path, Broken: exit.Stderr}}
		return live, nil
	}
	if live.Retired {
		live.Aside.Bytes = info.Allocated
	}
	live.State = State{
		Config: Config{Size: info.Size, Format: info.Format},
		Status: Status{Path: path, Allocated: info.Allocated, Backing: info.Backing},
	}
	return live, nil
}
