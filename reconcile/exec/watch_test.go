package exec

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plumbline/actuators"
)

// A watch that comes too late, because another one undid the step, finds the record of the step done anew: that is not its own to undo.
func TestALateWatchLeavesWhatWasDoneAnew(t *testing.T) {
	h := NewMachine("h", Dirs{State: t.TempDir()})
	call := Call{Step: "pair/p@h#1", Plan: "plan", Kind: "pair", Op: "set", Confirm: time.Hour}
	file := waitingFile(h.StateDir(), []Call{call})
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	anew := waiting{Calls: []Call{call}, Host: "h", Dirs: Dirs{State: h.StateDir()}, Boot: bootID(), Ends: bootClock() + int64(time.Hour)}
	if err := writeRecord(h, file, anew); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{reg: actuators.NewRegistry(), host: h, locks: newLocks(h.StateDir()), file: file}
	old := anew
	old.Ends, old.Undoing = bootClock()-1, true
	for name, late := range map[string]func() error{
		"before it takes the record": func() error { return w.revert(t.Context()) },
		"before it undoes":           func() error { _, err := w.undo(t.Context(), old, &actuators.ErasedOp{}); return err },
		"before it leaves word":      func() error { return w.report(t.Context(), []undo{{call: call}}) },
	} {
		if err := late(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the record became %s (%v)", name, after, err)
		}
		if _, err := os.Stat(revertedFile(file)); err == nil {
			t.Errorf("%s: it left word", name)
		}
	}
}
