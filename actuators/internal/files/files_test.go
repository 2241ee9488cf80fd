package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

var mark = actuators.Mark{Installation: "i", ID: "volume/d", Hash: "h"}

type place struct {
	*testing.T
	h        actuators.Host
	dir      string
	from, to string
}

func newPlace(t *testing.T) place {
	dir := t.TempDir()
	h := exec.NewMachine("jino0", exec.Dirs{State: t.TempDir()})
	return place{t, h, dir, filepath.Join(dir, "d.raw"), filepath.Join(dir, "d.plumb-retired-7.raw")}
}

func (p place) put(path, text string) {
	p.Helper()
	p.must(os.WriteFile(path, []byte(text), 0o644))
}

func (p place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// holds compares the directory, as "name=text" words; sidecars show only their names.
func (p place) holds(want string) {
	p.Helper()
	names, err := List(p.dir)
	p.must(err)
	var words []string
	for _, name := range names {
		if strings.HasSuffix(name, sidecarSuffix) {
			words = append(words, name)
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.dir, name))
		p.must(err)
		words = append(words, name+"="+string(data))
	}
	if got := strings.Join(words, " "); got != want {
		p.Errorf("the directory holds %s, want %s", got, want)
	}
}

func TestCarryFinishesWhatACrashCutShort(t *testing.T) {
	const arrived = "d.plumb-retired-7.raw=data d.plumb-retired-7.raw.plumb.json"
	side := Sidecar{Mark: mark}
	for name, crash := range map[string]func(p place){
		"at the beginning":       func(place) {},
		"after the copied mark":  func(p place) { p.must(WriteSidecar(p.h, p.to, side)) },
		"after the renamed file": func(p place) { p.must(WriteSidecar(p.h, p.to, side)); p.must(Move(p.from, p.to)) },
		"at the end":             func(p place) { p.must(Carry(p.h, p.from, p.to, mark)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put(p.from, "data")
			p.must(WriteSidecar(p.h, p.from, side))
			crash(p)
			p.must(Carry(p.h, p.from, p.to, mark))
			p.holds(arrived)
			p.must(Carry(p.h, p.to, p.from, mark))
			p.holds("d.raw=data d.raw.plumb.json")
		})
	}
}

func TestCarryUndoesHalfACarry(t *testing.T) {
	p := newPlace(t)
	p.put(p.from, "data")
	p.must(WriteSidecar(p.h, p.from, Sidecar{Mark: mark}))
	p.must(WriteSidecar(p.h, p.to, Sidecar{Mark: mark}))
	p.must(Carry(p.h, p.to, p.from, mark))
	p.holds("d.raw=data d.raw.plumb.json")
}

func TestNothingIsReplaced(t *testing.T) {
	p := newPlace(t)
	p.put(p.from, "data")
	p.put(p.to, "theirs")
	p.must(WriteSidecar(p.h, p.from, Sidecar{Mark: mark}))
	if err := Carry(p.h, p.from, p.to, mark); !errors.Is(err, fs.ErrExist) {
		t.Errorf("carry: got %v", err)
	}
	if err := Move(p.from, p.to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("move: got %v", err)
	}
	p.put(TempPath(p.to), "new")
	if err := Place(p.h, TempPath(p.to), p.to, Sidecar{Mark: mark}); !errors.Is(err, actuators.ErrForeign) {
		t.Errorf("place: got %v", err)
	}
	p.holds("d.plumb-retired-7.raw=theirs d.raw=data d.raw.plumb.json")
}

// A crash after the sidecar and before the name: the sidecar must not make somebody else's file ours to delete.
func TestDisplaceLeavesAStrangersFile(t *testing.T) {
	p := newPlace(t)
	p.put(p.from, "theirs")
	p.must(WriteSidecar(p.h, p.from, Sidecar{Mark: mark, Made: Stamp{Inode: 1}}))
	p.must(Displace(p.h, p.from, p.to, mark))
	p.holds("d.raw=theirs")
}

func TestDisplaceDeletesOnlyWhatNobodyWrote(t *testing.T) {
	p := newPlace(t)
	for _, written := range []bool{false, true} {
		p.put(TempPath(p.from), "made")
		p.must(Place(p.h, TempPath(p.from), p.from, Sidecar{Mark: mark}))
		if written {
			p.put(p.from, "written")
		}
		p.must(Displace(p.h, p.from, p.to, mark))
		p.must(Displace(p.h, p.from, p.to, mark))
	}
	p.holds("d.plumb-retired-7.raw=written d.plumb-retired-7.raw.plumb.json")
}

func TestBrokenMarkIsNoAbsentMark(t *testing.T) {
	p := newPlace(t)
	p.put(p.from, "data")
	p.put(SidecarPath(p.from), "{")
	if _, _, err := Own(p.h, p.from, mark); err == nil || errors.Is(err, actuators.ErrForeign) {
		t.Errorf("got %v", err)
	}
}

func TestRetiredNames(t *testing.T) {
	path := RetiredPath("/p/a.b.qcow2", time.Unix(1700000000, 0))
	if path != "/p/a.b.plumb-retired-1700000000.qcow2" {
		t.Errorf("got %s", path)
	}
	for file, want := range map[string]string{
		filepath.Base(path):       "a.b .qcow2 1700000000",
		"a.b.qcow2":               "a.b .qcow2 0",
		"x.plumb-retired-y.raw":   "x.plumb-retired-y .raw 0",
		"plain":                   "plain  0",
		"x.plumb-retired-12.json": "x .json 12",
	} {
		name, ext, at := Split(file)
		seconds := int64(0)
		if !at.IsZero() {
			seconds = at.Unix()
		}
		if got := name + " " + ext + " " + strconv.FormatInt(seconds, 10); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

func TestDirectoriesThatHoldSomethingStay(t *testing.T) {
	p := newPlace(t)
	deep := filepath.Join(p.dir, "a", "b", "c")
	made, err := Missing(deep)
	p.must(err)
	p.must(MakeDirs(deep))
	p.put(filepath.Join(p.dir, "a", "file"), "x")
	p.must(RemoveDirs(made))
	if _, err := os.Stat(filepath.Join(p.dir, "a", "b")); !os.IsNotExist(err) {
		t.Error("an empty directory stayed")
	}
	if _, err := os.Stat(filepath.Join(p.dir, "a", "file")); err != nil {
		t.Error("a file went")
	}
}
