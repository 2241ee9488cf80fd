package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

func TestOrderHoldsAcrossWhatStaysAsItIs(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		s := newScene()
		s.change(s.declare(at("disk/a@h1"), nil), actuators.Update, one("grow"))
		vm := s.declare(at("vm/a@h1"), all("disk/a@h1"))
		if recorded {
			s.change(vm, actuators.None)
		}
		s.change(s.declare(at("nat/a@h2"), all("vm/a@h1")), actuators.Update, one("open"))
		p := s.must(t)
		if !waits(p, at("nat/a@h2"), at("disk/a@h1")) {
			t.Errorf("recorded %v: %s", recorded, order(p))
		}
	}
}

func TestRemovalHoldsAcrossWhatIsGoneAlready(t *testing.T) {
	s := newScene()
	s.remove(s.applied(at("a-disk/a@h1"), nil), one("retire"))
	s.remove(s.applied(at("vm/a@h1"), all("a-disk/a@h1")))
	s.remove(s.applied(at("z-nat/a@h2"), all("vm/a@h1")), one("remove"))
	if got := order(s.must(t)); got != "z-nat/a@h2#1 a-disk/a@h1#1" {
		t.Error(got)
	}
}

func TestUpdateComesBetweenWhatItNeedsNowAndWhatItNeededBefore(t *testing.T) {
	s := newScene()
	s.remove(s.applied(at("a-disk/old@h1"), nil), one("retire"))
	s.applied(at("vm/a@h1"), all("a-disk/old@h1"))
	s.change(s.declare(at("z-disk/new@h1"), nil), actuators.Create, one("make"))
	s.change(s.declare(at("vm/a@h1"), all("z-disk/new@h1")), actuators.Update, one("swap"))
	if got := order(s.must(t)); got != "z-disk/new@h1#1 vm/a@h1#1 a-disk/old@h1#1" {
		t.Error(got)
	}
}

func exclusive(text string) []schema.Use {
	var f schema.Fact
	_ = f.UnmarshalText([]byte(text))
	return []schema.Use{{Fact: f, Exclusive: true}}
}

func TestAnExclusiveFactIsReleasedBeforeItIsAcquired(t *testing.T) {
	s := newScene()
	s.applied(at("vm/z@h1"), nil).Provides = exclusive("addr/n/1")
	s.remove(s.in.Inventory[at("vm/z@h1")], one("stop"))
	taker := s.declare(at("vm/a@h2"), nil)
	taker.Provides = exclusive("addr/n/1")
	s.change(taker, actuators.Create, one("start"))
	if got := order(s.must(t)); got != "vm/z@h1#1 vm/a@h2#1" {
		t.Error(got)
	}
}

func TestAHolderThatKeepsItsFactReleasesNothing(t *testing.T) {
	s := newScene()
	s.applied(at("vm/a@h1"), nil).Provides = exclusive("addr/n/1")
	keeper := s.declare(at("vm/a@h1"), nil)
	keeper.Provides = exclusive("addr/n/1")
	s.change(keeper, actuators.Update, one("tune"))
	if p := s.must(t); len(p.Steps[0].Needs) != 0 {
		t.Error(p.Steps[0].Needs)
	}
}

func TestInstancesOfOneObjectHoldAFactTogether(t *testing.T) {
	s := newScene()
	for _, i := range all("vip/v@h1 vip/v@h2") {
		s.applied(i, nil).Provides = exclusive("vrid/lan/51")
		n := s.declare(i, nil)
		n.Provides = exclusive("vrid/lan/51")
		s.change(n, actuators.Update, one("tune"))
	}
	if got := order(s.must(t)); got != "vip/v@h1#1 vip/v@h2#1" {
		t.Error(got)
	}
}

// The update needs what the removal releases, and the removal would come after the update: the update gives way.
func TestAnUpdateGivesWayToTheReleaseOfWhatItTakes(t *testing.T) {
	s := newScene()
	s.applied(at("vm/old@h1"), nil).Provides = exclusive("addr/n/1")
	s.applied(at("vm/new@h1"), all("vm/old@h1"))
	s.remove(s.in.Inventory[at("vm/old@h1")], one("stop"))
	taker := s.declare(at("vm/new@h1"), nil)
	taker.Provides = exclusive("addr/n/1")
	s.change(taker, actuators.Update, one("take"))
	// An update downstream of the circle keeps its place before the removal of what it needed.
	s.applied(at("net/x@h1"), nil)
	s.applied(at("vm/other@h1"), all("net/x@h1"))
	s.remove(s.in.Inventory[at("net/x@h1")], one("remove"))
	s.change(s.declare(at("vm/other@h1"), all("vm/new@h1")), actuators.Update, one("move"))
	p := s.must(t)
	if !waits(p, at("vm/new@h1"), at("vm/old@h1")) || !waits(p, at("net/x@h1"), at("vm/other@h1")) {
		t.Error(order(p))
	}
}

func TestACircleIsReportedShortly(t *testing.T) {
	s := newScene()
	for n := range 20 { // downstream of the circle, and no part of it
		s.change(s.declare(at(fmt.Sprintf("aaa/%d@h1", n)), all("vm/a@h1")), actuators.Create, one("make"))
	}
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} { // two that swap their addresses
		i := at("vm/" + pair[0] + "@h1")
		s.applied(i, nil).Provides = exclusive("addr/n/" + pair[0])
		n := s.declare(i, nil)
		n.Provides = exclusive("addr/n/" + pair[1])
		s.change(n, actuators.Update, one("swap"))
	}
	_, err := s.make()
	want := "cannot order the plan: vm/a@h1 waits for vm/b@h1, vm/b@h1 waits for vm/a@h1; take the change apart into two commits"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestStepsWriteIntoTheContainersTheyLeaveAndEnter(t *testing.T) {
	s := newScene()
	s.applied(at("nat/a@h1"), nil).Share = []string{"nft/old"}
	n := s.declare(at("nat/a@h1"), nil)
	n.Share = []string{"nft/new"}
	s.change(n, actuators.Update, one("move"))
	if got := fmt.Sprint(s.must(t).Steps[0].Share); got != "[nft/new nft/old]" {
		t.Error(got)
	}
}

func TestEffectDigestCoversValuesAndNeitherCommitNorTime(t *testing.T) {
	build := func(value, commit string, at time.Time) (string, string) {
		s := newScene()
		s.in.CreatedAt, s.in.ID, s.in.Base = at, commit, commit
		s.change(s.declare(schema.ParseInstance("vm/a@h1"), nil), actuators.Create, one(value))
		p := s.must(t)
		return p.EffectDigest, p.Lanes[0].EffectDigest
	}
	plan1, lane1 := build("x", "c1", time.Unix(1, 0))
	plan2, lane2 := build("x", "c2", time.Unix(2, 0))
	plan3, lane3 := build("y", "c1", time.Unix(1, 0))
	if plan1 != plan2 || lane1 != lane2 || plan1 == plan3 || lane1 == lane3 || !strings.HasPrefix(plan1, "sha256:") {
		t.Errorf("%s %s %s; %s %s %s", plan1, plan2, plan3, lane1, lane2, lane3)
	}
}
