package volume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/need"
)

// disk is a volume in a real pool, driven by the real qemu-img.
type disk struct {
	kindtest.Bench
	spec Spec
}

func newDisk(t *testing.T) *disk {
	need.Program(t, "qemu-img", "qemu-io")
	root := t.TempDir()
	dir := filepath.Join(root, "pool")
	host := exec.NewMachine("jino0", exec.Dirs{State: filepath.Join(root, "state"), Secrets: root})
	d := &disk{Bench: kindtest.Bench{T: t, Kind: Kind, Host: host, At: schema.ID("volume/d").On("jino0")}}
	d.spec = Spec{Pool: "p", Size: "8Mi", Format: "qcow2", Resolved: Resolved{Dir: dir, Path: Path(dir, "d", "qcow2")}}
	d.makePool()
	return d
}

func (d *disk) makePool() {
	mark := actuators.Mark{Installation: kindtest.Installation, ID: "pool/p"}
	must(d.T, files.MakeDirs(d.spec.Resolved.Dir))
	must(d.T, files.WritePool(d.Host, d.spec.Resolved.Dir, files.PoolMarker{Mark: mark}))
}

// image makes a marked image of some real bytes.
func (d *disk) image(size string) {
	path := filepath.Join(d.T.TempDir(), "tiny.img")
	d.run("qemu-img", "create", "-q", "-f", "qcow2", path, size)
	d.run("qemu-io", "-c", "write -P 0x5a 0 2M", path)
	side := files.Sidecar{Mark: actuators.Mark{Installation: kindtest.Installation, ID: "image/tiny"}, SHA256: "s"}
	must(d.T, files.Adopt(d.Host, path, side))
	d.spec.From, d.spec.Resolved.Image = "tiny", path
}

func (d *disk) run(argv ...string) string {
	d.T.Helper()
	out, err := osexec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		d.T.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

func (d *disk) left() string {
	d.T.Helper()
	names, err := files.List(d.spec.Resolved.Dir)
	must(d.T, err)
	return strings.Join(names, " ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateGrowRetireRestore(t *testing.T) {
	for _, format := range []string{"qcow2", "raw"} {
		d := newDisk(t)
		d.spec.Format, d.spec.Resolved.Path = format, Path(d.spec.Resolved.Dir, "d", format)
		d.Undo(d.Apply(d.spec, false))
		if left := d.left(); left != ".plumb-pool" {
			t.Fatalf("undo of create left %s", left)
		}
		d.Apply(d.spec, false)
		d.spec.Size = "16Mi"
		d.Apply(d.spec, false)
		d.Settled(d.spec)
		d.Undo(d.Apply(d.spec, true))
		d.Settled(d.spec)
		d.Apply(d.spec, true)
		if have := d.Have(d.spec); have.Here != nil || have.Retired == nil {
			t.Fatalf("got %+v", have)
		}
		d.Undo(d.Apply(d.spec, false))
		d.Apply(d.spec, false)
		d.Settled(d.spec)
	}
}

func TestCopyOfAnImageHasItsBytesAndTheDeclaredSize(t *testing.T) {
	d := newDisk(t)
	d.image("4M")
	d.Apply(d.spec, false)
	d.Settled(d.spec)
	d.run("qemu-io", "-r", "-c", "read -P 0x5a 0 2M", "-c", "read -P 0 4M 4M", d.spec.Resolved.Path)
	if out := d.run("qemu-img", "info", d.spec.Resolved.Path); strings.Contains(out, "backing") {
		t.Fatalf("the copy has a backing file: %s", out)
	}
}

func TestImageThatChangedOrIsTooLargeIsRefused(t *testing.T) {
	d := newDisk(t)
	d.image("16M")
	_, err := d.Try(d.Plan(d.spec, false)[0])
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "image/tiny has 16Mi, more than the declared size 8Mi") {
		t.Errorf("got %v", err)
	}
	d.run("qemu-io", "-c", "write -P 1 0 1M", d.spec.Resolved.Image)
	_, err = d.Try(d.Plan(d.spec, false)[0])
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "was changed since its checksum was verified") {
		t.Errorf("got %v", err)
	}
	if left := d.left(); left != ".plumb-pool" {
		t.Errorf("left %s", left)
	}
}

func TestUndoOfCreateSetsAsideWhatWasWritten(t *testing.T) {
	d := newDisk(t)
	done := d.Apply(d.spec, false)
	d.run("qemu-io", "-c", "write -P 7 0 1M", d.spec.Resolved.Path)
	d.Undo(done)
	have := d.Have(d.spec)
	if have.Here != nil || have.Retired == nil {
		t.Fatalf("got %+v", have)
	}
	d.Apply(d.spec, false)
	d.run("qemu-io", "-r", "-c", "read -P 7 0 1M", d.spec.Resolved.Path)
}

func TestHalfACreateIsUndoneAndFinished(t *testing.T) {
	d := newDisk(t)
	step := d.Plan(d.spec, false)[0]
	op, _ := Kind.Op("create")
	before, err := op.Capture(context.Background(), d.Host, step.Params)
	must(t, err)
	half := func() {
		must(t, os.WriteFile(files.TempPath(d.spec.Resolved.Path), []byte("half"), 0o644))
		must(t, files.WriteSidecar(d.Host, d.spec.Resolved.Path, files.Sidecar{Mark: d.Subject().Mark, Made: files.Stamp{Inode: 1}}))
	}
	half()
	d.Undo([]kindtest.Done{{Step: step, Before: before}})
	if left := d.left(); left != ".plumb-pool" {
		t.Fatalf("left %s", left)
	}
	half()
	must(t, op.Do(context.Background(), d.Host, step.Params, before))
	d.Settled(d.spec)
}

func TestForeignFileIsSeenAndNeverTouched(t *testing.T) {
	d := newDisk(t)
	step := d.Plan(d.spec, false)[0]
	must(t, os.WriteFile(d.spec.Resolved.Path, bytes.Repeat([]byte("x"), 1024), 0o644))
	if have := d.Have(d.spec); have.Here == nil || have.Owned {
		t.Fatalf("got %+v", have)
	}
	if _, err := d.Try(step); !errors.Is(err, actuators.ErrForeign) {
		t.Fatalf("got %v, want foreign", err)
	}
	op, _ := Kind.Op("create")
	must(t, op.Undo(context.Background(), d.Host, step.Params, []byte(`{"path":"`+d.spec.Resolved.Dir+`/aside.qcow2"}`)))
	if data, err := os.ReadFile(d.spec.Resolved.Path); err != nil || len(data) != 1024 {
		t.Fatalf("the foreign file is gone: %v", err)
	}
}

func TestPoolWithoutMarkerIsUnknown(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	must(t, files.RemovePool(d.Host, d.spec.Resolved.Dir))
	if _, err := d.Look(d.spec); err == nil || !strings.Contains(err.Error(), "is its file system mounted?") {
		t.Fatalf("got %v", err)
	}
}

func TestAnUnmountedPoolAndATornSidecarHideTheirOwnAlone(t *testing.T) {
	here, away := newDisk(t), newDisk(t)
	away.At, away.spec.Pool = schema.ID("volume/away").On("jino0"), "p"
	torn := schema.ID("volume/torn")
	here.Apply(here.spec, false)
	must(t, files.RemovePool(away.Host, away.spec.Resolved.Dir))
	path := Path(here.spec.Resolved.Dir, "torn", "qcow2")
	here.run("qemu-img", "create", "-q", "-f", "qcow2", path, "3M")
	must(t, os.WriteFile(files.SidecarPath(path), []byte("{"), 0o600))
	at := func(d *disk, id schema.ID) actuators.Target {
		spec, err := json.Marshal(d.spec)
		must(t, err)
		return actuators.Target{ID: id, Spec: spec}
	}
	sc := actuators.Scope{All: true, Targets: []actuators.Target{at(away, away.At.ID), at(here, here.At.ID), at(here, torn)}}
	found, err := Kind.Observe(context.Background(), here.Host, sc)
	must(t, err)
	unknown := map[schema.ID]string{}
	for _, one := range found {
		unknown[one.ID] = one.Unknown
	}
	if len(found) != 3 || unknown[here.At.ID] != "" || !strings.Contains(unknown[away.At.ID], "mounted?") || !strings.Contains(unknown[torn], "cannot read the mark") {
		t.Errorf("found %v", unknown)
	}
}

func TestDirectoryThatIsNotThereHoldsNothing(t *testing.T) {
	d := newDisk(t)
	d.spec.Resolved.Dir += "-later"
	if have := d.Have(d.spec); have.Here != nil {
		t.Fatalf("got %+v", have)
	}
}

func TestAllSeesForeignAndRetired(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	d.Apply(d.spec, true)
	must(t, os.WriteFile(filepath.Join(d.spec.Resolved.Dir, "theirs.raw"), make([]byte, 512), 0o644))
	lives, err := observe(context.Background(), d.Host, actuators.Scope{All: true, Targets: []actuators.Target{{ID: d.At.ID, Spec: encode(d.spec)}}})
	must(t, err)
	var seen []string
	for _, l := range lives {
		word := string(l.ID)
		if l.Retired {
			word += " retired"
		}
		if l.Mark == nil {
			word += " foreign"
		}
		seen = append(seen, word)
	}
	if got := strings.Join(seen, ", "); got != "volume/d retired, volume/theirs foreign" {
		t.Fatalf("got %s", got)
	}
}

func TestBrokenDiskIsSeenAndHidesNobody(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	must(t, os.WriteFile(filepath.Join(d.spec.Resolved.Dir, "theirs.qcow2"), []byte("QFI\xfbrubbish"), 0o644))
	must(t, os.WriteFile(d.spec.Resolved.Path, []byte("rubbish"), 0o644))
	if d.Have(d.spec).Here == nil {
		t.Fatal("a broken disk was taken for absent")
	}
	lives, err := observe(context.Background(), d.Host, actuators.Scope{All: true, Targets: []actuators.Target{{ID: d.At.ID, Spec: encode(d.spec)}}})
	if err != nil || len(lives) != 2 {
		t.Fatalf("got %v, %v", lives, err)
	}
	_, err = Kind.Steps(d.Subject(), d.Diff(d.spec, false), encode(d.spec), d.Have(d.spec))
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "it is no readable disk") {
		t.Fatalf("got %v", err)
	}
}

// A guest that writes a qcow2 header to its raw disk must not choose what the host reads.
func TestRawStaysRaw(t *testing.T) {
	d := newDisk(t)
	d.spec.Format, d.spec.Resolved.Path = "raw", Path(d.spec.Resolved.Dir, "d", "raw")
	d.Apply(d.spec, false)
	trap := filepath.Join(t.TempDir(), "trap")
	d.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", trap, "1G")
	head, err := os.ReadFile(trap)
	must(t, err)
	f, err := os.OpenFile(d.spec.Resolved.Path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(head)
	must(t, errors.Join(err, f.Close()))
	d.Settled(d.spec)
}

func TestRunningGuestBlocksRetire(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	guest := osexec.Command("qemu-io", d.spec.Resolved.Path)
	in, err := guest.StdinPipe()
	must(t, err)
	out, err := guest.StdoutPipe()
	must(t, err)
	must(t, guest.Start())
	defer guest.Wait()
	defer in.Close()
	in.Write([]byte("read 0 512\n"))
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Try(d.Plan(d.spec, true)[0]); !errors.Is(err, errInUse) {
		t.Fatalf("got %v, want in use", err)
	}
	d.Settled(d.spec)
}

func TestFullDiskIsClearAndLeavesNothing(t *testing.T) {
	need.Root(t)
	d := newDisk(t)
	d.image("8M")
	small := filepath.Join(t.TempDir(), "small")
	must(t, os.Mkdir(small, 0o755))
	mountSmall(t, small)
	d.spec.Resolved.Dir, d.spec.Resolved.Path = small, Path(small, "d", "qcow2")
	d.makePool()
	step := d.Plan(d.spec, false)[0]
	if _, err := d.Try(step); err == nil || !strings.Contains(err.Error(), "no space left in "+small) {
		t.Errorf("preflight: got %v", err)
	}
	op, _ := Kind.Op("create")
	before, err := op.Capture(context.Background(), d.Host, step.Params)
	must(t, err)
	err = op.Do(context.Background(), d.Host, step.Params, before)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("do: got %v", err)
	}
	d.Undo([]kindtest.Done{{Step: step, Before: before}})
	if left := d.left(); left != ".plumb-pool" {
		t.Errorf("left %s", left)
	}
}

// mountSmall mounts a small file system that only this test sees: in a mount namespace of its thread, which ends with it.
func mountSmall(t *testing.T, dir string) {
	runtime.LockOSThread()
	must(t, unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS))
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1500k"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
}

func encode(s Spec) json.RawMessage {
	data, _ := json.Marshal(s)
	return data
}
