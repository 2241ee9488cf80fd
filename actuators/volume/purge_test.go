package volume

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
)

// aside makes a volume, sets it aside, and gives the step that purges it, with the file it would delete.
func (d *disk) aside() (actuators.Step, string) {
	d.T.Helper()
	d.Apply(d.spec, false)
	d.Apply(d.spec, true)
	steps, err := Kind.Steps(d.Subject(), actuators.Diff{Action: actuators.Purge}, nil, actuators.HaveJSON{Retired: d.Have(d.spec).Retired})
	must(d.T, err)
	found, err := filepath.Glob(filepath.Join(d.spec.Resolved.Dir, "d.plumb-retired-*.qcow2"))
	must(d.T, err)
	if len(steps) != 1 || len(found) != 1 {
		d.T.Fatalf("%d steps, files %v", len(steps), found)
	}
	return steps[0], found[0]
}

func TestPurgeFinishesWhatItLeftHalfDone(t *testing.T) {
	d := newDisk(t)
	step, path := d.aside()
	must(t, os.Remove(path)) // a purge that was killed between file and sidecar
	if _, err := d.Try(step); err != nil {
		t.Fatal(err)
	}
	if left := d.left(); left != ".plumb-pool" {
		t.Errorf("left is %s", left)
	}
}

func TestPurgeTakesOnlyWhatCarriesOurMark(t *testing.T) {
	d := newDisk(t)
	step, path := d.aside()
	other := files.Sidecar{Mark: actuators.Mark{Installation: "another", ID: d.At.ID}}
	must(t, files.WriteSidecar(d.Host, path, other))
	if _, err := d.Try(step); !errors.Is(err, actuators.ErrForeign) {
		t.Errorf("got %v, want foreign", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestPurgeTakesNothingThatWasNotSetAside(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	mark := actuators.Mark{Installation: kindtest.Installation, ID: d.At.ID}
	step := actuators.NewStep("purge", params{Mark: mark, Retired: d.spec.Resolved.Path}, "")
	if _, err := d.Try(step); !errors.Is(err, actuators.ErrRefused) {
		t.Errorf("got %v, want refused", err)
	}
	d.Settled(d.spec)
}
