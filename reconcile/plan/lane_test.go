package plan_test

import (
	"fmt"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
)

func TestSharedGroundIsALaneOfItsOwn(t *testing.T) {
	s := newScene()
	s.change(s.declare(at("net/n@h1"), nil), actuators.Create, one("n"))
	for _, name := range []string{"a", "b"} {
		s.change(s.declare(at("vm/"+name+"@h1"), all("net/n@h1")), actuators.Create, one(name))
		s.change(s.declare(at("nat/"+name+"@h2"), all("vm/"+name+"@h1")), actuators.Create, one(name))
	}
	p := s.must(t)
	got := fmt.Sprint(laneOf(p, "nat/a@h2"), laneOf(p, "vm/a@h1"), laneOf(p, "nat/b@h2"), laneOf(p, "vm/b@h1"), laneOf(p, "net/n@h1"), p.Lanes[0].Needs, p.Lanes[2].Ground, p.Lanes[0].Ground)
	if got != "1 1 2 2 3 [3] true false" {
		t.Error(got)
	}
}

func TestInstancesOfOneObjectShareALane(t *testing.T) {
	s := newScene()
	s.change(s.declare(at("vip/v@h1"), nil), actuators.Create, one("1"))
	s.change(s.declare(at("vip/v@h2"), nil), actuators.Create, one("2"))
	s.change(s.declare(at("vip/v@h3"), nil), actuators.None)
	if p := s.must(t); len(p.Lanes) != 1 || laneOf(p, "vip/v@h3") != 1 {
		t.Errorf("%+v", p.Lanes)
	}
}

func TestWhatHasNoStepJoinsNoLanes(t *testing.T) {
	s := newScene()
	s.change(s.declare(at("vm/a@h1"), nil), actuators.None)
	s.change(s.declare(at("nat/a@h2"), all("vm/a@h1")), actuators.Update, one("a"))
	s.change(s.declare(at("nat/b@h2"), all("vm/a@h1")), actuators.Update, one("b"))
	if p := s.must(t); len(p.Lanes) != 2 || laneOf(p, "vm/a@h1") != 0 {
		t.Errorf("%+v", p.Lanes)
	}
}

// A network comes on one host and goes on another, while a VM moves: its lane would wait for the VM's and the VM's for it.
func TestLanesThatWouldWaitForEachOtherAreOne(t *testing.T) {
	s := newScene()
	s.applied(at("net/n@h1"), nil)
	s.applied(at("vm/a@h1"), all("net/n@h1"))
	s.remove(s.in.Inventory[at("net/n@h1")], one("remove"))
	s.remove(s.in.Inventory[at("vm/a@h1")], one("stop"))
	s.change(s.declare(at("net/n@h2"), nil), actuators.Create, one("make"))
	s.change(s.declare(at("vm/a@h2"), all("net/n@h2")), actuators.Create, one("start"))
	p := s.must(t)
	if len(p.Lanes) != 1 || p.Lanes[0].Ground {
		t.Errorf("%+v", p.Lanes)
	}
}

func TestAtomicIsOneLane(t *testing.T) {
	s := newScene()
	s.in.Atomic = true
	for _, i := range words(5, "thing") {
		s.change(s.declare(i, nil), actuators.Create, one("x"))
	}
	s.change(s.declare(at("net/n@h1"), nil), actuators.Create, one("n"))
	if p := s.must(t); len(p.Lanes) != 1 || len(p.Lanes[0].Needs) != 0 {
		t.Errorf("%+v", p.Lanes)
	}
}

func TestAParkedEffectIsHeldAndNoOther(t *testing.T) {
	build := func() *scene {
		s := newScene()
		s.change(s.declare(at("vm/a@h1"), nil), actuators.Create, one("a"))
		s.change(s.declare(at("vm/b@h1"), nil), actuators.Create, one("b"))
		return s
	}
	s := build()
	s.in.Parked = map[string]string{build().must(t).Lanes[0].EffectDigest: "failed before"}
	p := s.must(t)
	if p.Lanes[0].Held != "failed before" || p.Lanes[1].Held != "" {
		t.Errorf("%+v", p.Lanes)
	}
}

// purge takes away for good what was set aside.
func (s *scene) purge(e *inventory.Entry, steps ...actuators.Step) {
	for n := range steps {
		steps[n].Reversal = actuators.NoReversal
	}
	c := s.remove(e, steps...)
	c.Action, c.Released = actuators.Purge, nil
}

func TestPurgesAreLastInLanesOfTheirOwn(t *testing.T) {
	for _, atomic := range []bool{false, true} {
		s := newScene()
		s.in.Atomic = atomic
		s.applied(at("disk/a@h1"), nil)
		s.applied(at("vm/a@h1"), all("disk/a@h1"))
		s.purge(s.in.Inventory[at("disk/a@h1")], one("delete"))
		s.purge(s.in.Inventory[at("vm/a@h1")], one("undefine"))
		s.change(s.declare(at("vm/z@h1"), nil), actuators.Create, one("z"))
		s.change(s.declare(at("zone/z@h1"), all("vm/z@h1")), actuators.Create, one("z"))
		p := s.must(t)
		if got := order(p); got != "vm/z@h1#1 zone/z@h1#1 vm/a@h1#1 disk/a@h1#1" {
			t.Errorf("atomic %v: the order is %s", atomic, got)
		}
		disk, vm, rest := laneOf(p, "disk/a@h1"), laneOf(p, "vm/a@h1"), laneOf(p, "vm/z@h1")
		if disk == vm || disk == rest || vm == rest || laneOf(p, "zone/z@h1") != rest || len(p.Lanes) != 3 {
			t.Fatalf("atomic %v: %+v", atomic, p.Lanes)
		}
		last := fmt.Sprint(p.Lanes[disk-1].Last, p.Lanes[vm-1].Last, p.Lanes[rest-1].Last, p.Lanes[disk-1].Needs, p.Lanes[disk-1].EffectDigest == diff.Digest(p.Steps[3:]))
		if last != fmt.Sprint(true, true, false, []int{vm}, true) {
			t.Errorf("atomic %v: %s", atomic, last)
		}
	}
}
