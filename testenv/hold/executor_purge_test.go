package hold

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// purges makes things, sets them aside, and destroys them for good as the repository approves, while executors die, until
// somebody died at each boundary of it: no way leads back from there.
func (e *executors) purges() {
	a := &act{name: "purge"}
	for fresh, unhurt := true, true; fresh; unhurt = false {
		e.round++
		name := fmt.Sprintf("gone%d", e.round)
		e.apply(quiet.with("gone", fmt.Sprintf(`volume: %[1]s: {pool: "vmdisks", size: "8Mi"}
	image: %[1]s: {host: "jino0", source: "file:///srv/other", sha256: "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87"}
	vm: %[1]s: {host: "jino0", cpu: now: 1, memory: now: "64Mi", power: "stopped", accel: "tcg"}`, name)))
		e.apply(quiet)
		if got := e.aside(name); len(got) != 3 {
			e.t.Fatalf("%q are set aside, want three", got)
		}
		e.passed()
		var targets []string
		left := slices.DeleteFunc(a.left(e.seen), func(b string) bool { return !strings.HasSuffix(b, "/purge") })
		for _, verb := range []string{"preflight", "capture", "do"} {
			targets = append(targets, e.some(e.of(verb, left), 2*again)...)
		}
		fresh = e.purge(a, quiet.with("approve", e.approvals(name)), name, targets) || unhurt
	}
}

func (e *executors) purge(a *act, to topology, name string, targets []string) bool {
	e.t.Helper()
	begun := time.Now()
	for _, target := range targets {
		e.arm(target)
	}
	commit := e.push(to)
	st, err := e.Settled(e.ctx, commit, 5*time.Minute)
	if err != nil {
		e.t.Fatalf("purge, killed at %q: %v\n%s", targets, err, e.LogTail())
	}
	killed := e.disarm(targets)
	if left := e.aside(name); (len(left) == 0) != (st.Verdict == "applied") {
		e.t.Errorf("purge, killed at %q: it is %s, and %q are there", killed, st.Verdict, left)
	}
	e.goesThrough(commit)
	if left := e.aside(name); len(left) > 0 {
		e.t.Errorf("purge, killed at %q, then applied: %q are there", killed, left)
	}
	a.passes(e.passed())
	e.nothingToDo()
	e.nothingLeft()
	e.t.Logf("purge: %s after %.1f s with kills at %q", st.Verdict, time.Since(begun).Seconds(), inOrder(killed))
	if e.t.Failed() {
		e.t.FailNow()
	}
	return len(killed) > 0
}

// aside is what lies set aside of a name: files without their sidecars, and domains.
func (e *executors) aside(name string) []string {
	e.t.Helper()
	return strings.Fields(e.on("jino0", "sh", "-c", `(ls /var/lib/plumb/pools/vmdisks /var/lib/plumb/images; virsh -q list --all --name) | grep "^$1[.]plumb-retired-" | grep -v 'plumb[.]json$'; true`, "sh", name))
}

// approvals are the lines that agree to the purge of what has a name.
func (e *executors) approvals(name string) string {
	e.t.Helper()
	out, err := e.Plumb(e.ctx, "retired", "-o", "json")
	var all struct {
		Retired []struct{ Object, Approve string }
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &all)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	var lines []string
	for _, r := range all.Retired {
		if strings.HasSuffix(r.Object, "/"+name) {
			lines = append(lines, r.Approve)
		}
	}
	if len(lines) != 3 {
		e.t.Fatalf("%d of three can be approved:\n%s", len(lines), out)
	}
	return strings.Join(lines, "\n\t")
}
