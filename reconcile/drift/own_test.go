package drift_test

import (
	"testing"
	"testing/synctest"
	"time"

	"plumbline/reconcile/drift"
	"plumbline/schema"
)

func newEngine(r *rig) *drift.Engine { return drift.New(r.options) }

func one(name string) []schema.Instance { return []schema.Instance{schema.ParseInstance(name)} }

func TestOurOwnChangeIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1 evented/b@h1")
		defer r.run()()
		pass(time.Second)
		unmask := r.engine.Mask(one("evented/a@h1"), one("evented/a@h1"))
		r.set("evented/a@h1", "2") // half of it
		r.event("evented/a@h1", "")
		pass(time.Minute)
		r.apply("evented/a@h1", "3", time.Now())
		unmask()
		unmask() // once is enough
		pass(time.Minute)
		r.expect("")
	})
}

func TestALookBegunBeforeOurChangeEndedSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.mu.Lock()
		r.slow = 5 * time.Second
		r.mu.Unlock()
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "") // this look takes the half of it with it
		pass(time.Second)
		unmask := r.engine.Mask(one("evented/a@h1"), one("evented/a@h1"))
		r.apply("evented/a@h1", "3", time.Now())
		unmask()
		pass(2 * time.Minute)
		r.expect("")
	})
}

// A plan that was rolled back leaves the entry as it was; only the unmask tells that the look is too old.
func TestALookBegunBeforeOurRollbackEndedSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.mu.Lock()
		r.slow = 5 * time.Second
		r.mu.Unlock()
		unmask := r.engine.Mask(one("evented/a@h1"), one("evented/a@h1"))
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.set("evented/a@h1", "1")
		unmask()
		pass(4500 * time.Millisecond)
		if got := r.phases(); got != "" {
			t.Error(got)
		}
		pass(time.Minute)
		r.expect("")
	})
}

// Without a mask: the entry's own time makes the look stale.
func TestALookFromBeforeTheLastApplicationSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.mu.Lock()
		r.slow = 10 * time.Second
		r.mu.Unlock()
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.apply("evented/a@h1", "3", time.Now())
		r.engine.Forget()
		pass(time.Minute)
		r.expect("")
	})
}

// What somebody changed during our change is found by the look that the unmask asks for, and by a second one: what we did
// may still be settling.
func TestDriftRightAfterOurChangeNeedsTwoLooks(t *testing.T) {
	for _, name := range []string{"polled/a@h1", "evented/a@h1"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, name)
			defer r.run()()
			pass(time.Second)
			unmask := r.engine.Mask(one(name), nil)
			r.apply(name, "3", time.Now())
			r.set(name, "4")
			unmask()
			pass(500 * time.Millisecond)
			if got := r.phases(); got != name+" suspected" || r.said() != "" {
				t.Errorf("%s; %s", got, r.said())
			}
			pass(3 * time.Second)
			r.expect(fires + name)
		})
	}
}

func TestAnApplicationThatBringsItBackIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		unmask := r.engine.Mask(one("evented/a@h1"), one("evented/a@h1"))
		r.apply("evented/a@h1", "5", time.Now())
		unmask()
		pass(time.Second)
		r.expect(fires + "evented/a@h1; " + byHand + "evented/a@h1")
		if got := r.notices[1].Message; got != "evented/a@h1 is as declared again (by apply, after 1.0 s)" {
			t.Error(got)
		}
	})
}
