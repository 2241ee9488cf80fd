package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDirectoryWithAFinalSlashIsTheSameDirectory(t *testing.T) {
	w := newWorld(t, "one")
	w.spec.Dir += "/"
	w.Apply(w.spec, false)
	w.Settled(w.spec)
}

// A pool may be the same directory, and a volume may have the name of its image.
func TestOtherFilesOfTheNameAreNoImages(t *testing.T) {
	w := newWorld(t, "one")
	if err := os.MkdirAll(w.spec.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(w.spec.Dir, "tiny.qcow2"), "the disk of a guest")
	if have := w.Have(w.spec); have.Here != nil {
		t.Fatalf("the volume of the name is taken for the image: %s", have.Here)
	}
	w.Apply(w.spec, false)
	w.Settled(w.spec)
}

func TestSourceThatIsNoFileIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, "one")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	w.spec.Source = "file://" + fifo
	step := w.Plan(w.spec, false)[0]
	answer := make(chan error, 1)
	go func() {
		_, err := w.Try(step)
		answer <- err
	}()
	select {
	case err := <-answer:
		if err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a writer for ever")
	}
}

// What lies where the download is prepared may be anything, also a name of another file.
func TestDownloadWritesThroughNoLink(t *testing.T) {
	w := newWorld(t, "one")
	victim := filepath.Join(t.TempDir(), "victim")
	put(t, victim, "theirs")
	if err := os.MkdirAll(w.spec.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(w.spec.Dir, ".tiny.img.plumb-new")); err != nil {
		t.Fatal(err)
	}
	w.Apply(w.spec, false)
	if data, err := os.ReadFile(victim); err != nil || string(data) != "theirs" {
		t.Errorf("the file that the link names holds %q, %v", data, err)
	}
	w.holds("one")
}
