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

// build makes the binary under test.
func build(t *testing.T) string {
	t.Helper()
	plumb := filepath.Join(t.TempDir(), "plumb")
	if out, err := exec.Command("go", "build", "-o", plumb, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return plumb
}

// TestStory is the demo itself: it ends well only if every act was verified with foreign tools.
func TestStory(t *testing.T) {
	need.Root(t)
	need.Program(t, "libvirtd", "qemu-system-x86_64", "knotd", "keepalived", "nft", "curl", "git")
	plumb := build(t)
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

// TestModelledStory is what people without root get.
func TestModelledStory(t *testing.T) {
	need.Program(t, "git")
	var out bytes.Buffer
	demo := exec.Command(build(t), "lab", "demo", "--model", "--dir", filepath.Join(t.TempDir(), "demo"))
	demo.Stdout, demo.Stderr = &out, &out
	if err := demo.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !bytes.HasPrefix(out.Bytes(), []byte("This story runs on a modelled datacenter")) {
		t.Errorf("the first line does not say that it is a model:\n%s", out.String())
	}
}
