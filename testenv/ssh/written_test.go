package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What says that nothing was written must see what is.
func TestAWriteInAHostsLayerIsSeen(t *testing.T) {
	layer := t.TempDir()
	for _, dir := range []string{"etc", "var/tmp", "var/lib/libvirt"} {
		if err := os.MkdirAll(filepath.Join(layer, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name string) {
		if err := os.WriteFile(filepath.Join(layer, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("etc/old")
	put("var/tmp/began")
	if err := os.Chmod(filepath.Join(layer, "var/tmp/began"), 0o644); err != nil { // its time of change is the newest
		t.Fatal(err)
	}
	list := func() string {
		out, err := exec.Command("sh", "-c", written, layer).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if got := list(); got != "" {
		t.Errorf("before: %q", got)
	}
	for deadline := time.Now().Add(10 * time.Second); list() == "" && time.Now().Before(deadline); {
		put("etc/old")
		put("etc/new")
		put("var/lib/libvirt/theirs")
		if err := os.Chmod(filepath.Join(layer, "etc/new"), 0o644); err != nil { // clocks of files are coarse
			t.Fatal(err)
		}
	}
	if got := list(); got == "" {
		t.Error("a new file is not seen")
	}
}
