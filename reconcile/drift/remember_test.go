package drift_test

import (
	"testing"
	"testing/synctest"
	"time"

	"plumbline/reconcile/drift"
	"plumbline/reconcile/notify"
)

// restart ends the engine and starts another on what it remembered.
func (r *rig) restart(stop func()) (next func()) {
	stop()
	r.mu.Lock()
	clear(r.streams)
	r.mu.Unlock()
	return r.run()
}

func TestARestartTellsNothingTwiceAndForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1").remembering(notify.NewOutbox())
		stop := r.run()
		r.set("polled/a@h1", "2")
		pass(32 * time.Second)
		r.expect(fires + "polled/a@h1")
		stop = r.restart(stop)
		pass(5 * time.Minute)
		r.expect(fires + "polled/a@h1")
		r.set("polled/a@h1", "1")
		stop = r.restart(stop) // it came back while nobody looked
		defer func() { stop() }()
		pass(time.Minute)
		r.expect(fires + "polled/a@h1; " + byHand + "polled/a@h1")
		if r.notices[1].ID != r.notices[0].ID[:len(r.notices[0].ID)-1]+"2" {
			t.Errorf("%s then %s", r.notices[0].ID, r.notices[1].ID)
		}
	})
}

func TestWhatWasOnlySuspectedIsSuspectedAnewAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1").remembering(notify.NewOutbox())
		stop := r.run()
		r.set("polled/a@h1", "2")
		pass(28200 * time.Millisecond)
		if r.phases() != "polled/a@h1 suspected" {
			t.Fatal(r.phases())
		}
		stop = r.restart(stop)
		defer func() { stop() }()
		pass(5 * time.Second)
		r.expect(fires + "polled/a@h1")
	})
}

func TestHealsAreCountedOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := healer(t, "evented/a@h1").remembering(notify.NewOutbox())
		stop := r.run()
		for range 6 {
			pass(time.Minute)
			r.set("evented/a@h1", "2")
			r.event("evented/a@h1", "")
			pass(time.Minute)
			stop = r.restart(stop)
		}
		stop()
		if r.healed() != 3 {
			t.Errorf("healed %d times: %s", r.healed(), r.said())
		}
	})
}

func TestASilentHostIsNotToldAgainAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1").remembering(notify.NewOutbox())
		stop := r.run()
		r.mu.Lock()
		r.silent["h1"] = true
		r.mu.Unlock()
		pass(5 * time.Minute)
		stop = r.restart(stop)
		pass(5 * time.Minute)
		r.mu.Lock()
		r.silent["h1"] = false
		r.mu.Unlock()
		pass(time.Minute)
		stop()
		r.expect("firing ProbeStale host/h1@h1; resolved ProbeStale host/h1@h1")
	})
}

func TestWhatSomebodySeesToIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1").remembering(notify.NewOutbox())
		r.options.Remind = 24 * time.Hour
		stop := r.run()
		r.set("polled/a@h1", "2")
		r.set("polled/b@h1", "2")
		pass(time.Hour)
		if n, err := r.engine.Ack("polled/a@h1", drift.Ack{By: "anna", Reason: "on it"}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := r.engine.Ack("polled/b", drift.Ack{By: "anna", Until: time.Now().Add(30 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.engine.Ack("polled/c", drift.Ack{}); err == nil {
			t.Error("nobody is called so")
		}
		if got := r.phases(); got != "polled/a@h1 acked; polled/b@h1 snoozed" {
			t.Error(got)
		}
		stop = r.restart(stop)
		defer func() { stop() }()
		pass(29 * time.Hour)
		if n := len(r.notices); n != 2 {
			t.Fatalf("%d notices: %s", n, r.said())
		}
		pass(2 * time.Hour) // b's snooze is over
		if n := len(r.notices); n != 3 || r.notices[2].Message != "polled/b@h1 still differs: v is 2, declared 1, for 30h59m33s; it is left as it is" {
			t.Fatalf("%d: %s", n, r.notices[n-1].Message)
		}
		r.set("polled/a@h1", "1")
		pass(time.Minute)
		if last := r.notices[len(r.notices)-1]; last.Status != notify.Resolved {
			t.Errorf("what somebody saw to is resolved, too: %s", r.said())
		}
	})
}

func TestWhatFiresForLongIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1")
		r.options.Remind = 24 * time.Hour
		defer r.run()()
		r.set("polled/a@h1", "2")
		pass(50 * time.Hour)
		r.expect(fires + "polled/a@h1; " + fires + "polled/a@h1; " + fires + "polled/a@h1")
	})
}
