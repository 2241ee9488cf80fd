package volume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// createTimeout bounds a full copy of an image.
const createTimeout = 10 * time.Minute

// metadataRoom is what an empty disk may take: qcow2 begins with some hundred kilobytes. Disks are thin, so their size
// is not asked for.
const metadataRoom = 1 << 20

// params serve every op of the kind; Retired only those that name a file set aside.
type params struct {
	Mark    actuators.Mark `json:"mark"`
	Pool    schema.ID      `json:"pool,omitempty"`
	Dir     string         `json:"dir,omitempty"`
	Path    string         `json:"path"`
	Format  string         `json:"format,omitempty"`
	Size    int64          `json:"size,omitempty"` // bytes
	Image   string         `json:"image,omitempty"`
	ImageID schema.ID      `json:"imageID,omitempty"`
	Retired string         `json:"retired,omitempty"`
}

func (p params) state() *State {
	return &State{Config: Config{Size: p.Size, Format: p.Format}, Status: Status{Path: p.Path}}
}

var create = actuators.Op[params, aside, State]{
	Name: "create", Reversal: actuators.Exact, Timeout: createTimeout,
	Preflight: preflightCreate,
	Capture: func(_ context.Context, h actuators.Host, p params) (aside, error) {
		stamp, _, err := files.Own(h, p.Path, p.Mark)
		if err != nil {
			return aside{}, err
		}
		path, err := files.FreeRetiredPath(p.Path, h.Now())
		return aside{Path: path, There: stamp != nil}, err
	},
	Do:      doCreate,
	Undo:    undoCreate,
	Predict: func(p params, _ *State) *State { return p.state() },
}

// aside is the name under which a file is set aside, fixed before the op begins.
type aside struct {
	Path  string `json:"path"`
	There bool   `json:"there,omitempty"` // create found the volume; it is not the step's to take back
}

// preflightCreate asks what can be asked before pool and image are there.
func preflightCreate(ctx context.Context, h actuators.Host, p params) error {
	if exists, err := files.ProvePool(h, p.Dir, p.Pool); err != nil || !exists {
		return err
	}
	if _, _, err := files.Own(h, p.Path, p.Mark); err != nil {
		return err
	}
	need := int64(metadataRoom)
	if p.Image != "" {
		if stamp, err := files.Stat(p.Image); err != nil || stamp == nil {
			return err
		}
		used, err := files.Allocated(p.Image)
		if err != nil {
			return err
		}
		need += used
	}
	space, err := files.SpaceOf(p.Dir)
	if err == nil && space.Free < need {
		err = fmt.Errorf("cannot make %s: no space left in %s: it needs %d bytes and %d are free", p.Path, p.Dir, need, space.Free)
	}
	return err
}

func doCreate(ctx context.Context, h actuators.Host, p params, _ aside) (err error) {
	exists, err := files.ProvePool(h, p.Dir, p.Pool)
	if err == nil && !exists {
		err = fmt.Errorf("cannot make %s: the pool's directory is not there: %w", p.Path, actuators.ErrNotFound)
	}
	if err != nil {
		return err
	}
	if stamp, _, err := files.Own(h, p.Path, p.Mark); err != nil || stamp != nil {
		return err
	}
	temp := files.TempPath(p.Path)
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Remove(temp))
		}
	}()
	if err := h.Remove(temp); err != nil {
		return err
	}
	if err := fill(ctx, h, p, temp); err != nil {
		return fmt.Errorf("cannot make %s: %w", p.Path, err)
	}
	if err := files.Sync(temp); err != nil {
		return err
	}
	return files.Place(h, temp, p.Path, files.Sidecar{Mark: p.Mark})
}

// fill makes the disk: empty, or a full copy of its image.
func fill(ctx context.Context, h actuators.Host, p params, temp string) error {
	if p.Image == "" {
		return makeFile(ctx, h, temp, p.Format, p.Size)
	}
	image, err := trusted(ctx, h, p)
	if err != nil {
		return err
	}
	if err := copyFile(ctx, h, p.Image, image.Format, temp, p.Format); err != nil {
		return err
	}
	if image.Size == p.Size {
		return nil
	}
	return resize(ctx, h, temp, p.Format, p.Size)
}

// trusted reads an image, if it is still the file whose checksum was verified.
func trusted(ctx context.Context, h actuators.Host, p params) (info, error) {
	stamp, err := files.Stat(p.Image)
	if err == nil && stamp == nil {
		err = fmt.Errorf("%s is not at %s: %w", p.ImageID, p.Image, actuators.ErrNotFound)
	}
	if err != nil {
		return info{}, err
	}
	side, err := files.ReadSidecar(h, p.Image)
	if err != nil {
		return info{}, err
	}
	if side == nil || side.Mark.ID != p.ImageID || side.Made != *stamp {
		return info{}, fmt.Errorf("%w: %s was changed since its checksum was verified; it is fetched again when the image is applied", actuators.ErrRefused, p.Image)
	}
	image, err := inspect(ctx, h, p.Image, "")
	switch {
	case err != nil:
		return info{}, err
	case image.Backing != "":
		return info{}, fmt.Errorf("%w: %s is only the difference to %s; an image must stand alone", actuators.ErrRefused, p.Image, image.Backing)
	case image.Size > p.Size:
		return info{}, fmt.Errorf("%w: %s has %s, more than the declared size %s", actuators.ErrRefused, p.ImageID, schema.FormatSize(image.Size), schema.FormatSize(p.Size))
	}
	return image, nil
}

func undoCreate(_ context.Context, h actuators.Host, p params, before aside) error {
	if err := h.Remove(files.TempPath(p.Path)); err != nil || before.There {
		return err
	}
	used, err := written(p.Path)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("cannot take %s back: %w: a guest runs from it", p.Path, errInUse)
	}
	return files.Displace(h, p.Path, before.Path, p.Mark)
}
