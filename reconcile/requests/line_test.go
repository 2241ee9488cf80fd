package requests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources/forge"
	"plumbline/sources/forge/hook"
)

func commitOf(digit string) string { return strings.Repeat(digit, 40) }

// What waits in the queue is planned once as it stands, and has the statuses that the branch requires; nothing is said of it on a request.
func TestACommitOfTheMergeQueueHasItsStatuses(t *testing.T) {
	x := newSite(t, nil)
	x.speak(forge.GitHub, "github")
	x.agreed = []plan.Agreement{{Rule: "net/**", Need: 1, Names: []string{"ada"}}}
	x.turn()
	x.forge.Queue(commitOf("d"))
	comments := len(x.forge.Comments())
	for range 2 {
		x.turn()
	}
	x.open(nil)
	x.speak(forge.GitHub, "github")
	x.turn()
	if fmt.Sprint(x.planned) != "[aaaa stranger=false dddd stranger=true]" || len(x.forge.Comments()) != comments {
		t.Errorf("planned %v, %d comments", x.planned, len(x.forge.Comments()))
	}
	if !strings.HasSuffix(x.statuses(), "\ndddd plumb/plan pending: planning\ndddd plumb/plan success: ~1") || !strings.HasSuffix(x.policies(), "\ndddd plumb/policy success: 1 of 1 approvals for net/**") {
		t.Errorf("%s\n%s", x.statuses(), x.policies())
	}
	x.refusals = []diff.Refusal{{Instance: schema.ID("vm/x").On("h"), Class: diff.Denied, Text: "no"}}
	x.forge.Queue(commitOf("e"))
	x.turn()
	if !strings.Contains(x.policies(), "eeee plumb/policy failure: a policy is against it: vm/x@h") {
		t.Errorf("%s", x.policies())
	}
	x.forge.Queue()
	x.turn()
	if len(x.s.book.Queue) != 0 {
		t.Errorf("what left the queue is remembered: %+v", x.s.book.Queue)
	}
}

// What we cannot plan must not throw a request out of the queue: it is tried again.
func TestACommitOfTheMergeQueueIsTriedAgain(t *testing.T) {
	x := newSite(t, nil)
	x.speak(forge.GitHub, "github")
	x.turn()
	x.forge.Queue(commitOf("d"))
	x.broken = errors.New("no route")
	x.turn()
	if got := x.statuses(); !strings.HasSuffix(got, "dddd plumb/plan pending: planning") {
		t.Errorf("%s", got)
	}
	x.broken = nil
	x.turn()
	if got := x.statuses(); !strings.HasSuffix(got, "dddd plumb/plan success: ~1") {
		t.Errorf("%s", got)
	}
}

// The word of the forge that something waits is enough: nobody waits for the next poll.
func TestAMergeGroupIsPlannedAtOnce(t *testing.T) {
	x := newSite(t, func(o *Options) { o.Interval, o.Now = time.Hour, time.Now })
	x.speak(forge.GitHub, "github")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); x.s.Run(ctx) }()
	defer func() { stop(); <-ended }()
	x.until("aaaa plumb/plan success")
	x.forge.Queue(commitOf("d"))
	x.s.Hint(hook.Hint{Queue: "main"})
	x.until("dddd plumb/plan success")
}

// until waits for a status.
func (x *site) until(text string) {
	x.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(x.statuses(), text) {
		select {
		case <-tick.C:
		case <-deadline:
			x.Fatalf("there is no %q in time: %s", text, x.statuses())
		}
	}
}
