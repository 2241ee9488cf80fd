package volume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// errInUse is a file that another process, mostly a guest, has locked.
var errInUse = errors.New("in use")

// info is what qemu-img tells about a disk file.
type info struct {
	Size      int64  `json:"virtual-size"`
	Format    string `json:"format"`
	Allocated int64  `json:"actual-size"`
	Backing   string `json:"backing-filename"`
}

// inspect reads a disk file. The format of our own files is given and never guessed: a guest may write what it likes to
// the beginning of its raw disk. -U looks also while a guest writes. A file that looks as before is not asked for again. A file that is not there gives fs.ErrNotExist.
func inspect(ctx context.Context, h actuators.Host, path, format string) (info, error) {
	if stamp, err := files.Stat(path); err != nil || stamp == nil {
		return info{}, errors.Join(err, absent(stamp, path))
	}
	now, changing, keeps := faceOf(path, format)
	if was, ok := inspected.Recall(now); ok && keeps && changing.length >= was.length {
		was.Allocated = changing.Allocated
		return was.info, nil
	}
	args := []string{"info", "-U", "--output=json"}
	if format != "" {
		args = append(args, "-f", format)
	}
	out, err := qemuImg(ctx, h, append(args, path)...)
	if stamp, gone := files.Stat(path); err != nil && gone == nil && stamp == nil {
		return info{}, absent(nil, path)
	}
	if err != nil {
		return info{}, fmt.Errorf("cannot read volume file: %w", err)
	}
	var i info
	if err := json.Unmarshal(out, &i); err != nil {
		return info{}, fmt.Errorf("cannot read what qemu-img tells of %s: %w", path, err)
	}
	if keeps {
		inspected.Remember(now, told{i, changing.length})
	}
	return i, nil
}

func absent(stamp *files.Stamp, path string) error {
	if stamp != nil {
		return nil
	}
	return fmt.Errorf("cannot read volume file: %w", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
}

// makeFile makes an empty disk.
func makeFile(ctx context.Context, h actuators.Host, path, format string, size int64) error {
	_, err := qemuImg(ctx, h, "create", "-q", "-f", format, path, strconv.FormatInt(size, 10))
	return err
}

// copyFile makes a disk that is a full copy of an image.
func copyFile(ctx context.Context, h actuators.Host, image, imageFormat, path, format string) error {
	_, err := qemuImg(ctx, h, "convert", "-q", "-f", imageFormat, "-O", format, image, path)
	return err
}

// resize grows a disk that nobody uses; qemu-img takes the lock of the file.
func resize(ctx context.Context, h actuators.Host, path, format string, size int64) error {
	_, err := qemuImg(ctx, h, "resize", "-q", "-f", format, path, strconv.FormatInt(size, 10))
	return err
}

func qemuImg(ctx context.Context, h actuators.Host, args ...string) ([]byte, error) {
	out, err := h.Run(ctx, actuators.Cmd{Argv: append([]string{"qemu-img"}, args...)})
	var exit *actuators.ExitError
	if errors.As(err, &exit) {
		switch {
		case strings.Contains(exit.Stderr, "No space left on device"):
			return nil, fmt.Errorf("no space left on the pool's disk: %w", err)
		case strings.Contains(exit.Stderr, `" lock`):
			return nil, fmt.Errorf("%w: %w", errInUse, err)
		}
	}
	return out.Stdout, err
}
