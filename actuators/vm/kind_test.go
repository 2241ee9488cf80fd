package vm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

// there is the VM that declared makes, running.
func there(t *testing.T, change func(l *State)) *State {
	t.Helper()
	p := &planner{want: declared(t, nil)}
	l := &State{Config: p.wanted("u"), Status: Status{Name: "payroll", Accel: "tcg", Machine: "q35", Memory: 128 << 20, CPUs: 1}}
	started(l)
	if change != nil {
		change(l)
	}
	return l
}

// TestPlans holds, per case, the action, the changed fields with their effects, and the operations; "!" is disruptive.
func TestPlans(t *testing.T) {
	down := func(l *State) { ended(l) }
	cases := []struct {
		name string
		want func(s *Spec)
		have func(l *State)
		plan string
	}{
		{"nothing", nil, nil, "none"},
		{"more CPUs", func(s *Spec) { s.CPU.Now = 2 }, nil, "update cpu.now:live | set-cpu"},
		{"fewer CPUs", nil, func(l *State) { l.Config.CPU, l.Status.CPUs = CPU{Now: 2, Max: 2}, 2 }, "update cpu.now:next boot | set-cpu"},
		{"fewer CPUs wait for a boot", nil, func(l *State) { l.Status.CPUs = 2 }, "none"},
		{"a CPU was unplugged", func(s *Spec) { s.CPU.Now = 2 }, func(l *State) { l.Config.CPU, l.Status.CPUs = CPU{Now: 2, Max: 2}, 1 }, "update cpu.running:live | set-cpu"},
		{"more CPUs than possible", func(s *Spec) { s.CPU.Now, s.CPU.Max = 4, 4 }, nil, "update cpu.max:restart cpu.now:restart | stop! set-cpu start ready"},
		{"more CPUs of a stopped VM", func(s *Spec) { s.CPU.Max, s.Power = 4, stopped }, down, "update cpu.max:live | set-cpu"},
		{"more memory", func(s *Spec) { s.Memory.Now = "192Mi" }, nil, "update memory.now:live | set-memory"},
		{"more memory than possible", func(s *Spec) { s.Memory.Max = "512Mi" }, nil, "update memory.max:restart | stop! set-memory start ready"},
		{"the balloon lags", nil, func(l *State) { l.Status.Memory = 1 }, "none"},
		{"a disk more", addDisk, nil, "update disks.vdb:live | attach-disk"},
		{"a disk less", noDisk, nil, "update disks.vda:restart | stop! detach-disk start ready"},
		{"a disk was pulled out of the guest", nil, func(l *State) { l.Config.Disks[0].Live = false }, "update disks.vda.live:live | attach-disk"},
		{"a disk of a stopped VM", addDisk, down, "update disks.vdb:live power:live | attach-disk start ready"},
		{"a card less", func(s *Spec) { s.NICs, s.Ready = nil, nil }, nil, "update nics.MAC:restart nics.MAC.address:restart | stop! detach-nic set-guest start"},
		{"undefined while it runs", nil, func(l *State) { l.Config.Transient = true }, "update defined:live | redefine"},
		{"undefined while it runs, and to be stopped", func(s *Spec) { s.Power = stopped }, func(l *State) { l.Config.Transient = true },
			"update defined:live power:live | redefine stop!"},
		{"undefined while it runs, and to be tuned", func(s *Spec) { s.CPU.Now, s.Autostart = 2, true }, func(l *State) { l.Config.Transient = true },
			"update defined:live cpu.now:live autostart:live | redefine set-autostart set-cpu"},
		{"a card is unplugged", nil, func(l *State) { l.Config.NICs[0].Cut = unplugged }, "update nics.MAC:live | plug"},
		{"a card is switched off", nil, func(l *State) { l.Config.NICs[0].Cut = off }, "update nics.MAC:live | plug"},
		{"a card has lost its tap", nil, func(l *State) { l.Config.NICs[0].Cut = gone }, "update nics.MAC:restart | stop! start ready"},
		{"a card is unplugged before a restart", func(s *Spec) { s.CPU.Max = 4 }, func(l *State) { l.Config.NICs[0].Cut = unplugged },
			"update cpu.max:restart nics.MAC:live | stop! set-cpu start ready"},
		{"a card is unplugged before a stop", func(s *Spec) { s.Power = stopped }, func(l *State) { l.Config.NICs[0].Cut = unplugged }, "update nics.MAC:live power:live | stop!"},
		{"another address", func(s *Spec) { s.NICs[0].Address = "10.1.1.13" }, nil, "update nics.MAC.address:restart | stop! set-guest start ready"},
		{"autostart", func(s *Spec) { s.Autostart = true }, nil, "update autostart:live | set-autostart"},
		{"off", func(s *Spec) { s.Power = stopped }, nil, "update power:live | stop!"},
		{"on", nil, down, "update power:live | start ready"},
		{"paused", nil, func(l *State) { l.Config.Power = "paused" }, "update power:live | start ready"},
		{"asleep by itself", nil, func(l *State) { l.Config.Power = "suspended" }, "none"},
		{"another accelerator", func(s *Spec) { s.Accel = "kvm" }, nil, "update accel:never | refused"},
		{"another machine", func(s *Spec) { s.Machine = "pc" }, nil, "update machine:never | refused"},
		{"another CPU", func(s *Spec) { s.CPU.Model = "Nehalem" }, nil, "update cpu.model:never | refused"},
		{"longer to stop", func(s *Spec) { s.Stop.Timeout = "5m" }, nil, "update stop.timeout:live | set-stop"},
		{"made by others without OEM strings", nil, func(l *State) { l.Config.Guest = nil }, "update guest:next boot | set-guest"},
		{"any accelerator", func(s *Spec) { s.Accel = "auto" }, nil, "none"},
		{"a file of another format", nil, func(l *State) { l.Config.Disks[0].Format = "raw" }, "update disks.vda.format:never | refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := declared(t, c.want)
			have := actuators.Have[State]{Here: there(t, c.have), Owned: true}
			if got := planText(want, have); got != c.plan {
				t.Errorf("got  %s\nwant %s", got, c.plan)
			}
		})
	}
}

func addDisk(s *Spec) { s.Disks = append(s.Disks, DiskSpec{Volume: "extra"}) }
func noDisk(s *Spec)  { s.Disks = nil }

func planText(want *Spec, have actuators.Have[State]) string {
	d := diff(want, have)
	if d.Action == actuators.None {
		return "none"
	}
	words := []string{d.Action.String()}
	for _, c := range d.Changes {
		path := c.Path
		if strings.HasPrefix(path, "nics.") {
			path = "nics.MAC" + path[len("nics.52:54:00:00:00:00"):]
			path = strings.TrimSuffix(strings.TrimSuffix(path, ".plugged"), ".live")
		}
		words = append(words, path+":"+string(c.Effect))
	}
	words = append(words, "|")
	all, err := steps(subject, d, want, have)
	if errors.Is(err, actuators.ErrRefused) {
		return strings.Join(append(words, "refused"), " ")
	}
	for _, s := range all {
		if s.Disruptive != "" {
			s.Op += "!"
		}
		words = append(words, s.Op)
	}
	return strings.Join(words, " ")
}

var subject = actuators.Subject{Instance: payroll.On("host1"), Mark: actuators.Mark{Installation: "lab", ID: payroll, Hash: "h"}}

func TestPresenceDecidesTheAction(t *testing.T) {
	l := there(t, func(l *State) { ended(l) })
	on := there(t, func(l *State) { l.Config.Autostart = true })
	transient := there(t, func(l *State) { l.Config.Transient = true })
	cases := []struct {
		name string
		want *Spec
		have actuators.Have[State]
		plan string
	}{
		{"absent", declared(t, nil), actuators.Have[State]{}, "create | define start ready"},
		{"absent and declared off", declared(t, func(s *Spec) { s.Power, s.Autostart = stopped, true }), actuators.Have[State]{}, "create | define set-autostart"},
		{"retired", declared(t, nil), actuators.Have[State]{Retired: l}, "restore power:live | restore start ready"},
		{"removed", nil, actuators.Have[State]{Here: on, Owned: true}, "retire | set-autostart stop! retire"},
		{"removed and off", nil, actuators.Have[State]{Here: l, Owned: true}, "retire | retire"},
		{"removed and gone", nil, actuators.Have[State]{}, "none"},
		{"removed and undefined while it runs", nil, actuators.Have[State]{Here: transient, Owned: true}, "retire | redefine stop! retire"},
		{"to adopt without a definition", declared(t, nil), actuators.Have[State]{Here: transient}, "adopt | refused"},
		{"to adopt", declared(t, nil), actuators.Have[State]{Here: l}, "adopt | adopt"},
		{"on another host", declared(t, nil), actuators.Have[State]{Elsewhere: map[string]*State{"jino1": l}}, "migrate | refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := planText(c.want, c.have); got != c.plan {
				t.Errorf("got  %s\nwant %s", got, c.plan)
			}
		})
	}
}

// TestPredictionsOfAPlanLeaveNothingToDo: what every plan of the tables predicts is what was wanted.
func TestPredictionsOfAPlanLeaveNothingToDo(t *testing.T) {
	wants := []func(s *Spec){nil, addDisk, noDisk, func(s *Spec) { s.CPU.Now, s.CPU.Max, s.Memory.Max = 4, 4, "512Mi" },
		func(s *Spec) { s.Power = stopped }, func(s *Spec) { s.NICs, s.Ready = nil, nil }, func(s *Spec) { s.NICs[0].Address = "10.1.1.13" }}
	haves := []*State{nil, there(t, nil), there(t, func(l *State) { ended(l) }), there(t, func(l *State) {
		l.Config.Disks = append(l.Config.Disks, Disk{Target: "vdx", Path: "/x", Live: true, Extra: true})
	}), there(t, func(l *State) { l.Config.NICs[0].Cut, l.Config.Transient = unplugged, true })}
	for w, change := range wants {
		for h, have := range haves {
			want := declared(t, change)
			after := predictAll(t, want, have)
			if d := diff(want, actuators.Have[State]{Here: after, Owned: true}); d.Action != actuators.None {
				t.Errorf("want %d, have %d: still to do: %+v", w, h, d.Changes)
			}
		}
	}
}

func predictAll(t *testing.T, want *Spec, here *State) *State {
	t.Helper()
	have := actuators.Have[State]{Here: here, Owned: here != nil}
	all, err := steps(subject, diff(want, have), want, have)
	if err != nil {
		t.Fatal(err)
	}
	var state json.RawMessage
	if here != nil {
		state, _ = json.Marshal(here)
	}
	for _, s := range all {
		op, _ := Kind.Op(s.Op)
		if state, err = op.Predict(s.Params, state); err != nil {
			t.Fatal(err)
		}
	}
	after, err := decodeState(state)
	if err != nil {
		t.Fatal(err)
	}
	after.Status.Accel, after.Status.Machine = "tcg", "q35"
	return after
}

func decodeState(data json.RawMessage) (*State, error) {
	var l State
	return &l, json.Unmarshal(data, &l)
}

func TestResolveFindsMistakes(t *testing.T) {
	cases := []struct {
		name    string
		change  func(s *Spec)
		problem string
	}{
		{"memory above its most", func(s *Spec) { s.Memory.Now = "1Gi" }, "memory.now: it is above memory.max, which is 256Mi"},
		{"memory in Ki", func(s *Spec) { s.Memory.Now = "1000Ki" }, "memory: QEMU counts a guest's memory in whole Mi"},
		{"address of another network", func(s *Spec) { s.NICs[0].Address = "10.2.1.12" }, "nics.0.address: 10.2.1.12 is not within 10.1.1.0/24 of network/app-boston"},
		{"an hour to stop", func(s *Spec) { s.Stop.Timeout = "1h" }, "stop.timeout: 1h is not a time between 0 and 15m0s"},
		{"a console over a file of the host", func(s *Spec) { s.Serial = "/var/log/../../etc/shadow" },
			"serial: /var/log/../../etc/shadow is not below /var/log/: what a guest says is written there as root"},
		{"nothing to probe", func(s *Spec) { s.NICs[0].Address = "" }, "ready: no network card has an address to probe"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := *declared(t, nil)
			c.change(&s)
			spec, _ := json.Marshal(s)
			_, _, problems := Kind.Resolve(payroll, schema.Place{Host: "host1", Hosts: []string{"host1"}}, spec, lookup)
			if len(problems) != 1 || problems[0].Path+": "+problems[0].Text != c.problem {
				t.Errorf("got %v, want %s", problems, c.problem)
			}
		})
	}
}

func TestVolumeAndNetworkMustBeOnTheHost(t *testing.T) {
	spec, _ := json.Marshal(declared(t, nil))
	_, _, problems := Kind.Resolve(payroll, schema.Place{Host: "jino9", Hosts: []string{"jino9"}}, spec, lookup)
	if len(problems) != 2 || problems[0].Path != "disks.0.volume" || problems[1].Path != "nics.0.network" {
		t.Errorf("got %v, want a problem with the volume and one with the network", problems)
	}
}

func TestAuditAddsUpTheMemoryOfAHost(t *testing.T) {
	declare := func(name, most string) schema.Declared {
		spec, _ := json.Marshal(declared(t, func(s *Spec) { s.Memory.Max = most }))
		return schema.Declared{Instance: schema.MakeID("vm", name).On("host1"), Spec: spec}
	}
	if problems := Kind.Audit([]schema.Declared{declare("a", "512Mi"), declare("b", "512Mi")}, lookup); len(problems) > 0 {
		t.Errorf("1Gi does not fit 1Gi: %v", problems)
	}
	problems := Kind.Audit([]schema.Declared{declare("a", "512Mi"), declare("b", "513Mi"), declare("c", "1Gi")}, lookup)
	if len(problems) != 1 || problems[0].Object != "vm/b" || !strings.Contains(problems[0].Text, "may take 1025Mi, and it has 1Gi") {
		t.Errorf("got %v, want one problem at vm/b", problems)
	}
}

func TestFacts(t *testing.T) {
	spec, _ := json.Marshal(declared(t, func(s *Spec) { s.NICs[0].MAC = "52:54:00:0A:01:0C" }))
	facts, err := Kind.Facts(payroll.On("host1"), spec)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, use := range append(facts.Provides, facts.Needs...) {
		got = append(got, use.Fact.String())
	}
	want := "addr/app-boston/10.1.1.12 mac/app-boston/52:54:00:0a:01:0c disk/host1//var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 reach/app-boston/host1"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestABalloonThatNobodyToldOfIsNoNote(t *testing.T) {
	for memory, notes := range map[int64]int{0: 0, 100 << 20: 1, 128 << 20: 0} {
		d := diff(declared(t, nil), actuators.Have[State]{Here: there(t, func(l *State) { l.Status.Memory = memory }), Owned: true})
		if len(d.Notes) != notes {
			t.Errorf("a balloon of %d: notes %q", memory, d.Notes)
		}
	}
}
