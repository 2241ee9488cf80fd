package vm

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/schema"
	"plumbline/testenv/guest"
)

const wages = schema.ID("vm/wages")

// renaming is what the engine plans for a renamed VM: the name, and then what differs.
func renaming(t *testing.T, want *Spec, have actuators.HaveJSON) ([]actuators.Step, error) {
	t.Helper()
	spec, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	sub := actuators.Subject{Instance: wages.On("host1"), Mark: actuators.Mark{Installation: have.Mark.Installation, ID: wages, Hash: "new"}}
	steps, after, err := Kind.Rename(sub, payroll, spec, have)
	if err != nil {
		return nil, err
	}
	renamed := actuators.HaveJSON{Here: after, Mark: &sub.Mark, Owned: true}
	d, err := Kind.Diff(spec, renamed)
	if err != nil {
		t.Fatal(err)
	}
	more, err := Kind.Steps(sub, d, spec, renamed)
	return append(steps, more...), err
}

func opsIn(steps []actuators.Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Op)
	}
	return strings.Join(names, " ")
}

func TestWhatLibvirtCannotRenameIsRefused(t *testing.T) {
	mark := &actuators.Mark{Installation: "i", ID: payroll}
	want := declaredAs(t, wages, nil)
	for name, l := range map[string]State{
		"virsh managedsave-remove":  {Status: Status{Name: "payroll", Saved: true}},
		"runs without a definition": {Config: Config{Power: running, Transient: true}, Status: Status{Name: "payroll"}},
	} {
		state, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		_, err = renaming(t, want, actuators.HaveJSON{Here: state, Mark: mark, Owned: true})
		if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want it refused with %q", err, name)
		}
	}
}

// TestARunningVMRestartsForItsNewName goes through the whole change, and back.
func TestARunningVMRestartsForItsNewName(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk")
		change := func(s *Spec) { s.Ready, s.Stop.Timeout = nil, "100ms" }
		r.apply(declared(t, change), "define start")
		steps, err := renaming(t, declaredAs(t, wages, change), r.have())
		if got, want := opsIn(steps), "rename stop rename-domain detach-nic set-guest attach-nic start"; err != nil || got != want {
			t.Fatalf("planned %s, %v, want %s", got, err, want)
		}
		ctx := context.Background()
		befores := make([]json.RawMessage, len(steps))
		for n, s := range steps {
			op, _ := Kind.Op(s.Op)
			if befores[n], err = op.Capture(ctx, r.host, s.Params); err == nil {
				err = op.Do(ctx, r.host, s.Params, befores[n])
			}
			if err != nil {
				t.Fatalf("%s: %v", s.Op, err)
			}
		}
		if got := strings.TrimSpace(r.sh(`virsh -q list --name`)); got != "wages" {
			t.Errorf("%q runs, want wages", got)
		}
		if have := r.have(); have.Here != nil {
			t.Errorf("it is still there as payroll: %s", have.Here)
		}
		for n, s := range slices.Backward(steps) {
			op, _ := Kind.Op(s.Op)
			if err := op.Undo(ctx, r.host, s.Params, befores[n]); err != nil {
				t.Fatalf("undo of %s: %v", s.Op, err)
			}
		}
		if got := strings.TrimSpace(r.sh(`virsh -q list --name`)); got != "payroll" {
			t.Errorf("after the way back %q runs", got)
		}
		if have := r.have(); !have.Owned || have.Mark.ID != payroll {
			t.Errorf("after the way back its mark is %v", have.Mark)
		}
	})
}
