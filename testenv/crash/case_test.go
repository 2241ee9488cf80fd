package crash

import (
	"fmt"
	"strconv"
	"strings"

	"plumbline/testenv/sim"
)

// crash is one way to play a scene: which fault, who dies at which boundaries, and whether time passes while nobody runs. Its
// text is what CRASH_SEED takes.
type crash struct {
	scene  string
	fault  int    // the step that goes wrong, from 0; -1 = none
	how    string // the way it does
	who    string // controller | executor
	pause  bool   // deadlines pass between a death and the next life
	deaths []int  // boundaries, one a life
}

// String is "SCENE/STEP HOW/WHO[ later]/N.M…".
func (c crash) String() string {
	var deaths []string
	for _, n := range c.deaths {
		deaths = append(deaths, strconv.Itoa(n))
	}
	who := c.who
	if c.pause {
		who += " later"
	}
	return fmt.Sprintf("%s/%d %s/%s/%s", c.scene, c.fault, c.how, who, strings.Join(deaths, "."))
}

func parseCrash(text string) (c crash, err error) {
	parts := strings.Split(text, "/")
	if len(parts) != 4 {
		return c, fmt.Errorf("%q is no crash: want SCENE/STEP HOW/WHO/N.M", text)
	}
	c.scene = parts[0]
	step, how, _ := strings.Cut(parts[1], " ")
	if c.fault, err = strconv.Atoi(step); err != nil {
		return c, err
	}
	c.how = how
	c.who, c.pause = strings.CutSuffix(parts[2], " later")
	for _, n := range strings.Split(parts[3], ".") {
		at, err := strconv.Atoi(n)
		if err != nil {
			return c, err
		}
		c.deaths = append(c.deaths, at)
	}
	return c, nil
}

// ways are how a step goes wrong. "stuck" lets it fail and its undo, too, find what somebody else wrote.
var ways = map[string][]sim.Fault{
	"refuse":    {{Verb: "do", How: sim.Refuse, Times: -1}},
	"stumble":   {{Verb: "do", How: sim.Stumble}},
	"loseCall":  {{Verb: "do", How: sim.LoseCall, Times: -1}},
	"loseReply": {{Verb: "do", How: sim.LoseReply}},
	"capture":   {{Verb: "capture", How: sim.Refuse, Times: -1}},
	"preflight": {{Verb: "preflight", How: sim.Refuse, Times: -1}},
	"undoOnce":  {{Verb: "do", How: sim.LoseCall, Times: -1}, {Verb: "undo", How: sim.Stumble}},
	"stuck":     {{Verb: "do", How: sim.LoseCall, Times: -1}, {Verb: "undo", How: sim.Stick, Times: -1}},
}

var wayNames = []string{"refuse", "stumble", "loseCall", "loseReply", "capture", "preflight", "undoOnce", "stuck"}

// cases are all ways in which a scene can be played, without the boundaries.
func (s *stage) cases() (all []crash) {
	for _, who := range []struct {
		name  string
		pause bool
	}{{"controller", false}, {"controller", true}, {"executor", false}} {
		all = append(all, crash{scene: s.name, fault: -1, who: who.name, pause: who.pause})
		for n := range s.plan.Steps {
			for _, how := range wayNames {
				all = append(all, crash{scene: s.name, fault: n, how: how, who: who.name, pause: who.pause})
			}
		}
	}
	return all
}
