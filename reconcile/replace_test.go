package reconcile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"plumbline/testenv/need"
)

func TestAFullDiskLeavesTheFileThatWasThere(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := filepath.Join(dir, "suspended.json")
	if err := replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk does not fill")
	}
	if err := replace(path, []byte("new")); err == nil {
		t.Error("wrote on a full disk")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
		t.Errorf("the file holds %q, %v", data, err)
	}
	if _, err := os.Stat(path + ".new"); err == nil {
		t.Error("half a file is left")
	}
}
