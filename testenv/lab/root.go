package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A host's root is an overlay over the machine's root file system: every file
// that a host writes is its own and stays in its directory over a reboot; /run
// and /tmp are fresh at every boot, as on a real machine.

func enterRoot(b boot) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make mounts private: %w", err)
	}
	root := filepath.Join(b.hostDir(), "root")
	if err := mountOverlay(b.hostDir(), root); err != nil {
		return err
	}
	if err := mountSystem(root); err != nil {
		return err
	}
	for _, dir := range b.ReadOnly {
		if err := share(root, dir, true); err != nil {
			return err
		}
	}
	for _, dir := range b.Share {
		if err := share(root, dir, false); err != nil {
			return err
		}
	}
	if err := shim(root); err != nil {
		return err
	}
	if err := unix.Chdir(root); err != nil {
		return fmt.Errorf("cannot enter %s: %w", root, err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("cannot pivot to %s: %w", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot leave old root: %w", err)
	}
	return unix.Chdir("/")
}

func mountOverlay(dir, root string) error {
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{upper, work, root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	options := "lowerdir=/,upperdir=" + upper + ",workdir=" + work
	// The kernel frees the layers of a crashed host a moment after its last process.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Mount("overlay", root, "overlay", 0, options)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("cannot mount overlay on %s: %w", root, err)
		}
	}
}

func mountSystem(root string) error {
	for _, m := range []struct {
		kind, on string
		flags    uintptr
		data     string
	}{
		{"proc", "proc", 0, ""},
		{"sysfs", "sys", 0, ""},
		{"bind", "dev", unix.MS_BIND | unix.MS_REC, ""},
		{"tmpfs", "dev/shm", 0, "mode=1777"},
		{"tmpfs", "run", 0, "mode=755"},
		{"tmpfs", "tmp", 0, "mode=1777"},
	} {
		source, kind := m.kind, m.kind
		if m.kind == "bind" {
			source, kind = "/"+m.on, ""
		}
		if err := unix.Mount(source, filepath.Join(root, m.on), kind, m.flags, m.data); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.on, err)
		}
	}
	return os.MkdirAll(filepath.Join(root, "run/lock"), 0o755)
}

// share shows a directory or file of the machine at its own path.
func share(root, path string, readOnly bool) error {
	on := filepath.Join(root, path)
	if err := placeFor(path, on); err != nil {
		return err
	}
	if err := unix.Mount(path, on, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot share %s: %w", path, err)
	}
	if !readOnly {
		return nil
	}
	if err := unix.Mount("", on, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("cannot share %s read-only: %w", path, err)
	}
	return nil
}

// placeFor makes what a bind mount of path needs below it: a directory or an empty file.
func placeFor(path, on string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot share %s: %w", path, err)
	}
	if info.IsDir() {
		return os.MkdirAll(on, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(on), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(on, os.O_CREATE|os.O_RDONLY, 0o755)
	if err != nil {
		return err
	}
	return f.Close()
}

// shim puts this binary in the place of systemctl, so that what manages services
// on a real host manages them here, where pid 1 is the lab's.
func shim(root string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	at := filepath.Join(root, "usr/bin/systemctl")
	if err := os.Remove(at); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.WriteFile(at, nil, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(exe, at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot place systemctl: %w", err)
	}
	return nil
}
