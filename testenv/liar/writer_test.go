package liar

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/all"
	hostexec "plumbline/reconcile/exec"
)

// TestWhoOnlyLooksIsNotTalkedIntoWriting: a client that lies gets nothing from an executor that is read-only, whatever op of whatever
// kind it asks for, and the executor leaves no file of its own: no lock, no epoch, not even a state directory.
func TestWhoOnlyLooksIsNotTalkedIntoWriting(t *testing.T) {
	t.Parallel()
	at := t.TempDir()
	kinds := all.Registry()
	e, err := hostexec.DialSelf(t.Context(), nil, hostexec.Self{Name: "h", Dirs: hostexec.Dirs{State: filepath.Join(at, "state"), Secrets: at, Identity: filepath.Join(at, "key")}, ReadOnly: true}, hostexec.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	allowed, asked := Writes(t.Context(), e, kinds, "h")
	if len(allowed) > 0 {
		t.Errorf("%d of %d were not refused:\n%s", len(allowed), asked, strings.Join(allowed, "\n"))
	}
	t.Logf("%d refusals", asked)
	var all sync.WaitGroup
	for _, name := range kinds.Names() { // what only looks may be asked, and writes nothing either
		all.Go(func() { _, _ = e.Observe(t.Context(), name, actuators.Scope{All: true}) })
		kind, _ := kinds.Kind(name)
		for _, op := range kind.Ops() {
			erased, _ := kind.Op(op)
			c := hostexec.Call{Kind: name, Op: op, Version: erased.Version, Epoch: 1, Params: []byte("{}")}
			all.Go(func() { _, _ = e.Capture(t.Context(), c) })
		}
	}
	all.Wait()
	if left, err := os.ReadDir(at); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}

// TestWhoMayWriteIsFoundOut: the client finds an executor that refuses nothing.
func TestWhoMayWriteIsFoundOut(t *testing.T) {
	one := actuators.Define(toy)
	e := hostexec.Local(actuators.NewRegistry(one), hostexec.NewMachine("h", hostexec.Dirs{State: t.TempDir()}), hostexec.Options{})
	if allowed, asked := Writes(t.Context(), e, actuators.NewRegistry(one), "h"); len(allowed) != asked {
		t.Errorf("only %d of %d were found out", len(allowed), asked)
	}
}
