package vm

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	host "plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/guest"
	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

const payroll = schema.ID("vm/payroll")

// rig runs the kind on a host as the engine would: after every step it waits until what is seen equals what was predicted.
type rig struct {
	t    *testing.T
	host actuators.Host
}

// done is one step that ran.
type done struct {
	step          actuators.Step
	before        json.RawMessage
	state, follow *State // of the domain before and after
}

func newRig(t *testing.T) *rig {
	return &rig{t: t, host: host.NewMachine("host1", host.Dirs{})}
}

// image builds the guest; on a host of a lab it is in the cache already.
func image(t *testing.T) guest.Image {
	t.Helper()
	need.Root(t)
	need.Program(t, "apt-get", "qemu-img", "syslinux", "mcopy", "mke2fs", "busybox", "libvirtd")
	cache, err := lab.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	img, err := guest.Build(ctx, cache)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func (r *rig) sh(script string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command("sh", append([]string{"-ec", script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// world makes what volumes and networks would be: a bridge, a libvirt network, and disks.
func (r *rig) world(img guest.Image, disks ...string) {
	r.t.Helper()
	r.sh(`ip link add app type bridge; ip addr add 10.1.1.2/24 dev app; ip link set app up
		printf "<network><name>app-boston</name><forward mode='bridge'/><bridge name='app'/></network>" >/tmp/n.xml
		virsh -q net-define /tmp/n.xml; virsh -q net-start app-boston
		mkdir -p /var/lib/plumb/pools/vmdisks`)
	for _, disk := range disks {
		r.sh(`qemu-img create -q -f qcow2 -b "$1" -F qcow2 "$2"`, img.Path, "/var/lib/plumb/pools/vmdisks/"+disk+".qcow2")
	}
}

// tap is the device behind the first card of the running domain.
func (r *rig) tap() string {
	r.t.Helper()
	return strings.TrimSpace(r.sh(`virsh -q domiflist payroll | awk 'NR == 1 { print $1 }'`))
}

// have is what the engine would hand to Diff.
func (r *rig) have() actuators.HaveJSON {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	all, err := Kind.Observe(ctx, r.host, actuators.Scope{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	var have actuators.HaveJSON
	for _, one := range all {
		switch {
		case one.ID != payroll:
		case one.Retired:
			have.Retired = one.State
		default:
			have.Here, have.Mark = one.State, one.Mark
			have.Owned = one.Mark != nil && one.Mark.Installation == "lab"
		}
	}
	return have
}

func (r *rig) state() *State { return state(r.t, r.have().Here) }

func state(t *testing.T, data json.RawMessage) *State {
	t.Helper()
	if len(data) == 0 {
		return nil
	}
	var l State
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	return &l
}

// plan gives the action and the steps from what is there to what is wanted.
func (r *rig) plan(want *Spec) (actuators.Diff, []actuators.Step, error) {
	r.t.Helper()
	var spec json.RawMessage
	if want != nil {
		spec, _ = json.Marshal(want)
	}
	have := r.have()
	d, err := Kind.Diff(spec, have)
	if err != nil {
		r.t.Fatal(err)
	}
	if d.Action == actuators.None {
		return d, nil, nil
	}
	sub := actuators.Subject{Instance: payroll.On("host1"), Mark: actuators.Mark{Installation: "lab", ID: payroll, Hash: "0123456789abcdef"}}
	steps, err := Kind.Steps(sub, d, spec, have)
	return d, steps, err
}

// apply runs a plan, twice per step because Do must be idempotent, and expects that nothing is left to do.
func (r *rig) apply(want *Spec, ops string) []done {
	r.t.Helper()
	_, steps, err := r.plan(want)
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for _, s := range steps {
		names = append(names, s.Op)
	}
	if got := strings.Join(names, " "); got != ops {
		r.t.Fatalf("planned %q, want %q", got, ops)
	}
	var ran []done
	for _, s := range steps {
		ran = append(ran, r.run(s))
	}
	if d, _, _ := r.plan(want); d.Action != actuators.None {
		r.t.Fatalf("after apply there is still to %s: %+v", d.Action, d.Changes)
	}
	return ran
}

func (r *rig) run(s actuators.Step) done {
	r.t.Helper()
	op, _ := Kind.Op(s.Op)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	from := r.have().Here
	before, err := op.Capture(ctx, r.host, s.Params)
	if err != nil {
		r.t.Fatalf("capture %s: %v", s.Op, err)
	}
	for range 2 {
		if err := op.Do(ctx, r.host, s.Params, before); err != nil {
			r.t.Fatalf("do %s: %v", s.Op, err)
		}
	}
	predicted, err := op.Predict(s.Params, from)
	if err != nil {
		r.t.Fatal(err)
	}
	d := done{step: s, before: before, state: state(r.t, from), follow: state(r.t, predicted)}
	r.expect("after "+s.Op, d.follow)
	return d
}

// undo takes steps back, last first, and expects the state before each.
func (r *rig) undo(ran []done) {
	r.t.Helper()
	for i := len(ran) - 1; i >= 0; i-- {
		s := ran[i].step
		op, _ := Kind.Op(s.Op)
		ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
		for range 2 {
			if err := op.Undo(ctx, r.host, s.Params, ran[i].before); err != nil {
				r.t.Fatalf("undo %s: %v", s.Op, err)
			}
		}
		cancel()
		r.expect("after undo of "+s.Op, ran[i].state)
	}
}

// expect waits until the configuration is as given; nil is absent.
func (r *rig) expect(when string, want *State) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got := r.state()
		diff := cmp.Diff(config(want), config(got))
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s the domain is not as predicted (-predicted +seen):\n%s", when, diff)
		}
	}
}

func config(l *State) *Config {
	if l == nil {
		return nil
	}
	return &l.Config
}

// page fetches what the guest says about itself.
func (r *rig) page() string { return r.sh(`curl -s -m 5 http://10.1.1.12/`) }

// shows waits until the guest says something of itself: it notices a new device when it likes.
func (r *rig) shows(word string) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		page := r.page()
		if strings.Contains(page, word) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the guest does not show %s:\n%s", word, page)
		}
	}
}

// onHost runs the body on a host of its own, beside the other tests.
func onHost(t *testing.T, body func(r *rig, img guest.Image)) {
	t.Helper()
	t.Parallel()
	img := image(t)
	lab.Within(t, func() { body(newRig(t), img) }, lab.With("libvirtd"))
}

// freeze stops libvirtd until the test ends.
func (r *rig) freeze() (thaw func()) {
	r.t.Helper()
	r.sh(`kill -STOP $(pidof libvirtd)`)
	return func() { r.sh(`kill -CONT $(pidof libvirtd)`) }
}
