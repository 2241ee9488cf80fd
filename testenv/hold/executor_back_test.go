package hold

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// act is a change under one lane, with what somebody does on the hosts before it: by shell command of each host.
type act struct {
	name   string
	by     map[string]string
	to     topology
	once   bool // it only goes through
	passed map[string]bool
}

// wayBack plays acts on a site where each commit is one lane. A lane's last step waits until all others are done, and fails: what
// it asks for does not come. So everything that was done is taken back while executors die, and each act is played
// until its boundaries are passed, before it goes through.
func (e *executors) wayBack(acts []*act) {
	for _, a := range acts {
		for host, command := range a.by {
			e.on(host, "sh", "-ec", command)
		}
		if !a.once {
			e.fail(a, nil)
		}
		for fresh := !a.once; fresh; {
			fresh = e.fail(a, e.few(a.left(e.seen)))
		}
		e.through(a)
	}
}

// left are the boundaries of an act at which nobody was killed yet.
func (a *act) left(seen map[string]bool) []string { return (&move{passed: a.passed}).left(seen) }

// few are boundaries of which no verb of an op has more than it is done again for.
func (e *executors) few(all []string) (some []string) {
	count := map[string]int{}
	for _, b := range e.some(all, len(all)) {
		_, verb, _ := strings.Cut(b, " ")
		if strings.HasPrefix(verb, "observe") || strings.HasPrefix(verb, "hello") || strings.HasPrefix(verb, "traces") {
			continue
		}
		if count[verb]++; count[verb] <= again {
			some = append(some, b)
		}
	}
	return some
}

// again is how often a verb is done again over a new connection.
const again = 2

// fail plays an act that is taken back, and judges. It tells whether an executor died.
func (e *executors) fail(a *act, targets []string) bool {
	e.t.Helper()
	before, begun := e.everything(), time.Now()
	for _, target := range targets {
		e.arm(target)
	}
	e.round++
	released := e.file("edge1", "/tmp/go")
	os.Remove(released)
	late := fmt.Sprintf(`image: late%d: {host: "edge1", source: "http://127.0.0.1/cgi-bin/late", sha256: "%064d"}`, e.round, 0)
	commit := e.push(a.to.with("late", late))
	e.onceQuiet(func() { os.WriteFile(released, nil, 0o666) })
	st, err := e.Settled(e.ctx, commit, 5*time.Minute)
	if err != nil {
		e.t.Fatalf("%s, killed at %q: %v\n%s", a.name, targets, err, e.LogTail())
	}
	killed := e.disarm(targets)
	passed := e.passed()
	a.passes(passed)
	if st.Verdict != "rolled back" {
		e.t.Errorf("%s, killed at %q: it is not rolled back: %+v\n%s", a.name, killed, st, e.LogTail())
	}
	if d := difference(before, e.everything()); d != "" {
		e.t.Errorf("%s, killed at %q: it is not as before:\n%s\n%s", a.name, killed, d, e.LogTail())
	}
	e.nothingLeft()
	e.t.Logf("%s: %s after %.1f s with kills at %d of %d boundaries: %q", a.name, st.Verdict, time.Since(begun).Seconds(), len(killed), len(targets), inOrder(killed))
	if e.t.Failed() {
		e.t.FailNow()
	}
	return len(killed) > 0
}

// through lets an act go through.
func (e *executors) through(a *act) {
	e.t.Helper()
	e.apply(a.to)
	a.passes(e.passed())
	e.nothingToDo()
	e.nothingLeft()
}

func (a *act) passes(boundaries []string) {
	m := &move{passed: a.passed}
	m.passes(boundaries)
	a.passed = m.passed
}

// onceQuiet does something when the last verb waits and no other was begun or ended for a while.
func (e *executors) onceQuiet(then func()) {
	e.t.Helper()
	size, since := -1, time.Now()
	e.until(3*time.Minute, func() error {
		text, _ := os.ReadFile(e.dir + "/passed")
		steps := verbs.FindAllString(string(text), -1)
		if len(steps) != size || !strings.Contains(string(text), "before do image/fetch") {
			size, since = len(steps), time.Now()
		}
		if st, err := e.Status(e.ctx); err == nil && st.Phase == "waiting" && st.Verdict != "" && time.Since(since) > quietFor {
			return nil // it ended without
		}
		if time.Since(since) < quietFor {
			return fmt.Errorf("it goes on: %d", size)
		}
		return nil
	})
	then()
}

const quietFor = 3 * time.Second

var verbs = regexp.MustCompile(`(?m)^(before|after) (preflight|capture|do|undo|confirm) .*$`)

const lateScript = `#!/bin/sh
printf 'Content-Type: application/octet-stream\r\n\r\nnothing that was'
while [ ! -e /tmp/go ]; do sleep 0.1; done
echo wanted
`

// answersLate makes edge1 answer who asks for an image with the wrong one, and only when the test lets it.
func (e *executors) answersLate() {
	e.t.Helper()
	script := e.file("edge1", "/srv/http/cgi-bin/late")
	err := os.MkdirAll(filepath.Dir(script), 0o755)
	if err == nil {
		err = os.WriteFile(script, []byte(lateScript), 0o755)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}
