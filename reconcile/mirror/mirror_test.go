package mirror_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/mirror"
	"plumbline/schema"
)

// ask is a question about all kinds of h1.
func ask() mirror.Hosts {
	scopes := map[string]actuators.Scope{}
	for _, kind := range kindNames {
		scopes[kind] = scope(kind, "a=1 b=1")
	}
	return mirror.Hosts{"h1": scopes}
}

func (c *center) world() *diff.World { return c.mirror.World(context.Background(), ask()) }

// filled is a center with two values of each kind, watched, and seen once.
func filled() *center {
	c := newCenter()
	for _, kind := range kindNames {
		c.set(schema.MakeID(kind, "a").On("h1"), "1", "lost")
		c.set(schema.MakeID(kind, "b").On("h1"), "1", "lost")
	}
	c.listen("h1", "both", true)
	c.listen("h1", "watched", true)
	c.world()
	return c
}

func (c *center) expect(t *testing.T, want map[string]int) {
	t.Helper()
	for name, n := range want {
		if got := c.count(name); got != n {
			t.Errorf("%d looks at %s, want %d", got, name, n)
		}
	}
}

func TestWhatIsVouchedForIsNotLookedAtAgain(t *testing.T) {
	c := filled()
	first := c.world()
	c.expect(t, map[string]int{"both@h1": 1, "stamped@h1": 1, "watched@h1": 1, "neither@h1": 2})
	second := c.world()
	c.expect(t, map[string]int{"both@h1": 1, "stamped@h1": 1, "watched@h1": 1, "neither@h1": 3})
	for _, kind := range kindNames {
		if a, b := first.Look("h1", kind), second.Look("h1", kind); a.Rev != b.Rev || a.Rev == 0 {
			t.Errorf("%s: nothing changed, and the number went from %d to %d", kind, a.Rev, b.Rev)
		}
	}
}

func TestAChangeIsANewNumberAndALookAtItAlone(t *testing.T) {
	c := filled()
	before := c.world()
	for _, kind := range kindNames {
		c.set(schema.MakeID(kind, "a").On("h1"), "2", "this")
	}
	after := c.world()
	c.expect(t, map[string]int{"both@h1": 2, "stamped@h1": 2, "watched@h1": 1, "part of watched@h1": 1})
	for _, kind := range kindNames {
		if before.Look("h1", kind).Rev == after.Look("h1", kind).Rev {
			t.Errorf("%s changed and kept its number", kind)
		}
	}
	c.world()
	c.expect(t, map[string]int{"both@h1": 2, "stamped@h1": 2, "watched@h1": 1, "part of watched@h1": 1})
}

func TestAViewTellsItsAge(t *testing.T) {
	c := filled()
	c.clock = c.clock.Add(20 * time.Second)
	w := c.world()
	for kind, age := range map[string]time.Duration{"both": 0, "stamped": 0, "neither": 0, "watched": 20 * time.Second} {
		if got := c.clock.Sub(w.Look("h1", kind).At); got != age {
			t.Errorf("%s is %s old, want %s", kind, got, age)
		}
	}
	c.clock = c.clock.Add(41 * time.Second)
	c.world()
	c.expect(t, map[string]int{"both@h1": 1, "watched@h1": 2}) // older than a watch alone may vouch for
}

func TestASweepTrustsNoWatch(t *testing.T) {
	c := filled()
	looks := c.mirror.Sweep(context.Background(), "h1", ask()["h1"])
	c.expect(t, map[string]int{"both@h1": 1, "stamped@h1": 1, "watched@h1": 2, "neither@h1": 2})
	if len(looks) != 4 || looks[0].Kind != "both" {
		t.Errorf("%d looks", len(looks))
	}
}

func TestAGapOfAWatchIsLookedAt(t *testing.T) {
	c := filled()
	c.listen("h1", "watched", false)
	c.set(schema.MakeID("watched", "a").On("h1"), "2", "lost")
	c.listen("h1", "watched", true)
	c.world()
	c.world()
	c.expect(t, map[string]int{"watched@h1": 2})
}

func TestANewTargetIsLookedAtAlone(t *testing.T) {
	c := filled()
	hosts := ask()
	hosts["h1"]["watched"] = scope("watched", "a=1 b=2 c=1")
	world := c.mirror.World(context.Background(), hosts)
	c.expect(t, map[string]int{"watched@h1": 1, "part of watched@h1": 1})
	if got := string(world.Look("h1", "watched").Found[1].State); got != "1 2" {
		t.Errorf("b is %q", got)
	}
}

func TestAHostIsAskedAFewThingsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCenter()
		gate := make(chan struct{})
		begun := 0 // looks
		c.before = func(string, string) {
			c.mu.Lock()
			begun++
			c.mu.Unlock()
			<-gate
		}
		for n := range 12 {
			go c.mirror.Look(context.Background(), "h1", fmt.Sprint("kind", n), scope("neither", "a=1"))
		}
		synctest.Wait()
		if begun != 4 {
			t.Errorf("%d looks at once at one host", begun)
		}
		close(gate)
	})
}

// Of 500 hosts a twentieth is dead and costs a dial's whole time, a fifth takes seconds to answer: the others are through as
// if those were not there, at the first question too, and at the second nobody waits for anybody.
func TestDeadAndSlowHostsDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const dead, slow, quick = 5 * time.Second, 2 * time.Second, 10 * time.Millisecond
		c := newCenter()
		c.now = time.Now
		hosts, takes := mirror.Hosts{}, map[string]time.Duration{}
		for n := range 500 {
			host := fmt.Sprintf("h%03d", n)
			hosts[host] = map[string]actuators.Scope{"neither": scope("neither", "a=1")}
			switch {
			case n%20 == 0:
				takes[host] = dead
				c.dead[host] = true
			case n%5 == 1:
				takes[host] = slow
			default:
				takes[host] = quick
			}
		}
		ended := map[time.Duration]time.Duration{} // by the time they take: when the last was through
		var begun time.Time
		c.before = func(host, _ string) {
			time.Sleep(takes[host])
			c.mu.Lock()
			defer c.mu.Unlock()
			ended[takes[host]] = max(ended[takes[host]], time.Since(begun))
		}
		for _, limit := range []time.Duration{2 * time.Second, 500 * time.Millisecond} { // a quarter of the hosts in turns of the bound, each its patience
			begun = time.Now()
			clear(ended)
			world := c.mirror.World(context.Background(), hosts)
			if all := time.Since(begun); all > dead+2*time.Second {
				t.Errorf("all took %s", all)
			}
			if ended[quick] > limit {
				t.Errorf("the quick ones were through after %s, want %s", ended[quick], limit)
			}
			if n := len(world.Looks()); n != 500 {
				t.Errorf("%d answers", n)
			}
			t.Logf("quick hosts %s, slow ones %s, dead ones %s", ended[quick], ended[slow], ended[dead])
		}
	})
}

func TestNothingVouchesForWhatCouldNotBeSeen(t *testing.T) {
	c := filled()
	for _, kind := range kindNames {
		c.set(schema.MakeID(kind, "a").On("h1"), hidden, "this")
	}
	c.world()
	for _, kind := range kindNames {
		c.set(schema.MakeID(kind, "a").On("h1"), "1", "quiet") // it is mounted again, and neither stamp nor watch tells
	}
	world := c.world()
	for _, kind := range kindNames {
		for _, one := range world.Look("h1", kind).Found {
			if one.Unknown != "" {
				t.Errorf("%s is still unknown: %s", one.ID, one.Unknown)
			}
		}
	}
}
