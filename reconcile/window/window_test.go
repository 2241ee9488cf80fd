package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/schema"
)

var noon = time.Date(2026, 6, 10, 12, 30, 0, 0, time.UTC)

func set(t testing.TB, rules ...Rule) Set {
	t.Helper()
	for i := range rules {
		if rules[i].Name == "" {
			rules[i].Name = fmt.Sprintf("w%d", i)
		}
		if rules[i].Zone == "" {
			rules[i].Zone = "UTC"
		}
	}
	s, err := Parse(rules)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// argo is the rule of Argo CD (pkg/apis/application/v1alpha1, SyncWindows.CanSync) over windows that match: bits of the table.
func argo(all []state, person bool) bool {
	all = slices.DeleteFunc(slices.Clone(all), func(s state) bool { return !s.matches })
	count := func(effect Effect, active bool) (n, manual int) {
		for _, s := range all {
			if s.effect == effect && s.active == active {
				n++
				if s.manual {
					manual++
				}
			}
		}
		return n, manual
	}
	if n, manual := count(Deny, true); n > 0 {
		return person && n == manual
	}
	if n, _ := count(Allow, true); n > 0 {
		return true
	}
	if n, manual := count(Allow, false); n > 0 {
		return person && n == manual
	}
	return true
}

type state struct {
	effect                  Effect
	active, matches, manual bool
}

func (s state) rule() Rule {
	r := Rule{Effect: s.effect, Schedule: "0 1 * * *", Duration: time.Hour, Kinds: []string{"vm"}, Manual: s.manual}
	switch {
	case s.active && s.effect == Deny: // both times shorter than the allowing one, so that there is an opening
		r.Schedule, r.Duration = "15 12 * * *", 30*time.Minute
	case s.active:
		r.Schedule = "0 12 * * *"
	case s.effect == Deny:
		r.Schedule = "0 5 * * *"
	}
	if !s.matches {
		r.Kinds = []string{"record"}
	}
	return r
}

func TestTheTruthTableIsArgos(t *testing.T) {
	var states []state
	for bits := range 16 {
		states = append(states, state{[]Effect{Allow, Deny}[bits&1], bits&2 != 0, bits&4 != 0, bits&8 != 0})
	}
	thing := Thing{ID: "vm/a"}
	seen := map[bool]int{}
	check := func(all ...state) {
		var rules []Rule
		for _, s := range all {
			rules = append(rules, s.rule())
		}
		windows := set(t, rules...)
		for _, person := range []bool{false, true} {
			d := windows.Decide(thing, noon, person)
			if seen[d.Open]++; d.Open != argo(all, person) {
				t.Fatalf("%+v by a person %t: open %t (%s)", all, person, d.Open, d.Why)
			}
			if !d.Open && (d.Next.IsZero() || !windows.Decide(thing, d.Next, false).Open || windows.Decide(thing, d.Next.Add(-time.Second), false).Open) {
				t.Fatalf("%+v: it does not open at %s: %s", all, d.Next, d.Why)
			}
		}
	}
	check()
	for _, a := range states {
		check(a)
		for _, b := range states {
			check(a, b)
			for _, c := range states {
				check(a, b, c)
			}
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("only one answer: %v", seen)
	}
}

func TestWhatIsClosedSaysWhyAndWhenItOpens(t *testing.T) {
	nights := Rule{Name: "nights", Effect: Allow, Schedule: "0 22 * * *", Duration: 8 * time.Hour, Zone: "Europe/Vienna", Pos: schema.Pos{File: "/etc/plumb/plumb.cue", Line: 12, Col: 3}}
	d := set(t, nights).Decide(Thing{ID: "vm/a"}, noon, false)
	if want := `outside of the change window "nights" (/etc/plumb/plumb.cue:12:3); it opens at 2026-06-10T22:00:00+02:00`; d.Open || d.Why != want {
		t.Errorf("got  %s\nwant %s", d.Why, want)
	}
	nights.Manual = true
	if d = set(t, nights).Decide(Thing{ID: "vm/a"}, noon, false); !strings.Contains(d.Why, `"plumb apply" does it`) {
		t.Errorf("a person is not told: %s", d.Why)
	}
	never := Rule{Effect: Allow, Schedule: "0 0 30 2 *", Duration: time.Hour}
	if d = set(t, never).Decide(Thing{}, noon, false); d.Open || !d.Next.IsZero() || !strings.Contains(d.Why, "nothing opens within a year") {
		t.Errorf("%+v", d)
	}
}

func TestOverrunHoldsOnlyIfAllThatCloseSaySo(t *testing.T) {
	deny := func(overrun bool) Rule {
		return Rule{Effect: Deny, Schedule: "0 12 * * *", Duration: time.Hour, Overrun: overrun}
	}
	for _, c := range []struct {
		rules []Rule
		want  bool
	}{{[]Rule{deny(true)}, true}, {[]Rule{deny(false)}, false}, {[]Rule{deny(true), deny(false)}, false}} {
		if d := set(t, c.rules...).Decide(Thing{}, noon, false); d.Open || d.Overrun != c.want {
			t.Errorf("%+v: %+v", c.rules, d)
		}
	}
}

func TestSelectors(t *testing.T) {
	thing := Thing{ID: "vm/db-1", Labels: map[string]string{"site": "boston", "host": "jino0", "rack": "a"}}
	for _, c := range []struct {
		rule Rule
		want bool
	}{
		{Rule{}, true},
		{Rule{Kinds: []string{"nat", "vm"}}, true},
		{Rule{Kinds: []string{"nat"}}, false},
		{Rule{Objects: []string{"vm/db-*"}}, true},
		{Rule{Objects: []string{"volume/*"}}, false},
		{Rule{Sites: []string{"boston"}}, true},
		{Rule{Sites: []string{"vienna"}}, false},
		{Rule{Labels: map[string]string{"rack": "a", "host": "jino0"}}, true},
		{Rule{Labels: map[string]string{"rack": "a", "role": "db"}}, false},
		{Rule{Kinds: []string{"vm"}, Sites: []string{"vienna"}}, false},
	} {
		w := Window{Rule: c.rule}
		if got := w.Matches(thing); got != c.want {
			t.Errorf("%+v matches: %t", c.rule, got)
		}
	}
}

func TestMistakesNameTheWindow(t *testing.T) {
	good := Rule{Name: "n", Schedule: "0 22 * * *", Zone: "UTC", Duration: time.Hour}
	for want, change := range map[string]func(*Rule){
		"five fields":             func(r *Rule) { r.Schedule = "0 22 * *" },
		"@every":                  func(r *Rule) { r.Schedule = "@every 1h" },
		"write it as zone":        func(r *Rule) { r.Schedule = "TZ=UTC 0 22 * * *" },
		"is no time zone":         func(r *Rule) { r.Zone = "Europe/Winna" },
		"a minute or longer":      func(r *Rule) { r.Duration = time.Second },
		"not a pattern":           func(r *Rule) { r.Objects = []string{"vm/["} },
		`"Local" is no time zone`: func(r *Rule) { r.Zone = "Local" },
	} {
		rule := good
		change(&rule)
		if _, err := Parse([]Rule{rule}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "windows.0 (n): ") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := Parse([]Rule{good, good}); err == nil || !strings.Contains(err.Error(), "two of this name") {
		t.Errorf("got %v", err)
	}
}
