package drift_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/reconcile/exec"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

func TestAStreamThatBreaksIsOpenedAnewAndNothingIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		r.options.Interval = time.Hour
		defer r.run()()
		pass(time.Second)
		for range 3 {
			r.mu.Lock()
			r.breaks["evented@h1"] <- errors.New("the daemon ended")
			r.live[schema.ParseInstance("evented/a@h1")] = "2" // while nobody listens
			r.mu.Unlock()
			pass(3 * time.Second)
		}
		r.expect(fires + "evented/a@h1")
		if r.opened["evented@h1"] != 4 {
			t.Errorf("opened %d times", r.opened["evented@h1"])
		}
	})
}

func TestAHostThatComesBackIsWatchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		r.options.Interval = time.Hour
		r.silent["h1"] = true
		defer r.run()()
		pass(10 * time.Minute)
		before := r.count("evented@h1")
		r.set("evented/a@h1", "2")
		r.mu.Lock()
		r.silent["h1"] = false
		r.mu.Unlock()
		pass(15 * time.Second)
		r.expect(fires + "evented/a@h1")
		if before != 1 {
			t.Errorf("%d looks at a host that does not answer", before)
		}
	})
}

func TestAKindThatGivesNoHintsAfterAllIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.breaks["evented@h1"] <- exec.ErrPolled
		pass(10 * time.Minute)
		if r.opened["evented@h1"] != 1 {
			t.Errorf("opened %d times", r.opened["evented@h1"])
		}
	})
}

func TestAHostThatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 evented/a@h1 evented/b@h2 polled/b@h2")
		r.hangs["h1"] = make(chan struct{})
		defer r.run()()
		pass(time.Second)
		r.set("evented/b@h2", "2")
		r.event("evented/b@h2", "")
		r.expect(fires + "evented/b@h2")
		r.set("polled/b@h2", "2")
		pass(35 * time.Second)
		r.expect(fires + "evented/b@h2; " + fires + "polled/b@h2")
		if r.count("polled@h1") != 1 {
			t.Errorf("%d looks at once at one place", r.count("polled@h1"))
		}
	})
}

func TestHealingDoesNotStopTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1 evented/b@h2")
		r.healing = func(ctx context.Context, _ []schema.Instance) error {
			<-ctx.Done()
			return ctx.Err()
		}
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.set("evented/b@h2", "2")
		r.event("evented/b@h2", "")
		r.expect(fires + "evented/a@h1; " + fires + "evented/b@h2")
		if r.healed() != 1 {
			t.Errorf("%d plans at once", r.healed())
		}
	})
}

func TestAStormOfEventsIsNoStormOfLooksAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(5 * time.Second)
		before := r.count("evented@h1")
		for range 5000 {
			r.event("evented/a@h1", "")
		}
		r.set("evented/a@h1", "2") // the last event of the storm tells of it
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.expect(fires + "evented/a@h1")
		if looks := r.count("evented@h1") - before; looks > 3 {
			t.Errorf("%d looks", looks)
		}
	})
}

func TestWhatIsAppliedNewlyIsWatchedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1")
		r.options.Interval = time.Hour
		defer r.run()()
		pass(time.Second)
		unmask := r.engine.Mask(one("evented/n@h9"), one("evented/n@h9"))
		r.apply("evented/n@h9", "1", time.Now())
		unmask()
		pass(time.Second)
		r.set("evented/n@h9", "2")
		r.event("evented/n@h9", "")
		r.expect(fires + "evented/n@h9")
	})
}

func TestASilentHostIsToldOnceAndAgainWhenItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 k0/a@h1 polled/b@h2")
		defer r.run()()
		silence := func(is bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.silent["h1"] = is
		}
		silence(true)
		pass(110 * time.Second) // the look at 30 s was the first that failed
		silence(false)
		pass(30 * time.Second)
		r.expect("") // a short silence is nobody's business
		silence(true)
		pass(10 * time.Minute)
		r.expect("firing ProbeStale host/h1@h1")
		silence(false)
		pass(time.Minute)
		r.expect("firing ProbeStale host/h1@h1; resolved ProbeStale host/h1@h1")
		if r.notices[0].Fingerprint != r.notices[1].Fingerprint || r.notices[0].ID == r.notices[1].ID || r.notices[0].Severity != notify.Critical {
			t.Errorf("%+v", r.notices)
		}
	})
}

func TestWhatCannotBeSeenIsNoDriftAndIsToldOnceWithItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		defer r.run()()
		r.set("polled/a@h1", hidden)
		r.set("polled/b@h1", "2") // beside it everything goes on
		pass(10 * time.Minute)
		r.expect(fires + "polled/b@h1; firing ProbeStale host/h1@h1")
		if text := r.notices[len(r.notices)-1].Message; !strings.Contains(text, "polled/a is unknown: not mounted") {
			t.Errorf("told %q", text)
		}
		r.set("polled/a@h1", "1")
		pass(time.Minute)
		r.expect(fires + "polled/b@h1; firing ProbeStale host/h1@h1; resolved ProbeStale host/h1@h1")
	})
}

func TestADriftThatCannotBeSeenAnyMoreIsNotResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1")
		defer r.run()()
		r.set("polled/a@h1", "2")
		pass(2 * time.Minute)
		r.set("polled/a@h1", hidden)
		pass(time.Minute)
		r.expect(fires + "polled/a@h1")
	})
}
