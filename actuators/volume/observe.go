package volume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// looksAtOnce bounds how many qemu-img processes run beside each other.
const looksAtOnce = 4

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	if sc.Discover {
		return discover(ctx, h)
	}
	pools, named, err := places(sc)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, pool := range pools {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		exists, unproven := files.ProvePool(h, pool.dir, pool.pool)
		var more []actuators.Live[State]
		if exists {
			more, err = lookAt(ctx, h, pool, sc.All, named)
		}
		if err != nil {
			return nil, err
		}
		if unproven != nil {
			more = strangers(sc, pool, more, unproven)
		}
		lives = append(lives, more...)
	}
	return lives, nil
}

// strangers are what a pool without its marker shows that nobody owns: it may be a directory that was never taken over. Of the
// other targets in it nothing is known, for it may also be the empty place of a pool that is not mounted.
func strangers(sc actuators.Scope, at place, found []actuators.Live[State], why error) (lives []actuators.Live[State]) {
	for _, target := range sc.Targets {
		s, err := readSpec(target)
		if err != nil || placeOf(s) != at {
			continue
		}
		n := slices.IndexFunc(found, func(l actuators.Live[State]) bool { return l.ID == target.ID && l.Mark == nil && !l.Retired })
		if n < 0 {
			lives = append(lives, actuators.Live[State]{ID: target.ID, Unknown: why.Error()})
			continue
		}
		lives = append(lives, found[n])
	}
	return lives
}

type place struct {
	pool schema.ID
	dir  string
}

// owner is whose a file is, and in which format it was declared.
type owner struct {
	id     schema.ID
	format string
	rival  *owner // who calls the file its own, too, while one is renamed to the other: its mark decides
}

// by is the one whose mark a file carries.
func (o owner) by(side *files.Sidecar) owner {
	for one := &o; side != nil && one != nil; one = one.rival {
		if one.id == side.Mark.ID {
			return *one
		}
	}
	return o
}

// names tells what targets say of files: whose a path is, which names without an extension are asked for, and who has none but its own.
type names struct {
	files map[string]owner
	asked map[string]bool
	filed map[schema.ID]bool // those that name their file: no other file is theirs
}

// places gives the pools to look into, and what the targets call the files in them.
func places(sc actuators.Scope) ([]place, names, error) {
	var pools []place
	seen, named := map[place]bool{}, names{map[string]owner{}, map[string]bool{}, map[schema.ID]bool{}}
	for _, target := range sc.Targets {
		s, err := readSpec(target)
		if err != nil {
			return nil, named, err
		}
		at := placeOf(s)
		if !seen[at] {
			pools = append(pools, at)
		}
		seen[at] = true
		claim := owner{id: target.ID, format: s.Format}
		if rival, taken := named.files[s.Resolved.Path]; taken {
			claim.rival = &rival
		}
		named.files[s.Resolved.Path] = claim
		if s.File == "" {
			named.asked[filepath.Join(at.dir, target.ID.Name())] = true
		}
		named.filed[target.ID] = s.File != ""
	}
	return pools, named, nil
}

// whose is the object that a file in a directory is of, and whether it is asked for.
func (n names) whose(dir, file string) (o owner, asked bool) {
	name, ext, _ := files.Split(file)
	if o, asked = n.files[filepath.Join(dir, name+ext)]; asked {
		return o, true
	}
	o = owner{id: schema.MakeID("volume", name), format: strings.TrimPrefix(ext, ".")}
	if n.filed[o.id] {
		o.id = schema.MakeID("volume", file)
	}
	return o, n.asked[filepath.Join(dir, name)]
}

func readSpec(target actuators.Target) (s Spec, err error) {
	if err := json.Unmarshal(target.Spec, &s); err != nil {
		return s, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
	}
	return s, nil
}

func placeOf(s Spec) place { return place{home(s), s.Resolved.Dir} }

// lookAt gives the volumes of a pool: all of them, or those that are asked for, with what was set aside of them.
func lookAt(ctx context.Context, h actuators.Host, at place, all bool, named names) ([]actuators.Live[State], error) {
	listed, err := files.List(at.dir)
	if err != nil {
		return nil, err
	}
	return lookAtFiles(ctx, h, at.dir, listed, func(file string) (owner, bool) {
		o, asked := named.whose(at.dir, file)
		return o, all || asked
	})
}

// lookAtFiles looks at those files of a directory that are wanted, each as the object that whose names.
func lookAtFiles(ctx context.Context, h actuators.Host, dir string, listed []string, whose func(file string) (owner, bool)) ([]actuators.Live[State], error) {
	found := make([]*actuators.Live[State], len(listed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for i, file := range listed {
		o, wanted := whose(file)
		if files.IsOurs(file) || !wanted {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = look(ctx, h, filepath.Join(dir, file), o)
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
func look(ctx context.Context, h actuators.Host, path string, o owner) (*actuators.Live[State], error) {
	_, _, retired := files.Split(filepath.Base(path))
	side, err := files.ReadSidecar(h, path)
	switch {
	case err != nil:
		return &actuators.Live[State]{ID: o.id, Unknown: err.Error()}, nil
	case side != nil && side.Mark.ID.Kind() != "volume":
		return nil, nil // an image may lie here and have the name of a volume
	}
	o = o.by(side)
	live := &actuators.Live[State]{ID: o.id, Retired: !retired.IsZero()}
	if live.Retired {
		live.Aside = actuators.Aside{Name: path, Since: retired}
	}
	format := ""
	if side != nil && side.Mark.ID == live.ID {
		live.Mark = &side.Mark
		format = o.format
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
