package drift_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// healer is a rig that heals the kinds "polled" and "evented".
func healer(t testing.TB, instances string) *rig {
	r := newRig(t, instances)
	r.options.Policy = map[string]string{"polled": "heal", "evented": "heal", "data": "heal", "seen": "heal"}
	r.heal()
	return r
}

func (r *rig) healed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heals)
}

func TestPolicyIsTheObjectsWordThenTheKinds(t *testing.T) {
	for _, c := range []struct {
		name, word, config string
		want               drift.Policy
	}{
		{"polled/a@h1", "", "", drift.Alert},
		{"polled/a@h1", "", "heal", drift.Heal},
		{"polled/a@h1", "alert", "heal", drift.Alert},
		{"polled/a@h1", "heal", "alert", drift.Heal},
		{"data/a@h1", "", "heal", drift.Alert}, // what holds data is healed by its own word only
		{"data/a@h1", "heal", "", drift.Heal},
		{"seen/a@h1", "heal", "heal", drift.Alert}, // there is nothing to heal it with
	} {
		r := newRig(t, c.name)
		r.entry(c.name, func(e *inventory.Entry) { e.Drift = c.word })
		id := schema.ParseInstance(c.name).ID
		r.options.Policy = map[string]string{id.Kind(): c.config}
		r.set(c.name, "2")
		if got := newEngine(r).Sweep(t.Context())[0].Policy; got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestDriftIsHealedAtOnceAndResolvedByHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1 data/d@h1")
		defer r.run()()
		pass(time.Second)
		r.set("data/d@h1", "2")
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.expect(fires + "evented/a@h1; " + byHeal + "evented/a@h1")
		pass(time.Minute)
		if r.healed() != 1 || !strings.Contains(r.said(), fires+"data/d@h1") {
			t.Errorf("%v; %s", r.heals, r.said())
		}
	})
}

func TestWhatFiresTogetherIsHealedInOnePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1 evented/b@h1")
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(50 * time.Millisecond)
		r.set("evented/b@h1", "2")
		r.event("evented/b@h1", "")
		pass(time.Second)
		if r.healed() != 1 || len(r.heals[0]) != 2 {
			t.Errorf("healed %v", r.heals)
		}
	})
}

// Whether a rule has it told to nobody is found out when what gathered is told; such a thing is not healed by itself.
func TestWhatGathersIsToldBeforeItIsHealed(t *testing.T) {
	for _, muted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := healer(t, "evented/a@h1 evented/b@h1")
			r.options.Alone, r.options.Gather = 5, 400*time.Millisecond // longer than healing gathers
			if muted {
				r.rule(schema.Mute, "evented/*")
			}
			defer r.run()()
			pass(time.Second)
			for _, name := range []string{"evented/a@h1", "evented/b@h1"} {
				r.set(name, "2")
				r.stream(name)(actuators.Event{ID: schema.ParseInstance(name).ID, Time: time.Now()})
			}
			pass(time.Second)
			if want := map[bool]int{false: 1, true: 0}[muted]; r.healed() != want {
				t.Errorf("muted %t: healed %v", muted, r.heals)
			}
			if told := strings.Count(r.said(), "firing"); told != map[bool]int{false: 2, true: 0}[muted] {
				t.Errorf("muted %t: %s", muted, r.said())
			}
		})
	}
}

func TestAFightIsSpacedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		var at []time.Duration
		begun := time.Now()
		for range 240 { // somebody changes it back every half second
			r.set("evented/a@h1", "2")
			before := r.healed()
			r.event("evented/a@h1", "")
			pass(500 * time.Millisecond)
			if r.healed() > before {
				at = append(at, time.Since(begun).Truncate(time.Second))
			}
		}
		if got := fmt.Sprint(at); got != "[0s 5s 15s]" {
			t.Errorf("healed after %s", got)
		}
		if n := strings.Count(r.said(), fought); n != 1 || !strings.HasSuffix(r.said(), fought+"evented/a@h1") {
			t.Errorf("%d times contended: %s", n, r.said())
		}
		pass(2 * time.Hour)
		if r.healed() != 3 {
			t.Errorf("healed %d times: a contended incident waits for a person", r.healed())
		}
		r.set("evented/a@h1", "1")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		if r.healed() != 4 {
			t.Errorf("healed %d times: an hour later it is tried anew", r.healed())
		}
	})
}

func TestHealingThatFailsIsTriedThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1")
		r.healing = func(context.Context, []schema.Instance) error { return errors.New("refused") }
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(10 * time.Minute)
		if r.healed() != 3 {
			t.Errorf("%d", r.healed())
		}
		r.expect(fires + "evented/a@h1; " + fought + "evented/a@h1")
	})
}

func TestNothingIsHealedWhileFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1")
		frozen := make(chan bool, 1)
		frozen <- true
		r.options.Frozen = func() bool { f := <-frozen; frozen <- f; return f }
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Hour)
		if r.healed() != 0 {
			t.Error("healed while frozen")
		}
		<-frozen
		frozen <- false
		pass(2 * time.Second)
		if r.healed() != 1 {
			t.Error("not healed after the thaw")
		}
	})
}

func TestTooMuchDriftAtOnceIsToldAndNotHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for n := range 10 {
			names = append(names, fmt.Sprintf("polled/%d@h1", n))
		}
		r := healer(t, strings.Join(names, " "))
		defer r.run()()
		for _, name := range names {
			r.set(name, "2")
		}
		pass(5 * time.Minute)
		if r.healed() != 0 || strings.Count(r.said(), withheld) != 1 {
			t.Errorf("%v: %s", r.heals, r.said())
		}
		for _, name := range names[:2] {
			r.set(name, "1")
		}
		pass(time.Minute)
		if r.healed() == 0 || len(r.engine.Incidents()) != 0 {
			t.Errorf("%v: %s", r.heals, r.phases())
		}
	})
}
