package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"plumbline/actuators"
)

// Dirs are the directories of a host. Empty ones get their defaults.
type Dirs struct {
	State    string `json:"state"`              // default /var/lib/plumb
	Secrets  string `json:"secrets"`            // default /etc/plumb/secrets
	Identity string `json:"identity,omitempty"` // file of the age key; default /etc/plumb/age.key
}

// dialTimeout bounds a Dial whose context has no deadline.
const dialTimeout = 10 * time.Second

type machine struct {
	name string
	dirs Dirs
	off  time.Duration // of its clock; of a test
}

// NewMachine is the machine that this process runs on, under the name that the topology gives it.
func NewMachine(name string, dirs Dirs) actuators.Host {
	if dirs.State == "" {
		dirs.State = "/var/lib/plumb"
	}
	if dirs.Secrets == "" {
		dirs.Secrets = "/etc/plumb/secrets"
	}
	if dirs.Identity == "" {
		dirs.Identity = "/etc/plumb/age.key"
	}
	return &machine{name: name, dirs: dirs}
}

func (m *machine) Name() string     { return m.name }
func (m *machine) StateDir() string { return m.dirs.State }
func (m *machine) Now() time.Time   { return time.Now().Add(m.off) }

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

func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
