package drift_test

import (
	"testing"
	"testing/synctest"
	"time"

	"plumbline/schema"
)

// rule is one of the repository that ends in an hour.
func (r *rig) rule(mode schema.IgnoreMode, match string) {
	rules := []schema.Ignore{{Name: "known", Match: match, Mode: mode, Reason: "known", Owner: "anna", Expires: time.Now().Add(time.Hour)}}
	r.options.Ignore = func() []schema.Ignore {
		r.mu.Lock()
		defer r.mu.Unlock()
		return rules
	}
}

func TestWhatIsMutedIsDriftThatNobodyHearsOfUntilTheRuleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		r.rule(schema.Mute, "polled/a/v")
		defer r.run()()
		r.set("polled/a@h1", "2")
		r.set("polled/b@h1", "2")
		pass(30 * time.Minute)
		r.expect(fires + "polled/b@h1")
		if i := r.engine.Incidents()[0]; i.Muted != "known" || !i.Open() {
			t.Errorf("%+v", i)
		}
		pass(time.Hour)
		r.expect(fires + "polled/b@h1; " + fires + "polled/a@h1")
	})
}

func TestARuleOfAFieldCoversNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		r.rule(schema.Mute, "polled/*/v")
		defer r.run()()
		r.set("polled/a@h1", "2,new") // another field, too
		r.set("polled/b@h1", "")      // gone
		pass(30 * time.Minute)
		r.expect(fires + "polled/a@h1; " + fires + "polled/b@h1")
	})
}

func TestWhatIsToldAndThenMutedIsToldAsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1")
		var rules []schema.Ignore
		r.options.Ignore = func() []schema.Ignore {
			r.mu.Lock()
			defer r.mu.Unlock()
			return rules
		}
		defer r.run()()
		r.set("polled/a@h1", "2")
		pass(time.Minute)
		r.mu.Lock()
		rules = []schema.Ignore{{Name: "known", Match: "polled/a", Mode: schema.Mute, Expires: time.Now().Add(time.Hour)}}
		r.mu.Unlock()
		pass(time.Minute)
		r.expect(fires + "polled/a@h1; " + byHand + "polled/a@h1")
		if got := r.notices[1].Message; got != "polled/a@h1 is ignored from now on, by a rule in the repository" {
			t.Error(got)
		}
		r.set("polled/a@h1", "1")
		pass(time.Minute)
		r.expect(fires + "polled/a@h1; " + byHand + "polled/a@h1")
	})
}

func TestWhatIsLeftToOthersIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "polled/a@h1 polled/b@h1")
		r.rule(schema.Unmanage, "polled/*/v")
		defer r.run()()
		r.set("polled/a@h1", "2")
		r.set("polled/b@h1", "2,new")
		pass(30 * time.Minute)
		r.expect(fires + "polled/b@h1")
		if got := r.notices[0].Message; got != "polled/b@h1 differs: w is new, declared absent; it is left as it is" || len(r.engine.Incidents()) != 1 {
			t.Errorf("%s; %s", got, r.phases())
		}
	})
}
