package drift_test

import (
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/who"
)

// by is what the notices say of who did it.
func (r *rig) by() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.notices {
		if n.Status == "firing" {
			out = append(out, n.Details["who"])
		}
	}
	return out
}

func TestAnAlertSaysWhoDidItAndHowSureThatIs(t *testing.T) {
	for _, c := range []struct {
		name  string
		event actuators.Event
		more  []who.Trace
		want  string
	}{
		{"nobody knows", actuators.Event{ID: "evented/a"}, nil, "unknown"},
		{"the event names the process", actuators.Event{ID: "evented/a", By: "nft (7)"}, nil, "process nft (7) (certain: nftables)"},
		{"the event may be of something else", actuators.Event{By: "nft (7)"}, nil, "process nft (7) (likely: nftables)"},
		{"records of two", actuators.Event{ID: "evented/a"}, []who.Trace{{Actor: "alice", Source: who.Sudo}, {Actor: "bob", Source: who.Sudo}}, "one of alice, bob (likely: sudo)"},
		{"a record that names it", actuators.Event{ID: "evented/a"}, []who.Trace{{Actor: "alice", Source: who.Audit, Names: []string{"a"}}}, "alice (certain: audit)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "evented/a@h1 evented/b@h2")
				r.options.Gather, r.ponders = 150*time.Millisecond, 400*time.Millisecond // longer than what is gathered
				defer r.run()()
				pass(time.Second)
				for _, one := range c.more {
					one.At = time.Now()
					r.traces = append(r.traces, one)
				}
				r.set("evented/a@h1", "2")
				r.stream("evented@h1")(c.event)
				pass(2 * time.Second)
				if got := r.by(); len(got) != 1 || got[0] != c.want {
					t.Errorf("told %q, want %q", got, c.want)
				}
				if len(r.asked) != 1 || r.asked[0].Names[0] != "a" || r.asked[0].Until.Sub(r.asked[0].Since) > 6*time.Second {
					t.Errorf("asked %+v", r.asked)
				}
			})
		})
	}
}

// TestAHostThatDoesNotTellWhoDelaysNoAlertForLong also holds that who did it is no part of what it is called.
func TestAHostThatDoesNotTellWhoDelaysNoAlertForLong(t *testing.T) {
	prints := map[string]bool{}
	for _, ponders := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "evented/a@h1")
			r.options.Gather, r.ponders = 150*time.Millisecond, ponders
			r.traces = []who.Trace{{Actor: "alice", Source: who.Sudo, At: time.Now().Add(time.Second)}}
			defer r.run()()
			pass(time.Second)
			begun := time.Now()
			r.set("evented/a@h1", "2")
			r.stream("evented@h1")(actuators.Event{ID: "evented/a"})
			pass(3 * time.Second)
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.notices) != 1 || r.times[0].Sub(begun) > 1100*time.Millisecond {
				t.Fatalf("%d notices, the first after %s", len(r.notices), r.times[0].Sub(begun))
			}
			prints[r.notices[0].Fingerprint] = true
		})
	}
	if len(prints) != 1 {
		t.Errorf("%d fingerprints of one incident", len(prints))
	}
}

func TestAGroupSaysWhoDidAllOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := names("evented", 30, "h1")
		r := grouped(t, list)
		defer r.run()()
		pass(time.Second)
		r.traces = []who.Trace{{Actor: "alice", Source: who.Sudo, At: time.Now()}}
		r.all(list, "2")
		r.stream("evented/0@h1")(actuators.Event{})
		pass(2 * time.Second)
		if got := r.by(); len(got) != 1 || got[0] != "alice (likely: sudo)" {
			t.Errorf("told %q; %s", got, r.said())
		}
		if groups := r.engine.Groups(); len(groups) != 1 || groups[0].Who != "alice (likely: sudo)" {
			t.Errorf("groups %+v", groups)
		}
	})
}
