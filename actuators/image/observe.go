package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	dirs, wanted := []string{}, map[string]bool{}
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		dir := filepath.Clean(s.Dir)
		if !wanted[dir] {
			dirs = append(dirs, dir)
		}
		wanted[dir], wanted[Path(dir, target.ID.Name())] = true, true
	}
	var lives []actuators.Live[State]
	for _, dir := range dirs {
		more, err := lookAt(ctx, h, dir, sc.All, wanted)
		if err != nil {
			return nil, err
		}
		lives = append(lives, more...)
	}
	return lives, nil
}

// lookAt gives the images of a directory: all of them, or those that are wanted, with what was set aside of them. Files with
// another ending are none of ours: the directory may be a pool as well, and a volume may have its image's name.
func lookAt(ctx context.Context, h actuators.Host, dir string, all bool, wanted map[string]bool) ([]actuators.Live[State], error) {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var lives []actuators.Live[State]
	for _, file := range names {
		name, ext, retired := files.Split(file)
		path := Path(dir, name)
		if ext != files.ImageExtension || files.IsOurs(file) || !all && !wanted[path] {
			continue
		}
		live, err := look(ctx, h, filepath.Join(dir, file), name, retired, wanted[path])
		if err != nil {
			return nil, err
		}
		if live != nil {
			lives = append(lives, *live)
		}
	}
	return lives, err
}

func look(ctx context.Context, h actuators.Host, path, name string, retired time.Time, wanted bool) (*actuators.Live[State], error) {
	stamp, err := files.Stat(path)
	if stamp == nil || err != nil {
		return nil, err
	}
	side, err := files.ReadSidecar(h, path)
	if err != nil {
		return nil, err
	}
	live := &actuators.Live[State]{ID: schema.MakeID("image", name), Retired: !retired.IsZero(), State: State{
		Config: Config{Dir: filepath.Dir(path)},
		Status: Status{Path: path, Size: stamp.Size},
	}}
	if live.Retired {
		live.Aside = actuators.Aside{Name: path, Since: retired, Bytes: stamp.Size}
	}
	if side != nil && side.Mark.ID == live.ID {
		live.Mark = &side.Mark
	}
	if live.Mark != nil && side.Made == *stamp {
		live.State.Config.SHA256 = side.SHA256
	} else if live.Mark != nil || wanted {
		live.State.Config.SHA256, err = sum(ctx, path)
	}
	return live, err
}
