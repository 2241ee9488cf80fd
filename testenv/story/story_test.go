package story_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"plumbline/testenv/need"
)

// TestStory is the demo itself: it ends well only if every act was verified with foreign tools.
func TestStory(t *testing.T) {
	need.Root(t)
	need.Program(t, "libvirtd", "qemu-system-x86_64", "knotd", "keepalived", "nft", "curl", "git")
	plumb := filepath.Join(t.TempDir(), "plumb")
	if out, err := exec.Command("go", "build", "-o", plumb, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
	defer cancel()
	var out bytes.Buffer
	demo := exec.CommandContext(ctx, plumb, "lab", "demo", "--dir", filepath.Join(t.TempDir(), "demo"))
	demo.Stdout, demo.Stderr = &out, &out
	if err := demo.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"none of", "edge2 holds it now", "content=salaries", "every act was verified"} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("the story does not say %q", want)
		}
	}
}
