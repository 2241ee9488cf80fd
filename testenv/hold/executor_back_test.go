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
			for _, verb := range []string{"undo", "preflight", "capture", "do"} {
				for fresh := true; fresh; {
					targets := e.of(verb, a.left(e.seen))
					fresh = len(targets) > 0 && e.fail(a, targets)
				}
			}
		}
		e.through(a)
	}
}

// from has the acts before the n-th only go through.
func from(n int, acts []*act) []*act {
	for _, a := range acts[:n] {
		a.once = true
	}
	return acts
}

// left are the boundaries of an act that an executor has to die at, and at which nobody was killed yet.
func (a *act) left(seen map[string]bool) (left []string) {
	for b := range boundaries() {
		if a.passed[b] && !seen[b] {
			left = append(left, b)
		}
	}
	return left
}

// of are the boundaries of a verb for one play. Verbs of what goes forward are done again only twice, and all of a host break
// with one: when they are many, the lane ends there. What Do came to is then waited for as long as it may take, so these are
// few. Some go with those of the way back, where a host that does not answer is waited for.
func (e *executors) of(verb string, left []string) (targets []string) {
	taken := map[string]bool{}
	for _, b := range e.some(left, len(left)) {
		words := strings.Fields(b)
		if words[1] != verb || verb == "do" && taken[where(words[2])] {
			continue
		}
		taken[where(words[2])] = true
		targets = append(targets, b)
	}
	if verb == "undo" && len(targets) > 0 {
		for _, other := range []string{"preflight", "capture", "do"} {
			targets = append(targets, e.some(e.of(other, left), again)...)
		}
	}
	return targets
}

// where tells which hosts serve an op.
func where(op string) string {
	switch kind, _, _ := strings.Cut(op, "/"); kind {
	case "vm", "volume", "pool", "network", "image":
		return "hypervisor"
	case "record":
		return "name server"
	}
	return "edge"
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
	e.onceQuiet(commit, func() { os.WriteFile(released, nil, 0o666) })
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

// onceQuiet does something when the last verb waits and no other was begun or ended for a while, or when the commit came to
// its end without.
func (e *executors) onceQuiet(commit string, then func()) {
	e.t.Helper()
	size, since := -1, time.Now()
	e.until(3*time.Minute, func() error {
		text, _ := os.ReadFile(filepath.Join(e.dir, "passed"))
		if steps := len(verbs.FindAllString(string(text), -1)); steps != size || !strings.Contains(string(text), "before do image/fetch") {
			size, since = steps, time.Now()
		}
		st, err := e.Status(e.ctx)
		if ended := err == nil && st.Head == commit && st.Phase == "waiting" && st.Verdict != ""; !ended && time.Since(since) < quietFor {
			return fmt.Errorf("it goes on, with %d boundaries passed: %+v (%v)", size, st, err)
		}
		return nil
	})
	then()
}

const quietFor = 2 * time.Second

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
