package drift_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// names lists instances "polled/0@h0" … of a kind, so many on each of some hosts.
func names(kind string, each int, hosts ...string) (out []string) {
	for _, host := range hosts {
		for n := range each {
			out = append(out, fmt.Sprintf("%s/%d@%s", kind, n, host))
		}
	}
	return out
}

func grouped(t testing.TB, list []string) *rig {
	r := newRig(t, strings.Join(list, " "))
	r.options.Alone, r.options.Gather = 5, 150*time.Millisecond
	return r
}

func (r *rig) all(list []string, value string) {
	for _, name := range list {
		r.set(name, value)
	}
}

func TestTenThousandIncidentsOfOneCauseAreOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := append(names("polled", 5000, "h1"), names("data", 5000, "h1")...)
		r := grouped(t, list)
		defer r.run()()
		r.all(list, "")
		pass(40 * time.Second)
		r.expect("firing DriftDetected host/h1@h1")
		want := "10000 instances differ at once (host h1): 5000 data missing, 5000 polled missing; the first is data/0@h1; more of the same cause is not told"
		if n := r.notices[0]; n.Message != want || n.Severity != notify.Critical || n.Details["cause"] != "host h1" {
			t.Errorf("%+v", n)
		}
		r.all(list[1:], "1")
		pass(time.Minute)
		r.expect("firing DriftDetected host/h1@h1") // one of them is left
		r.all(list, "1")
		pass(time.Minute)
		r.expect("firing DriftDetected host/h1@h1; resolved DriftResolved host/h1@h1")
		if r.notices[1].Fingerprint != r.notices[0].Fingerprint || r.notices[1].Message != `all of "host h1" are as declared again (by hand, after 84.0 s)` {
			t.Errorf("%+v", r.notices[1])
		}
	})
}

func TestACauseIsTheNarrowestThatCoversItAll(t *testing.T) {
	for _, c := range []struct {
		say  string
		list []string
		set  func(*inventory.Entry)
		want string
	}{
		{"a container", append(names("polled", 4, "h1"), names("data", 4, "h1")...), func(e *inventory.Entry) { e.Share = []string{"nft/edge"} }, "nft/edge on h1"},
		{"a kind", names("polled", 8, "h1"), nil, "all polled on h1"},
		{"a host", append(names("polled", 4, "h1"), names("data", 4, "h1")...), nil, "host h1"},
		{"an object", names("polled", 1, "h1", "h2", "h3", "h4", "h5", "h6"), nil, "polled/0 on its hosts"},
		{"a commit", func() (list []string) {
			for n := range 6 {
				list = append(list, fmt.Sprintf("polled/%d@h%d", n, n))
			}
			return list
		}(), func(e *inventory.Entry) { e.AppliedAt = time.Now().Add(-time.Minute) }, "commit c1"},
		{"many hosts", names("polled", 8, "h1", "h2", "h3", "h4", "h5", "h6"), func(e *inventory.Entry) { e.AppliedAt = time.Now().Add(-time.Hour) }, "several hosts"},
		{"few are told alone", names("polled", 5, "h1"), nil, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := grouped(t, c.list)
			for _, name := range c.list {
				r.entry(name, func(e *inventory.Entry) {
					e.AppliedAt = time.Now().Add(-time.Hour)
					if c.set != nil {
						c.set(e)
					}
				})
			}
			defer r.run()()
			r.all(c.list, "2")
			pass(time.Minute)
			var causes []string
			for _, g := range r.engine.Groups() {
				causes = append(causes, g.Cause)
			}
			notices := 1
			if c.want == "" {
				notices = len(c.list)
			}
			if strings.Join(causes, ",") != c.want || len(r.notices) != notices {
				t.Errorf("%s: %q, %s", c.say, causes, r.said())
			}
		})
	}
}

func TestWhatComesLaterJoinsItsGroupInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := names("polled", 20, "h1")
		r := grouped(t, list)
		r.remembering(notify.NewOutbox())
		stop := r.run()
		r.all(list[:10], "2")
		pass(time.Minute)
		r.all(list, "2")
		pass(time.Minute)
		stop = r.restart(stop)
		defer func() { stop() }()
		pass(time.Minute)
		r.expect("firing DriftDetected host/h1@h1")
		r.set(list[0], "")
		pass(time.Minute)
		r.expect("firing DriftDetected host/h1@h1; firing DriftDetected host/h1@h1") // it became critical
		r.all(list, "1")
		pass(time.Minute)
		if !strings.HasSuffix(r.said(), "resolved DriftResolved host/h1@h1") || len(r.notices) != 3 {
			t.Error(r.said())
		}
	})
}

func TestEventsOfOneCauseGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := names("evented", 30, "h1")
		r := grouped(t, list)
		defer r.run()()
		pass(time.Second)
		for _, name := range list { // in one breath
			r.set(name, "2")
			r.stream(name)(actuators.Event{ID: schema.ParseInstance(name).ID, Time: time.Now()})
		}
		pass(time.Minute)
		r.expect("firing DriftDetected host/h1@h1")
	})
}

// The first one is told at once, for it might be the only one; what follows on its heels is one message.
func TestWhatFollowsOneByOneGathersBehindTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := names("evented", 30, "h1")
		r := grouped(t, list)
		defer r.run()()
		pass(time.Second)
		for _, name := range list {
			r.set(name, "2")
			r.event(name, "")
			pass(10 * time.Millisecond)
		}
		pass(time.Minute)
		r.expect(fires + "evented/0@h1; firing DriftDetected host/h1@h1")
	})
}

// What is over keeps nothing waiting.
func TestOneAfterTheOtherIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := grouped(t, names("evented", 3, "h1"))
		defer r.run()()
		pass(time.Second)
		want := ""
		for n := range 3 {
			name := fmt.Sprintf("evented/%d@h1", n)
			for _, value := range []string{"2", "1"} {
				r.set(name, value)
				r.event(name, "")
				pass(5 * time.Millisecond)
			}
			want += fires + name + "; " + byHand + name + "; "
		}
		r.expect(strings.TrimSuffix(want, "; "))
	})
}

func TestOneAloneIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := grouped(t, []string{"evented/a@h1"})
		defer r.run()()
		pass(time.Second)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(2 * time.Millisecond)
		r.expect(fires + "evented/a@h1")
	})
}

func TestWhatPassesWhileItGathersIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := grouped(t, []string{"evented/a@h1", "evented/b@h1"})
		defer r.run()()
		pass(time.Second)
		for _, value := range []string{"2", "1"} {
			for _, name := range []string{"evented/a@h1", "evented/b@h1"} {
				r.set(name, value)
				r.stream(name)(actuators.Event{ID: schema.ParseInstance(name).ID, Time: time.Now()})
			}
			pass(50 * time.Millisecond)
		}
		pass(time.Minute)
		r.expect("")
	})
}

func TestResolvingWaitsForTheHoldDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		r.options.Hold = 2 * time.Second
		defer r.run()()
		pass(time.Second)
		for _, value := range []string{"2", "1", "2"} { // clean for one second
			r.set("evented/a@h1", value)
			r.event("evented/a@h1", "")
			pass(time.Second)
		}
		r.expect(fires + "evented/a@h1")
		r.set("evented/a@h1", "1")
		r.event("evented/a@h1", "")
		pass(4 * time.Second)
		r.expect(fires + "evented/a@h1; " + byHand + "evented/a@h1")
	})
}

func TestWhatComesAndGoesIsToldOnceAsFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "evented/a@h1")
		r.options.Flaps, r.options.Hold = 3, time.Second
		defer r.run()()
		pass(time.Second)
		for range 30 {
			for _, value := range []string{"2", "1"} {
				r.set("evented/a@h1", value)
				r.event("evented/a@h1", "")
				pass(10 * time.Second)
			}
		}
		often := strings.Repeat(fires+"evented/a@h1; "+byHand+"evented/a@h1; ", 3)
		r.expect(often + "firing DriftFlapping evented/a@h1")
		pass(16 * time.Minute)
		r.expect(often + "firing DriftFlapping evented/a@h1; " + byHand + "evented/a@h1")
		pass(time.Hour)
		r.set("evented/a@h1", "2")
		r.event("evented/a@h1", "")
		pass(time.Second)
		if !strings.HasSuffix(r.said(), fires+"evented/a@h1") {
			t.Error(r.said())
		}
	})
}
