package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// libvirtd asks QEMU for its capabilities when it starts, which takes seconds under load, and
// keeps the answers in files that name the versions they hold for. They are shared between
// labs. libvirtd itself checks that they fit, so a wrong guess here only costs the time.

const capabilities = "/var/cache/libvirt/qemu/capabilities"

// seedCapabilities runs before the root changes: it fills the host's layer.
func seedCapabilities(b boot) error {
	upper := filepath.Join(b.hostDir(), "upper", capabilities)
	if !b.First || !runsLibvirt(b) {
		return nil
	}
	if err := os.MkdirAll(upper, 0o755); err != nil {
		return err
	}
	from := capabilityCache(b)
	if _, err := os.Stat(from); err != nil {
		return nil // the first lab on this machine
	}
	return copyDir(upper, from)
}

// saveCapabilities runs inside, after libvirtd answered; the cache is read-only there, so what it
// saves lands in the directory of the lab and the keeper publishes it.
func saveCapabilities(b boot) {
	if runsLibvirt(b) {
		os.WriteFile("/var/cache/libvirt/qemu/complete", nil, 0o644)
	}
}

// publishCapabilities runs in the keeper. The first lab wins; losing is harmless.
func publishCapabilities(b boot) {
	dir := filepath.Join(b.hostDir(), "upper", filepath.Dir(capabilities))
	if _, err := os.Stat(filepath.Join(dir, "complete")); err != nil || !runsLibvirt(b) {
		return
	}
	to := capabilityCache(b)
	if _, err := os.Stat(to); err == nil {
		return
	}
	fresh, err := os.MkdirTemp(b.Cache, "capabilities-")
	if err != nil {
		return
	}
	defer os.RemoveAll(fresh)
	if copyDir(fresh, filepath.Join(dir, filepath.Base(capabilities))) == nil {
		os.Rename(fresh, to)
	}
}

func runsLibvirt(b boot) bool {
	for _, s := range b.Services {
		if s == "libvirtd" {
			return true
		}
	}
	return false
}

func capabilityCache(b boot) string {
	sum := sha256.New()
	for _, program := range []string{"/usr/bin/qemu-system-x86_64", "/usr/sbin/libvirtd"} {
		var st syscall.Stat_t
		if syscall.Stat(program, &st) == nil {
			fmt.Fprintln(sum, program, st.Size, st.Mtim.Sec, st.Ctim.Sec)
		}
	}
	return filepath.Join(b.Cache, "qemu-capabilities-"+hex.EncodeToString(sum.Sum(nil)[:8]))
}

func copyDir(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
