package story

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plumbline/schema"
	"plumbline/testenv/sim"
)

// modelledActs are the same seven acts for people without root. What only real daemons can show (a client's requests, a
// failover, data on a disk) is not claimed; what Plumbline itself does is the same code.
var modelledActs = []act{
	{"first push: storage, VM, NAT, VIP and DNS from nothing", (*Story).modelFirstPush},
	{"a push grows disk and memory and puts a second VM behind a balancer", (*Story).modelGrow},
	{"a push whose last step the name server refuses is rolled back", (*Story).modelRefused},
	{"somebody changes the VM and takes a NAT away by hand", (*Story).modelSabotage},
	{"an edge dies", (*Story).modelEdgeDies},
	{"a malformed push, and one that takes away what is needed", (*Story).modelMistakes},
	{"the application goes, and comes back with its disk", (*Story).modelGoAndComeBack},
}

func instance(text string) schema.Instance { return schema.ParseInstance(text) }

// there fails unless every one of these is in the model.
func (s *Story) there(names ...string) error { return s.presence(true, names) }

// absent fails if one of these is in the model.
func (s *Story) absent(names ...string) error { return s.presence(false, names) }

func (s *Story) presence(want bool, names []string) error {
	for _, name := range names {
		thing, err := s.world.Thing(instance(name))
		if err != nil {
			return err
		}
		if (thing != nil) != want {
			return fmt.Errorf("%s: there=%t in the model, want %t", name, thing != nil, want)
		}
	}
	return nil
}

// field reads one value of a thing's config in the model.
func (s *Story) field(name string, path ...string) (any, error) {
	thing, err := s.world.Thing(instance(name))
	if err != nil || thing == nil {
		return nil, fmt.Errorf("%s is not in the model (%v)", name, err)
	}
	var state map[string]any
	if err := json.Unmarshal(thing.State, &state); err != nil {
		return nil, err
	}
	var value any = state["config"]
	for _, key := range path {
		value = value.(map[string]any)[key]
	}
	return value, nil
}

func (s *Story) modelFirstPush(ctx context.Context) error {
	preview, err := s.Plumb(ctx, "plan", "--dir", s.Path("work"), "--steps")
	if err != nil {
		return err
	}
	s.Say("%s", indent(preview))
	commit, err := s.Push(ctx, "payroll in Boston")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	if err := s.there("volume/payroll-disk@jino0", "vm/payroll@jino0", "nat/payroll@edge1", "nat/payroll@edge2", "vip/edge-public@edge1",
		"record/payroll.mycompany.com@ns1"); err != nil {
		return err
	}
	return s.nothingLeftToDo(ctx)
}

func (s *Story) modelGrow(ctx context.Context) error {
	if err := s.Edit("payroll.cue", `size: "64Mi"`, `size: "128Mi"`, `now: "128Mi"`, `now: "192Mi"`, natLine, ""); err != nil {
		return err
	}
	if err := s.Write("second.cue", second); err != nil {
		return err
	}
	commit, err := s.Push(ctx, "payroll grows and gets a sister")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	size, err := s.field("volume/payroll-disk@jino0", "size")
	if err != nil || size != float64(128<<20) {
		return fmt.Errorf("the disk has %v bytes (%v)", size, err)
	}
	if err := s.there("vm/payroll2@jino0", "balancer/payroll@edge1"); err != nil {
		return err
	}
	return s.absent("nat/payroll@edge1")
}

func (s *Story) modelRefused(ctx context.Context) error {
	before, err := s.world.Picture()
	if err != nil {
		return err
	}
	if err := s.world.Fail("ns1", sim.Fault{ID: "record/forbidden.mycompany.com", How: sim.Refuse}); err != nil {
		return err
	}
	if err := s.Write("forbidden.cue", forbidden); err != nil {
		return err
	}
	commit, err := s.Push(ctx, "a name that the server refuses")
	if err != nil {
		return err
	}
	st, err := s.Settled(ctx, commit, 60*time.Second)
	if err != nil {
		return err
	}
	if st.Verdict != "rolled back" {
		return fmt.Errorf("want rolled back, got %+v", st)
	}
	after, err := s.world.Picture()
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("the model is not as before:\n%s\n-----\n%s", before, after)
	}
	s.Say("   rolled back; the model is as before")
	return s.parked(ctx)
}

func (s *Story) modelSabotage(ctx context.Context) error {
	if err := s.world.Sabotage(instance("vm/payroll@jino0"), "power", "stopped"); err != nil {
		return err
	}
	if err := s.world.Destroy(instance("nat/payroll-admin@edge1")); err != nil {
		return err
	}
	for _, name := range []string{"vm/payroll@jino0", "nat/payroll-admin@edge1"} {
		if err := s.told(ctx, "DriftDetected", "firing", name); err != nil {
			return err
		}
		if err := s.told(ctx, "DriftHealed", "resolved", name); err != nil {
			return err
		}
	}
	return s.nothingLeftToDo(ctx)
}

func (s *Story) modelEdgeDies(ctx context.Context) error {
	quiet, err := s.Notices()
	if err != nil {
		return err
	}
	if err := s.world.Kill("edge1"); err != nil {
		return err
	}
	out, err := s.Plumb(ctx, "plan")
	if err == nil || !strings.Contains(out, "unknown") {
		return fmt.Errorf("a dead host is not unknown: %v\n%s", err, out)
	}
	s.Say("   edge1 answers nobody: its part is unknown, never absent, and nothing is taken away")
	if err := s.quietSince(len(quiet)); err != nil {
		return err
	}
	if err := s.world.Revive("edge1"); err != nil {
		return err
	}
	return s.nothingLeftToDo(ctx)
}

func (s *Story) modelMistakes(ctx context.Context) error { return s.mistakes(ctx) }

func (s *Story) modelGoAndComeBack(ctx context.Context) error {
	if err := s.Remove("second.cue"); err != nil {
		return err
	}
	if err := s.Cut("payroll.cue", "\tvm: payroll: {", "ttl: 1}\n"); err != nil {
		return err
	}
	commit, err := s.Push(ctx, "payroll is no more")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	if err := s.absent("record/payroll.mycompany.com@ns1", "balancer/payroll@edge1", "vm/payroll@jino0"); err != nil {
		return err
	}
	if err := s.there("volume/payroll-disk@jino0"); err != nil {
		return err
	}
	if commit, err = s.Revert(ctx); err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	return s.there("vm/payroll@jino0", "volume/payroll-disk@jino0")
}
