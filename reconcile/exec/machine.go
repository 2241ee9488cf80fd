package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"plumbline/actuators"
)

// Dirs are the directories of a host. Empty ones get their defaults.
type Dirs struct {
	State   string `json:"state"`   // default /var/lib/plumb
	Secrets string `json:"secrets"` // default /etc/plumb/secrets
}

// dialTimeout bounds a Dial whose context has no deadline.
const dialTimeout = 10 * time.Second

type machine struct {
	name string
	dirs Dirs
}

// NewMachine is the machine that this process runs on, under the name that the topology gives it.
func NewMachine(name string, dirs Dirs) actuators.Host {
	if dirs.State == "" {
		dirs.State = "/var/lib/plumb"
	}
	if dirs.Secrets == "" {
		dirs.Secrets = "/etc/plumb/secrets"
	}
	return &machine{name: name, dirs: dirs}
}

func (m *machine) Name() string     { return m.name }
func (m *machine) StateDir() string { return m.dirs.State }
func (m *machine) Now() time.Time   { return time.Now() }

func (m *machine) ReadFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", actuators.ErrNotFound, err)
	}
	return data, err
}

// WriteFile makes missing directories below the state directory only: elsewhere a missing directory may be a missing
// mount.
func (m *machine) WriteFile(path string, data []byte, perm fs.FileMode) error {
	if below(m.dirs.State, path) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("cannot write %s: %w", path, err)
		}
	}
	if err := replaceFile(path, data, perm); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

func (m *machine) Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot remove: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func (m *machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{}
	if _, bounded := ctx.Deadline(); !bounded {
		dialer.Timeout = dialTimeout
	}
	return dialer.DialContext(ctx, network, address)
}

// Secret gives the file's content without its last line end.
func (m *machine) Secret(name string) ([]byte, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return nil, fmt.Errorf("cannot read secret %q: %w: a secret's name holds no \"/\" and no \"..\"", name, actuators.ErrRefused)
	}
	path := filepath.Join(m.dirs.Secrets, name)
	data, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret %q: %w", name, err)
	}
	return []byte(strings.TrimSuffix(string(data), "\n")), nil
}

// readPrivate reads a regular file that nobody but its owner may touch, and whose owner is root or this process.
func readPrivate(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: put it into %s with mode 0600", actuators.ErrNotFound, path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o177 != 0 {
		return nil, fmt.Errorf("%w: %s is %s; it must be a file of mode 0600 or less", actuators.ErrRefused, path, info.Mode())
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%w: %s belongs to user %d; it must belong to root", actuators.ErrRefused, path, stat.Uid)
	}
	return io.ReadAll(file)
}

// replaceFile writes beside the file, syncs, renames and syncs the directory, so that a crash leaves the old content or
// the new. The owner of a file that was there is kept.
func replaceFile(path string, data []byte, perm fs.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".plumb-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	if old, statErr := os.Lstat(path); statErr == nil {
		if stat, ok := old.Sys().(*syscall.Stat_t); ok {
			_ = file.Chown(int(stat.Uid), int(stat.Gid)) // not root: the file stays ours
		}
	}
	if err := file.Chmod(perm); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
