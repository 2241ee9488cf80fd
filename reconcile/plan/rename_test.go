package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// A renamed volume, the VM that uses it, and what used it under its earlier name and goes.
func renaming() *scene {
	s := newScene()
	s.applied(at("volume/a@h1"), nil)
	s.applied(at("vm/gone@h1"), all("volume/a@h1"))
	s.applied(at("vm/v@h1"), all("volume/a@h1"))
	c := s.change(s.declare(at("volume/b@h1"), nil), actuators.Update, step(actuators.OpRename, "rename /srv/a.qcow2 to b.qcow2", nil))
	c.Was = "volume/a"
	s.change(s.declare(at("vm/v@h1"), all("volume/b@h1")), actuators.Update, step("attach-disk", "attach /srv/b.qcow2", nil))
	s.remove(s.in.Inventory[at("vm/gone@h1")], step("retire", "set it aside", nil))
	return s
}

func TestARenamedObjectComesAfterThoseWhoLeaveItAndBeforeThoseWhoFollow(t *testing.T) {
	var order []string
	for _, s := range renaming().must(t).Steps {
		order = append(order, string(s.Instance.ID))
	}
	if got, want := strings.Join(order, " "), "vm/gone volume/b vm/v"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatAnEarlierNameNeededGoesAfterTheRenaming(t *testing.T) {
	s := newScene()
	old := s.applied(at("pool/old@h1"), nil)
	s.applied(at("volume/a@h1"), all("pool/old@h1"))
	c := s.change(s.declare(at("volume/b@h1"), nil), actuators.Update, step(actuators.OpRename, "rename it", nil))
	c.Was = "volume/a"
	s.remove(old, step("remove", "remove it", nil))
	p := s.must(t)
	if len(p.Steps) != 2 || p.Steps[0].Instance.ID != "volume/b" {
		t.Errorf("steps %+v", p.Steps)
	}
}

func TestARenamingIsShownAsMoved(t *testing.T) {
	p := renaming().must(t)
	if got := text(t, p, plan.Style{}); !strings.Contains(got, "~ volume/b@h1") || !strings.Contains(got, "        moved from volume/a\n        rename /srv/a.qcow2 to b.qcow2\n") {
		t.Error(got)
	}
	var before string
	for _, r := range p.Document().ResourceChanges {
		if r.Address == "volume/b@h1" {
			before = r.Was
		}
	}
	if before != "volume/a@h1" {
		t.Errorf("previous_address is %q", before)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := plan.Open(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if c := back.Change(at("volume/b@h1")); c == nil || c.Was != schema.ID("volume/a") {
		t.Errorf("a saved plan forgets it: %+v", c)
	}
}
