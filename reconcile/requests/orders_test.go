package requests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"plumbline/reconcile/preview"
	"plumbline/sources/forge/forgetest"
)

func TestAForksCommitIsPlannedWhenAMaintainerAllowsIt(t *testing.T) {
	x := newSite(t, nil)
	head := x.fork()
	x.has("it comes from a fork", "plumb plan "+head)
	x.forge.Comment("eve", "plumb plan")
	x.turn()
	x.forge.Comment("ada", "yes:\n\n  plumb plan bbbbbbb\n")
	x.turn()
	if len(x.planned) != 0 || x.signs() != "-1 -1 " {
		t.Fatalf("planned %v, %s", x.planned, x.signs())
	}
	x.forge.Comment("ada", "plumb plan\r\n")
	x.turn()
	if fmt.Sprint(x.planned) != "[aaaa stranger=true]" || x.signs() != "-1 -1 +1 " {
		t.Fatalf("planned %v, %s", x.planned, x.signs())
	}
	x.push("b")
	x.turn()
	x.has("it comes from a fork")
	if len(x.planned) != 1 {
		t.Errorf("the next commit is planned, too: %v", x.planned)
	}
}

// What was pushed between the comment that stands there and an order is not what the order is for.
func TestAForksPushAfterTheOrderIsNotAllowed(t *testing.T) {
	x := newSite(t, nil)
	x.fork()
	x.forge.Comment("ada", "plumb plan")
	x.push("b")
	x.turn()
	if len(x.planned) != 0 || x.signs() != "-1 " {
		t.Errorf("planned %v, %s", x.planned, x.signs())
	}
}

func TestOrdersCountFromThoseWhoMayPush(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	x.forge.Comment("eve", "plumb discard")
	x.forge.Comment("eve", "plumb approve")
	x.turn()
	if r := x.s.book.Request(7); r.Retired != "" || r.Agreed != nil || x.signs() != "-1 -1 " {
		t.Errorf("%+v, %s", r, x.signs())
	}
	x.forge.Comment("ada", "I would say `plumb discard` or\n> plumb discard\nor plumb discard")
	x.turn()
	if r := x.s.book.Request(7); r.Retired != "" {
		t.Error("talk of an order is an order")
	}
	x.forge.Comment("ada", "plumb approve")
	x.turn()
	r := x.s.book.Request(7)
	if r.Agreed == nil || r.Agreed.By != "ada" || !r.Saw(r.Effect) {
		t.Errorf("%+v", r.Agreed)
	}
	x.has("**approved** by `ada`")
	x.forge.Comment("ada", "plumb discard")
	x.turn()
	if r := x.s.book.Request(7); r.Saw(r.Effect) || r.Retired != "ada" {
		t.Errorf("%+v", r)
	}
	x.has("**discarded**")
	x.forge.Comment("ada", "plumb plan")
	x.turn()
	x.has("`~1`")
	x.forge.Comment("ada", "plumb help")
	x.turn()
	if !strings.Contains(x.comment(preview.HelpMarker), "plumb discard") {
		t.Errorf("no help: %+v", x.forge.Comments())
	}
}

// Orders are handed to the audit trail once, and wait for a controller, also over a restart; what strangers write is not.
func TestOrdersAreTakenDownBeforeTheyAreDone(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	x.away = true
	x.forge.Comment("eve", "plumb approve")
	x.forge.Comment("ada", "plumb help\nplumb approve\nplumb plan bbbbbbb")
	x.turn()
	x.open(nil)
	x.away = false
	x.turn()
	x.turn()
	effect := x.s.book.Request(7).Effect
	want := "[request-7-comment-3-2 approve by ada of aaaa " + effect + " request-7-comment-3-3 plan by ada of aaaa  request-7-comment-3-3-refused plan by ada of aaaa refused]"
	if fmt.Sprint(x.taken) != want || len(x.s.book.Ordered) != 0 {
		t.Errorf("%s\nwant\n%s", x.taken, want)
	}
}

// A forge that does not say who may is asked again; the order waits.
func TestAnOrderWaitsForAForgeThatDoesNotAnswer(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	x.forge.Comment("ada", "plumb discard")
	x.forge.Fail(forgetest.Fault{Method: http.MethodGet, Path: "permission", Status: 403})
	x.turn()
	if x.signs() != "" || x.s.book.Request(7).Retired != "" {
		t.Errorf("%s, %+v", x.signs(), x.s.book.Request(7))
	}
	x.turn()
	if x.signs() != "+1 " {
		t.Errorf("%s", x.signs())
	}
}
