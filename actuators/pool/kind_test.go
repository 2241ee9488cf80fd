package pool

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func bench(t *testing.T) (kindtest.Bench, Spec) {
	root := t.TempDir()
	host := exec.NewMachine("jino0", exec.Dirs{State: filepath.Join(root, "state"), Secrets: root})
	b := kindtest.Bench{T: t, Kind: Kind, Host: host, At: schema.ID("pool/vmdisks").On("jino0")}
	return b, Spec{Dir: filepath.Join(root, "deep", "pools", "vmdisks")}
}

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func TestCreateThenUndoLeavesNothing(t *testing.T) {
	b, s := bench(t)
	done := b.Apply(s, false)
	b.Settled(s)
	b.Undo(done)
	if _, err := os.Stat(filepath.Dir(filepath.Dir(s.Dir))); !os.IsNotExist(err) {
		t.Fatalf("a parent that was made is still there: %v", err)
	}
}

func TestUndoOfCreateKeepsWhatLiesInThePool(t *testing.T) {
	b, s := bench(t)
	done := b.Apply(s, false)
	write(t, filepath.Join(s.Dir, "data.raw"))
	if err := b.UndoOne(done[0]); !errors.Is(err, actuators.ErrStuck) {
		t.Fatalf("got %v, want stuck", err)
	}
	if !b.Have(s).Owned {
		t.Fatal("the marker is gone")
	}
}

func TestRemoveTakesMarkerAndDirectoryAndComesBack(t *testing.T) {
	b, s := bench(t)
	b.Apply(s, false)
	done := b.Apply(s, true)
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Fatalf("the directory is still there: %v", err)
	}
	b.Undo(done)
	b.Settled(s)
	if !b.Have(s).Owned {
		t.Fatal("the pool is not ours after the undo")
	}
}

func TestRemoveOfAPoolWithDataIsRefused(t *testing.T) {
	b, s := bench(t)
	b.Apply(s, false)
	step := b.Plan(s, true)[0]
	write(t, filepath.Join(s.Dir, "data.raw"))
	_, planned := b.Kind.Steps(b.Subject(), b.Diff(s, true), nil, b.Have(s))
	_, done := b.Try(step)
	for _, err := range []error{planned, done} {
		if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "it holds data.raw") {
			t.Errorf("got %v, want a refusal that names data.raw", err)
		}
	}
}

func TestDirectoryWithoutMarkerIsThereButNotOurs(t *testing.T) {
	b, s := bench(t)
	create := b.Plan(s, false)[0]
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if have := b.Have(s); have.Here == nil || have.Mark != nil || have.Owned {
		t.Fatalf("got %+v", have)
	}
	if _, err := b.Try(create); !errors.Is(err, actuators.ErrForeign) {
		t.Fatalf("got %v, want foreign", err)
	}
}

func TestAdoptMarksAndUndoUnmarks(t *testing.T) {
	b, s := bench(t)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.Dir, "data.raw"))
	done, err := b.Try(b.Plan(s, false)[0])
	if err != nil || !b.Have(s).Owned {
		t.Fatalf("not adopted: %v", err)
	}
	b.Undo([]kindtest.Done{done})
	if b.Have(s).Mark != nil {
		t.Fatal("the marker is still there")
	}
}

func TestBrokenMarkerIsUnknown(t *testing.T) {
	b, s := bench(t)
	b.Apply(s, false)
	write(t, files.PoolMarkerPath(s.Dir))
	if _, err := b.Look(s); err == nil || !strings.Contains(err.Error(), "cannot read the marker") {
		t.Fatal("a broken marker was taken for an answer")
	}
}

func TestMovedPoolIsRefused(t *testing.T) {
	have := actuators.Have[State]{Here: &State{Config: Config{Dir: "/a"}}, Owned: true}
	want := &Spec{Dir: "/b"}
	_, err := steps(actuators.Subject{}, diff(want, have), want, have)
	if !errors.Is(err, actuators.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}
