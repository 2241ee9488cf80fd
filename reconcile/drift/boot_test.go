package drift_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
)

// booting is a rig whose hosts answer with a boot, and which heals what it is asked to.
func booting(t testing.TB, instances string) (r *rig, boot func(string)) {
	var now atomic.Value
	now.Store("b1")
	r = newRig(t, instances).remembering(notify.NewOutbox())
	r.options.Boot = func(string) string { return now.Load().(string) }
	r.heal()
	return r, func(id string) { now.Store(id) }
}

// healedNames is what was healed, sorted.
func (r *rig) healedNames() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, list := range r.heals {
		for _, i := range list {
			out = append(out, i.String())
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

const sweep = 30 * time.Second

func TestWhatABootTookAlongIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, boot := booting(t, "polled/a@h1 polled/b@h1 data/d@h1 polled/said@h1 polled/by-hand@h1 k1/asked@h1 polled/z@h2")
		r.entry("polled/said@h1", func(e *inventory.Entry) { e.Drift = "alert" })
		r.options.Policy = map[string]string{"k1": "ask"}
		defer r.run()()
		r.set("polled/by-hand@h1", "2") // and told, before it boots
		pass(sweep + 2*time.Second)
		boot("b2")
		for _, gone := range []string{"polled/a@h1", "data/d@h1", "polled/said@h1", "k1/asked@h1"} {
			r.set(gone, "")
		}
		r.set("polled/b@h1", "1,2")
		pass(sweep + 5*time.Second)
		if got := r.healedNames(); got != "polled/a@h1 polled/b@h1" {
			t.Errorf("healed %q", got)
		}
		if told := r.messages(); !strings.Contains(told, "polled/a@h1 is gone; its host booted; it will be healed") || !strings.Contains(told, "data/d@h1 is gone; its host booted; it is left as it is") {
			t.Errorf("told:\n%s", told)
		}
		r.set("polled/a@h1", "") // now somebody did it
		r.set("polled/z@h2", "")
		pass(2 * sweep)
		if got := r.healedNames(); got != "polled/a@h1 polled/b@h1" {
			t.Errorf("healed %q, though nothing booted since", got)
		}
	})
}

func (r *rig) messages() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, n := range r.notices {
		out = append(out, n.Message)
	}
	return strings.Join(out, "\n")
}

// The whole site was without power: the controller, too, begins anew.
func TestABootWhileNobodyLookedIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for n := range 40 { // more than drift at once may be, where nothing explains it
			names = append(names, fmt.Sprintf("polled/p%02d@h1", n))
		}
		r, boot := booting(t, strings.Join(names, " "))
		r.options.Alone, r.options.Gather = 5, 150*time.Millisecond
		stop := r.run()
		pass(time.Second)
		stop()
		boot("b2")
		for _, name := range names {
			r.set(name, "")
		}
		stop = r.run()
		defer func() { stop() }()
		pass(sweep)
		if got := r.healedNames(); got != strings.Join(names, " ") {
			t.Errorf("healed %q", got)
		}
		if len(r.heals) != 1 {
			t.Errorf("in %d plans", len(r.heals))
		}
		if told := r.messages(); !strings.Contains(told, "more of the same cause is not told; their host booted, and what it took along is made again") {
			t.Error(told)
		}
	})
}

func TestTheFirstBootThatIsKnownExplainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := booting(t, "polled/a@h1")
		r.set("polled/a@h1", "")
		defer r.run()()
		pass(2 * sweep)
		if got := r.healedNames(); got != "" || r.said() != fires+"polled/a@h1" {
			t.Errorf("healed %q; %s", got, r.said())
		}
	})
}
