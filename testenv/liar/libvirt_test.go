package liar

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/dir"
	"plumbline/testenv/lab"
)

// daemon is where libvirtd listens.
const daemon = "/var/run/libvirt/libvirt-sock"

// scenes are what is applied while libvirtd goes wrong: something is made; something is made of which the last step is refused,
// so that all is taken back; what was made is taken away.
var scenes = []string{"apply", "rollback", "removal"}

var ends = []End{Mute, Deaf, Lost, Cut}

// TestALibvirtThatBreaksAfterACall: libvirtd falls silent at the n-th call of an apply, of a rollback or of a removal, or its
// connection dies there, before the call or with the answer. All ends in time, nothing is called applied that is not there, and
// with an honest libvirtd all is there, once. It plays each scene with one silence and one death, by a seed that is printed and
// that LIAR_SEED takes. LIAR=all (make liar) plays every n with every end.
func TestALibvirtThatBreaksAfterACall(t *testing.T) {
	if os.Getenv("LIAR") == "all" {
		for _, scene := range scenes {
			for from := 1; from < mostCalls; from += block {
				t.Run(fmt.Sprintf("%s from %d", scene, from), func(t *testing.T) { within(t, func() { everyCall(t, scene, from) }) })
			}
		}
		return
	}
	t.Parallel()
	within(t, func() {
		seed := uint64(time.Now().UnixNano())
		if text := os.Getenv("LIAR_SEED"); text != "" {
			seed, _ = strconv.ParseUint(text, 10, 64)
		}
		t.Logf("LIAR_SEED=%d", seed)
		chance := rand.New(rand.NewPCG(seed, 1))
		for _, scene := range scenes {
			most := honest(t, scene)
			for _, one := range [][]End{{Mute, Deaf}, {Lost, Cut}} {
				try(t, scene, one[chance.IntN(len(one))], 1+chance.IntN(most))
			}
		}
	})
}

const (
	mostCalls = 240 // that a scene may have
	block     = 15  // calls on one host: a body within a host has five minutes
)

func within(t *testing.T, body func()) {
	lab.Within(t, func() {
		sh(t, "ip link add app type bridge; ip link set app up; ip link add spare type veth peer name other")
		body()
	}, lab.With("libvirtd"))
}

// everyCall plays a block of calls with every end.
func everyCall(t *testing.T, scene string, from int) {
	most := honest(t, scene)
	for n := from; n < from+block && n <= most; n++ {
		for _, end := range ends {
			try(t, scene, end, n)
		}
	}
}

// honest plays a scene with an honest libvirtd, and gives how many calls it has.
func honest(t *testing.T, scene string) int {
	a := &attempt{t: t, scene: scene, id: scene + "-honest"}
	most, _ := a.play()
	t.Logf("%s: %d calls", scene, most)
	if most >= mostCalls {
		t.Errorf("%s has more calls than are tried", scene)
	}
	return most
}

// try plays a scene beside others.
func try(t *testing.T, scene string, end End, n int) {
	t.Run(fmt.Sprintf("%s, %s at %d", scene, end, n), func(t *testing.T) {
		t.Parallel()
		a := &attempt{t: t, scene: scene, end: end, n: n, id: fmt.Sprintf("%s-%s-%d", scene, end, n)}
		if _, broke := a.play(); !broke {
			t.Logf("it had fewer calls this time")
		}
	})
}

// attempt is a scene on objects of its own.
type attempt struct {
	t     *testing.T
	scene string
	end   End
	n     int
	id    string // part of every name

	at         string
	proxy      *Libvirt
	store      *journal.Store
	source     *dir.Source
	controller *reconcile.Controller
	strict     atomic.Bool // verbs are short, and in a rollback the VM is not started
}

// patience is how long a verb may take while libvirtd is not honest. What Plumbline promises is that it ends by then, but for the
// moments in which it still waits for an answer that it was owed. Where many play side by side, the honest calls need longer, too.
func patience() time.Duration {
	if os.Getenv("LIAR") == "all" {
		return 3 * time.Second
	}
	return time.Second
}

// play gives how many calls the scene has, and whether the one came that went wrong.
func (a *attempt) play() (calls int, broke bool) {
	defer a.begin()()
	present := false
	if a.scene == "removal" {
		a.declare(true)
		a.settle()
		present = true
	}
	a.declare(!present)
	p := a.plan()
	if a.n > 0 {
		for n := range p.Steps {
			p.Steps[n].Timeout = min(p.Steps[n].Timeout, patience())
		}
	}
	a.strict.Store(true)
	a.proxy.Arm(a.n, a.end)
	begun := time.Now()
	result, err := a.controller.Apply(a.t.Context(), p, nil)
	a.must(err)
	a.nobodyWaits()
	calls, broke = a.proxy.Mend()
	a.strict.Store(false)
	a.t.Logf("%s: %s after %.1f s and %d calls, residue %v", a.id, result.Verdict, time.Since(begun).Seconds(), calls, result.Residue)
	a.judge(result, present)
	a.release(result)
	a.settle()
	a.seen(!present)
	return calls, broke
}

// nobodyWaits wants no connection on which an answer of libvirtd is still waited for.
func (a *attempt) nobodyWaits() {
	a.t.Helper()
	for end := time.Now().Add(hang); a.proxy.Open.Load() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatalf("%s: %d connections to libvirtd are open, and all is over", a.id, a.proxy.Open.Load())
		}
	}
}

// judge holds a verdict against what is there.
func (a *attempt) judge(result run.Result, present bool) {
	a.t.Helper()
	switch result.Verdict {
	case run.Applied:
		a.seen(!present)
	case run.RolledBack:
		a.seen(present)
	case run.Residual:
		if len(result.Residue) == 0 {
			a.t.Errorf("%s: something is left, and nothing is named: %+v", a.id, result)
		}
	}
	for _, lane := range result.Lanes {
		vm := slices.ContainsFunc(lane.Objects, func(i schema.Instance) bool { return i.ID.Kind() == "vm" })
		stuck := slices.ContainsFunc(result.Residue, func(r run.Residue) bool { return r.Instance.ID.Kind() == "vm" })
		switch is := a.domain("-v") != ""; {
		case !vm || stuck:
		case lane.Outcome == run.LaneApplied && is == present, lane.Outcome == run.LaneRolledBack && is != present:
			a.t.Errorf("%s: the lane is said to be %s, and there is the domain %q", a.id, lane.Outcome, a.domain("-v"))
		}
	}
}

// release does what a person does who has seen to what is left.
func (a *attempt) release(result run.Result) {
	for _, left := range result.Residue {
		_, err := a.store.Unstick(left.Instance)
		a.must(err)
	}
}
