package volume

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestWhatNoFileCanBeIsAProblem(t *testing.T) {
	for name, want := range map[string]string{
		"d":                      "",
		strings.Repeat("d", 201): "longer than 200",
		"d.plumb-retired-17":     "set aside",
	} {
		_, _, problems := Kind.Resolve(schema.MakeID("volume", name), schema.Place{Host: "jino0"}, []byte(`{"size":"1Mi","format":"raw"}`), lookup)
		if text := texts(problems); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("%.20s: problems %q, want %q", name, text, want)
		}
	}
	_, _, problems := Kind.Resolve("volume/d", schema.Place{Host: "jino0"}, []byte(`{"size":"99999999999999Ti","format":"raw"}`), lookup)
	if text := texts(problems); !strings.Contains(text, "cannot read size") {
		t.Errorf("a size that no number holds: problems %q", text)
	}
}

func texts(problems []schema.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Text)
	}
	return strings.Join(all, "; ")
}

// An image directory may be a pool as well, and an image may have its volume's name.
func TestImageOfTheNameIsNoVolume(t *testing.T) {
	d := newDisk(t)
	path := files.ImagePath(d.spec.Resolved.Dir, "d")
	d.run("qemu-img", "create", "-q", "-f", "qcow2", path, "4M")
	must(t, files.Adopt(d.Host, path, files.Sidecar{Mark: actuators.Mark{Installation: kindtest.Installation, ID: "image/d"}, SHA256: "s"}))
	if have := d.Have(d.spec); have.Here != nil {
		t.Fatalf("the image is taken for the volume: %s", have.Here)
	}
	d.Apply(d.spec, false)
	d.Settled(d.spec)
}

// A volume that was there before a create is not the create's to take back.
func TestUndoOfCreateLeavesWhatItFound(t *testing.T) {
	d := newDisk(t)
	step := d.Plan(d.spec, false)[0]
	d.Apply(d.spec, false)
	done, err := d.Try(step)
	must(t, err)
	d.Undo([]kindtest.Done{done})
	if _, err := os.Stat(filepath.Join(d.spec.Resolved.Dir, "d.qcow2")); err != nil {
		t.Errorf("it was taken away: %v", err)
	}
}
