package drift_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

const (
	fires    = "firing DriftDetected "
	byHand   = "resolved DriftResolved "
	byHeal   = "resolved DriftHealed "
	fought   = "firing DriftContended "
	withheld = "event HealWithheld "
)

func TestAPolledDifferenceFiresWhenASecondLookSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		defer r.run()()
		pass(5 * time.Second)
		r.set("polled/a@h1", "2")
		pass(23 * time.Second) // to the look, which comes early enough for a second one within the 30 s
		if got := r.phases(); got != "polled/a@h1 suspected" || r.said() != "" {
			t.Fatalf("after one look: %s; %s", got, r.said())
		}
		pass(2 * time.Second)
		r.expect(fires + "polled/a@h1")
		pass(5 * time.Minute)
		r.expect(fires + "polled/a@h1") // told once
	})
}

func TestAPolledChangeIsToldWithinItsInterval(t *testing.T) {
	for _, interval := range []time.Duration{2 * time.Second, 30 * time.Second} {
		for tenth := range 10 {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "polled/a@h1")
				r.options.Interval = interval
				defer r.run()()
				pass(interval + interval*time.Duration(tenth)/10)
				r.set("polled/a@h1", "2")
				pass(interval)
				r.expect(fires + "polled/a@h1")
			})
		}
	}
}

func TestASuspicionThatPassesIsNeverTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1")
		defer r.run()()
		r.set("polled/a@h1", "2")
		pass(28 * time.Second)
		r.set("polled/a@h1", "1")
		pass(2 * time.Second)
		r.expect("")
		if got := r.phases(); got != "" {
			t.Error(got)
		}
	})
}

func TestAnEventMakesOneLookEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1 evented/b@h1")
		defer r.run()()
		pass(3 * time.Second)
		r.set("evented/a@h1", "2")
		r.set("evented/b@h1", "2")
		changed := time.Now()
		r.event("evented/a@h1", "domain changed")
		r.expect(fires + "evented/a@h1")
		if took := r.times[0].Sub(changed); took > time.Second {
			t.Errorf("told after %s", took)
		}
		if n := r.notices[0]; n.Details["told"] != "domain changed" || n.Severity != notify.Warning || n.Details["last good"] == "" {
			t.Errorf("%+v", n)
		}
		if got := r.phases(); got != "evented/a@h1 firing" { // nobody told of b: the sweep finds it
			t.Error(got)
		}
		pass(30 * time.Second)
		r.expect(fires + "evented/a@h1; " + fires + "evented/b@h1")
	})
}

func TestAnIncidentKeepsItsIdentityUntilItIsResolvedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		for _, value := range []string{"2", "3", "3,new", ""} { // a value, another one, another field, gone
			r.set("evented/a@h1", value)
			r.event("evented/a@h1", "")
			pass(time.Second)
		}
		r.set("evented/a@h1", "1")
		r.event("evented/a@h1", "")
		pass(2 * time.Minute)
		r.expect(fires + "evented/a@h1; " + fires + "evented/a@h1; " + byHand + "evented/a@h1")
		first := r.notices[0]
		for k, n := range r.notices {
			if n.ID != fmt.Sprintf("%s/20000101T000001.000000/%d", first.Fingerprint, k+1) || n.Fingerprint != first.Fingerprint || !n.StartsAt.Equal(first.StartsAt) {
				t.Errorf("%+v is not of %+v", n, first)
			}
		}
		if worse := r.notices[1]; worse.Severity != notify.Critical || !strings.Contains(worse.Message, "is gone") {
			t.Errorf("%+v", worse)
		}
		if first.Message != "evented/a@h1 differs: v is 2, declared 1; it is left as it is" {
			t.Error(first.Message)
		}
	})
}

func TestAValueChangeUpdatesTheOpenIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		r.set("evented/a@h1", "3")
		r.event("evented/a@h1", "")
		if got := r.engine.Incidents()[0].Changes[0].From; got != "3" || r.engine.Firing() != 1 {
			t.Errorf("%v", got)
		}
	})
}

func TestALaterDriftIsAnotherIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		defer r.run()()
		pass(time.Second)
		for _, value := range []string{"2", "1", "2"} {
			r.set("evented/a@h1", value)
			r.event("evented/a@h1", "")
			pass(time.Second)
		}
		r.expect(fires + "evented/a@h1; " + byHand + "evented/a@h1; " + fires + "evented/a@h1")
		if r.notices[0].ID == r.notices[2].ID || r.notices[0].Fingerprint != r.notices[2].Fingerprint {
			t.Errorf("%s %s", r.notices[0].ID, r.notices[2].ID)
		}
	})
}

func TestUnknownIsNeitherDriftNorClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h2")
		defer r.run()()
		r.set("polled/a@h1", "2")
		pass(32 * time.Second)
		r.mu.Lock()
		r.silent["h1"], r.silent["h2"] = true, true
		r.mu.Unlock()
		pass(80 * time.Second)
		r.expect(fires + "polled/a@h1")
		if got := r.phases(); got != "polled/a@h1 firing" {
			t.Error(got)
		}
	})
}

func TestStuckAndRetiredInstancesAreNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		r.entry("polled/a@h1", func(e *inventory.Entry) { e.Stuck = "undo failed" })
		r.entry("polled/b@h1", func(e *inventory.Entry) { e.Retired = &time.Time{} })
		defer r.run()()
		r.set("polled/a@h1", "2")
		r.set("polled/b@h1", "")
		pass(2 * time.Minute)
		r.expect("")
	})
}

func TestTheIncidentOfWhatIsNoLongerOursIsClosed(t *testing.T) {
	for _, leave := range []func(*rig){
		func(r *rig) { delete(r.inv, schema.ParseInstance("polled/a@h1")) },
		func(r *rig) { r.inv[schema.ParseInstance("polled/a@h1")].Retired = &time.Time{} },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "polled/a@h1")
			defer r.run()()
			r.set("polled/a@h1", "2")
			pass(32 * time.Second)
			r.mu.Lock()
			leave(r)
			r.mu.Unlock()
			pass(30 * time.Second)
			r.expect(fires + "polled/a@h1; " + byHand + "polled/a@h1")
			if got := r.notices[1].Message; got != "polled/a@h1 is no longer declared" {
				t.Error(got)
			}
		})
	}
}

func TestSweepGivesWhatTwoLooksSaw(t *testing.T) {
	r := newRig(t, "polled/a@h1 polled/b@h2 evented/c@h2")
	r.set("polled/a@h1", "2")
	r.set("evented/c@h2", "")
	r.engine = newEngine(r)
	r.engine.Sweep(t.Context())
	if got := r.phases(); got != "evented/c@h2 firing; polled/a@h1 firing" {
		t.Error(got)
	}
	if r.count("polled@h2") != 1 || r.count("polled@h1") != 2 {
		t.Errorf("%v", r.looks)
	}
}
