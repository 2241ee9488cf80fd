package volume

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{After: []string{"pool"}, Renames: true, Spec: importOf}

// importOf says a file as a volume when a guest has it as a disk, or when its name says that it is one: anything is a raw disk
// to qemu-img.
func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c, path := l.State.Config, l.State.Status.Path
	s := Spec{Format: c.Format, File: filepath.Base(path)}
	pool, ok := found.Provider("path", filepath.Dir(path))
	switch {
	case l.State.Status.Broken != "":
		return s, fmt.Errorf("%s is no readable disk: %s", path, l.State.Status.Broken)
	case !ok:
		return s, fmt.Errorf("%s lies in no pool", path)
	case !l.State.Status.Used && strings.TrimPrefix(filepath.Ext(path), ".") != c.Format:
		return s, fmt.Errorf("no guest has %s as a disk, and its name does not say that it is one", path)
	case c.Format != "qcow2" && c.Format != "raw":
		return s, fmt.Errorf("%s has the format %s; volumes are qcow2 or raw", path, c.Format)
	case c.Size < 1<<10:
		return s, fmt.Errorf("%s holds less than 1Ki", path)
	}
	s.Pool, s.Size = pool.Name(), schema.FormatSize(c.Size&^(1<<10-1))
	if s.File == l.ID.Name()+"."+s.Format {
		s.File = ""
	}
	return s, nil
}

// discover looks into all directories in which libvirt knows of disks.
func discover(ctx context.Context, h actuators.Host) ([]actuators.Live[State], error) {
	if virt.Absent(h) {
		return nil, nil
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
	used, err := c.Disks(ctx)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, p := range places {
		more, err := discoverIn(ctx, h, p)
		if err != nil {
			return nil, err
		}
		lives = append(lives, more...)
	}
	for i := range lives {
		lives[i].State.Status.Used = used[lives[i].State.Status.Path]
	}
	return lives, nil
}

func discoverIn(ctx context.Context, h actuators.Host, p virt.Place) ([]actuators.Live[State], error) {
	if _, exists, err := files.ReadPool(h, p.Dir); p.Type != "dir" || err != nil || !exists {
		return nil, err
	}
	listed, err := files.List(p.Dir)
	if err != nil {
		return nil, err
	}
	marked := map[string]schema.ID{}
	for _, file := range listed {
		if side, err := files.ReadSidecar(h, filepath.Join(p.Dir, file)); err == nil && side != nil {
			marked[file] = side.Mark.ID
		}
	}
	return lookAtFiles(ctx, h, p.Dir, listed, func(file string) (owner, bool) {
		o, _ := names{}.whose(p.Dir, file)
		if id, ok := marked[file]; ok {
			o.id = id
		}
		if o.format != "qcow2" && o.format != "raw" {
			o.format = "" // nobody says which
		}
		return o, true
	})
}
