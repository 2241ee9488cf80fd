package plan_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// step makes a step with what is special about it.
func step(op, summary string, special func(*actuators.Step)) actuators.Step {
	s := actuators.NewStep(op, map[string]string{"to": summary}, summary)
	if special != nil {
		special(&s)
	}
	return s
}

// payroll is a commit that brings a service, changes another and takes a third away.
func payroll() *scene {
	s := newScene()
	s.in.Base = "1111111111111111111111111111111111111111"
	line := 0
	declare := func(i, after string, public ...schema.Use) *schema.Node {
		n := s.declare(at(i), all(after))
		line += 4
		n.Object.Pos = schema.Pos{File: "boston/payroll.cue", Line: 10 + line, Col: 2}
		n.Provides, n.Share = public, nil
		return n
	}
	s.change(declare("volume/payroll-disk@jino0", "pool/images@jino0"), actuators.Create, step("create", "make 64Mi qcow2 from image/tiny", nil))
	vm := declare("vm/payroll@jino0", "volume/payroll-disk@jino0 network/app-boston@jino0", exclusive("addr/app-boston/10.1.1.12")...)
	c := s.change(vm, actuators.Create, step("define", "define with 1 of 4 CPUs, 128Mi of 512Mi", nil), step("set-autostart", "start with the host", nil), step("start", "start it and wait for port 80", nil))
	c.Diff.Changes = []actuators.Change{{Path: "uuid", To: "d9"}, {Path: "cpu", To: map[string]int{"now": 1}}}
	s.change(declare("network/app-boston@jino0", ""), actuators.None)
	nat := declare("nat/payroll@edge1", "vm/payroll@jino0")
	nat.Share = []string{"nft/edge1"}
	s.change(nat, actuators.Create, step("set", "203.0.113.3:80/tcp → 10.1.1.12:80", func(s *actuators.Step) { s.Confirm = time.Minute }))
	s.change(declare("record/payroll.mycompany.com", "nat/payroll@edge1"), actuators.Create, step("set", "set A 203.0.113.3, TTL 1m0s", nil))
	ledger := s.change(declare("vm/ledger@jino1", ""), actuators.Update,
		step("tune", "memory 1Gi → 2Gi", func(s *actuators.Step) { s.Disruptive = "restart" }), step("grow", "grow 64Mi → 128Mi", func(s *actuators.Step) { s.Reversal = actuators.Kept }))
	ledger.Diff.Changes = []actuators.Change{
		{Path: "memory.max", From: "1Gi", To: "2Gi", Effect: actuators.EffectRestart},
		{Path: "disks", From: []string{"a"}, To: []string{"a", "b"}},
		{Path: "cpu.model", From: "host"},
	}
	oldDisk, oldVM, oldName := s.applied(at("volume/old-disk@jino0"), nil), s.applied(at("vm/old@jino0"), all("volume/old-disk@jino0")), s.applied(at("record/old.mycompany.com"), all("vm/old@jino0"))
	for _, e := range []*schema.Pos{&oldDisk.Pos, &oldVM.Pos, &oldName.Pos} {
		*e = schema.Pos{File: "boston/old.cue", Line: 3, Col: 2}
	}
	s.remove(oldName, step("remove", "remove A", func(s *actuators.Step) { s.Hold = time.Minute }))
	s.remove(oldVM, step("retire", "stop it and set it aside", func(s *actuators.Step) { s.Disruptive = "it stops" }))
	s.remove(oldDisk, step("retire", "set /var/lib/plumb/images/old-disk.qcow2 aside", nil))
	s.in.Diff.Refusals = []diff.Refusal{
		refusal("volume/books@ofiler1", "unknown", "ofiler1 did not answer within 30s"),
		refusal("vm/books@jino1", "blocked", "waits for volume/books@ofiler1"),
	}
	s.in.Diff.Notes = []diff.Note{{Instance: at("volume/ledger@jino1"), Text: "live size 2Gi is above the declared 1Gi"}}
	return s
}

func (s *scene) external(i, fact string) {
	var f schema.Fact
	_ = f.UnmarshalText([]byte(fact))
	s.in.Want.External = append(s.in.Want.External, schema.External{Instance: at(i), Fact: f})
}

func payrollPlan(t *testing.T) *plan.Plan {
	t.Helper()
	s := payroll()
	first := s.must(t)
	s.in.Parked = map[string]string{first.Lanes[laneOf(first, "vm/ledger@jino1")-1].EffectDigest: "the same effect failed with commit 1111111111"}
	p := s.must(t)
	s.external("nat/payroll@edge1", "dev/edge1/eth2")
	s.external("pool/elsewhere@jino9", "path/jino9/srv") // does not change: not shown
	p.External, p.Commit = s.in.Want.External, "2222222222222222222222222222222222222222"
	return p
}

func text(t *testing.T, p *plan.Plan, style plan.Style) string {
	t.Helper()
	var b strings.Builder
	if err := p.WriteText(&b, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	golden(t, "payroll.txt", text(t, payrollPlan(t), plan.Style{Steps: true}))
}

func TestTextInColor(t *testing.T) {
	colored := text(t, payrollPlan(t), plan.Style{Color: true})
	plain := text(t, payrollPlan(t), plan.Style{})
	for _, code := range []string{"0", "2", "31", "32", "33", "1;31"} {
		if !strings.Contains(colored, "\x1b["+code+"m") {
			t.Errorf("no colour %s", code)
		}
		colored = strings.ReplaceAll(colored, "\x1b["+code+"m", "")
	}
	if colored != plain {
		t.Error("colour changes more than colour")
	}
}

func TestTextOfNothing(t *testing.T) {
	p := newScene().must(t)
	if got := text(t, p, plan.Style{}); got != "Nothing to do: what is live is what c1 declares.\n" {
		t.Errorf("%q", got)
	}
	p.Refusals = []diff.Refusal{refusal("vm/a@h1", "foreign", "it is there")}
	if got := text(t, p, plan.Style{}); got != "Plan for c1: no change; 1 refused\n\nRefused:\n  boston/app.cue:9:5: vm/a@h1: foreign: it is there\n" {
		t.Errorf("%q", got)
	}
}

func TestLongChangesAreCutAndCounted(t *testing.T) {
	s := newScene()
	c := s.change(s.declare(at("vm/a@h1"), nil), actuators.Update, one("x"))
	for _, path := range strings.Fields("a b c d e f g h") {
		c.Diff.Changes = append(c.Diff.Changes, actuators.Change{Path: path, From: 1, To: 2})
	}
	if got := text(t, s.must(t), plan.Style{}); !strings.Contains(got, "        e  1 → 2\n        … 3 more\n") {
		t.Error(got)
	}
}
