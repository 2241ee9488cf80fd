package crash

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/sources/dir"
	"plumbline/testenv/sim"
)

// The archives of testdata are what the programs of earlier releases left: state directory, modelled datacenter and topology,
// after `plumb apply --auto-approve` on a modelled datacenter, whole or killed by PLUMB_CRASH_AT=9 in the middle. They are
// never written again; a release adds its own.
var releases = []string{"first", "second"}

// TestANewVersionHasNothingToDoOnTheSameCommit: the plan of what an earlier release applied is empty.
func TestANewVersionHasNothingToDoOnTheSameCommit(t *testing.T) {
	for _, name := range releases {
		t.Run(name, func(t *testing.T) {
			r := openRelease(t, name)
			r.nothingToDo()
		})
	}
}

// TestANewVersionTakesUpWhatAnEarlierOneLeftOpen: a plan in whose middle an earlier release was killed is brought to an end,
// and the commit is then applied in full.
func TestANewVersionTakesUpWhatAnEarlierOneLeftOpen(t *testing.T) {
	for _, name := range releases {
		t.Run(name, func(t *testing.T) {
			r := openRelease(t, name+"-killed")
			results, err := r.Resume(t.Context(), nil)
			must(t, err)
			if len(results) != 1 {
				t.Fatalf("%d plans were open, want 1", len(results))
			}
			p, err := r.Plan(t.Context(), r.head)
			must(t, err)
			result, err := r.Apply(t.Context(), p, nil)
			must(t, err)
			if result.Verdict != run.Applied {
				t.Errorf("%s: %+v", result.Verdict, result)
			}
			r.nothingToDo()
		})
	}
}

// release is a controller of today over what an earlier one left.
type release struct {
	*reconcile.Controller
	t    *testing.T
	head string
}

func openRelease(t *testing.T, name string) *release {
	t.Helper()
	at := t.TempDir()
	unpack(t, filepath.Join("testdata", name+".tgz"), at)
	source, err := dir.Open(dir.Config{Path: filepath.Join(at, "work"), NoEvents: true})
	must(t, err)
	head, err := source.Head(context.Background())
	must(t, err)
	store, err := journal.Open(filepath.Join(at, "state", "journal.db"), journal.Options{Version: "test"})
	must(t, err)
	world := sim.New(all.Registry(), sim.Options{Dir: filepath.Join(at, "world")})
	c := reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: filepath.Join(at, "state")}, Kinds: all.Registry(), Source: source, Store: store, Dial: world.Dial, Log: zerolog.Nop(),
	})
	t.Cleanup(func() {
		c.Close()
		must(t, store.Close())
	})
	return &release{c, t, head.ID}
}

func (r *release) nothingToDo() {
	r.t.Helper()
	p, err := r.Plan(r.t.Context(), r.head)
	must(r.t, err)
	if !p.Empty() || len(p.Refusals) > 0 {
		r.t.Errorf("the plan of the same commit is not empty: %s; %+v", p.Summary(), p.Refusals)
		for _, c := range p.Changes {
			r.t.Logf("%s %s: %+v", c.Action, c.Instance, c.Diff.Changes)
		}
	}
}

func unpack(t *testing.T, archive, to string) {
	t.Helper()
	f, err := os.Open(archive)
	must(t, err)
	defer f.Close()
	packed, err := gzip.NewReader(f)
	must(t, err)
	for r := tar.NewReader(packed); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		path := filepath.Join(to, filepath.Clean("/"+head.Name))
		if head.Typeflag == tar.TypeDir {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		data, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(path, data, 0o600))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
