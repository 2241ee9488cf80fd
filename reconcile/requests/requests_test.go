package requests

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/preview"
	"plumbline/sources/forge"
	"plumbline/sources/forge/hook"
)

func TestARequestIsToldOnceWhileNothingMoves(t *testing.T) {
	x := newSite(t, nil)
	for range 3 {
		x.turn()
	}
	x.open(nil)
	x.turn()
	x.has("### plumb: `~1`", "`vm/x@h`", "plumb approve")
	if len(x.planned) != 1 || x.statuses() != "aaaa plumb/plan pending: planning\naaaa plumb/plan success: ~1" {
		t.Errorf("planned %v\n%s", x.planned, x.statuses())
	}
}

func TestThreePushesMakeOneCommentWithTheLastCommit(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	for _, digit := range []string{"b", "c", "d"} {
		x.push(digit)
		x.s.Hint(hook.Hint{Number: 7})
		x.at = x.at.Add(600 * time.Millisecond)
		x.s.work(t.Context())
	}
	if len(x.planned) != 1 {
		t.Errorf("planned before it rested: %v", x.planned)
	}
	x.at = x.at.Add(3 * time.Second)
	x.s.work(t.Context())
	x.has("head=" + strings.Repeat("d", 40))
	if fmt.Sprint(x.planned) != "[aaaa stranger=false dddd stranger=false]" {
		t.Errorf("planned %v", x.planned)
	}
}

func TestAPushWhileItIsPlannedIsPlannedInstead(t *testing.T) {
	x := newSite(t, nil)
	x.meanwhile = func() { x.push("b") }
	x.turn()
	if x.comment(preview.Marker) != "" {
		t.Errorf("what is old is shown: %s", x.comment(preview.Marker))
	}
	x.turn()
	x.has("head=bbbb")
}

func TestWhatMovedMakesItStale(t *testing.T) {
	for why, move := range map[string]func(x *site){
		"main moved to 2222222222":      func(x *site) { x.head = strings.Repeat("2", 40) },
		"the live state moved":          func(x *site) { x.live = "unrest" },
		"plumb or its settings changed": func(x *site) { x.s.o.Rules = "others" },
	} {
		t.Run(why, func(t *testing.T) {
			x := newSite(t, nil)
			x.turn()
			move(x)
			seen := ""
			x.meanwhile = func() { seen = x.comment(preview.Marker) }
			x.turn()
			if !strings.Contains(seen, "> **stale**: `"+why+"`") || !strings.HasPrefix(seen, preview.Marker) {
				t.Errorf("while it was planned there stood\n%s", seen)
			}
			if !strings.Contains(x.statuses(), "pending: stale: "+why+"\naaaa plumb/plan success") || strings.Contains(x.comment(preview.Marker), "stale") {
				t.Errorf("%s\n%s", x.statuses(), x.comment(preview.Marker))
			}
		})
	}
}

func TestAConflictIsTold(t *testing.T) {
	x := newSite(t, nil)
	x.conflict = true
	x.turn()
	x.has("**conflict**", "````")
	if len(x.planned) != 0 || !strings.Contains(x.statuses(), "failure: it cannot be merged as it is") {
		t.Errorf("%v, %s", x.planned, x.statuses())
	}
}

func TestWhatCannotBePlannedIsTriedAgain(t *testing.T) {
	x := newSite(t, nil)
	x.broken = errors.New("no route @everyone <!-- plumb -->")
	x.turn()
	x.has("not planned, and tried again", "no route")
	x.broken = nil
	x.turn()
	x.has("`~1`")
	if !strings.HasSuffix(x.statuses(), "success: ~1") {
		t.Error(x.statuses())
	}
}

// Whatever the size: what matters first is whole, in a comment that every forge takes.
func TestAnySizeIsTakenByEachForge(t *testing.T) {
	for kind, dialect := range map[forge.Kind]string{forge.GitHub: "github", forge.Gitea: "gitea", forge.GitLab: "gitlab"} {
		for _, size := range []int{1, 1000, 10_000} {
			x := newSite(t, nil)
			x.speak(kind, dialect)
			x.size, x.text = size, strings.Repeat("é", 300)
			x.turn()
			x.has("### plumb: `~1`", "What you can answer")
			if size > 1 {
				x.has(fmt.Sprintf("`-%d`", size-1), "**users notice**: `vm/y00001@h: down for 3 s`", "**cannot be undone**", "**is taken away, and kept for a time**", fmt.Sprintf("%d more", size-11))
			}
			if n := len(x.comment(preview.Marker)); n > 60_000 {
				t.Errorf("%s, %d changes: %d bytes", dialect, size, n)
			}
		}
	}
}

// Neither names nor values go where strangers read.
func TestAPublicForgeIsToldCounts(t *testing.T) {
	x := newSite(t, func(o *Options) { o.Public = true })
	x.text = "10.1.1.12"
	x.turn()
	x.has("`~1`", "- vm: `~1`")
	if got := x.comment(preview.Marker); strings.Contains(got, "10.1.1.12") || strings.Contains(got, "vm/x") {
		t.Error(got)
	}
}
