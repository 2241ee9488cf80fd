package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile"
	"plumbline/reconcile/audit"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/shown"
	"plumbline/sources/forge"
)

// trail is what stands in the audit trail now, of some types.
func (s *scene) trail(types ...audit.Type) (out []audit.Record) {
	s.Helper()
	trail, err := audit.Read(s.dir, func(r audit.Record) error {
		for _, one := range types {
			if r.Type == one {
				out = append(out, r)
			}
		}
		return nil
	})
	if err != nil || len(trail.Faults) > 0 {
		s.Fatal(err, trail.Faults)
	}
	return out
}

// said are the orders in the trail, a line each.
func (s *scene) said() string {
	s.Helper()
	var lines []string
	for _, r := range s.trail(audit.Order) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s by %s: %s %s", r.Action, r.By, r.Result, r.Text)))
	}
	return strings.Join(lines, "\n")
}

// heard is a sink that keeps what it gets.
type heard struct{ *scene }

func (h heard) Send(_ context.Context, n notify.Notice) error { h.tell(n); return nil }
func (h heard) String() string                                { return "test" }

// Whatever ends the process after an order, it is in the trail: it stood there before anything was done.
func TestAnOrderIsTakenDownBeforeItIsDone(t *testing.T) {
	s := newScene(t)
	ctx := reconcile.OrderedBy(t.Context(), "ada")
	commit := s.repo.push("a", ground+declare("p", "h1", "/one"))
	p, err := s.Plan(ctx, commit)
	if err != nil {
		t.Fatal(err)
	}
	s.world.doing, s.world.gate = make(chan string), make(chan struct{})
	applied := make(chan error, 1)
	go func() { _, err := s.ApplySaved(ctx, p, nil); applied <- err }()
	<-s.world.doing
	orders := s.trail(audit.Order)
	if len(orders) != 1 || orders[0].By != "ada" || orders[0].Action != "apply" || orders[0].Commit != commit || orders[0].Effect != p.EffectDigest {
		t.Errorf("while the first step runs the trail says %+v", orders)
	}
	close(s.world.gate)
	if err := <-applied; err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "suspended.json"), 0o700); err != nil { // so that it cannot be written
		t.Fatal(err)
	}
	if err := s.Suspend(ctx, reconcile.Suspension{Reason: "night", Owner: "ada"}); err == nil {
		t.Fatal("a directory was written")
	}
	if got := s.said(); !strings.Contains(got, "suspend by ada:  suspended by ada: night\nsuspend by ada: failed rename ") {
		t.Errorf("the trail says\n%s", got)
	}
}

// Who ordered a plan is known to the process that ends it after another began it.
func TestWhoOrderedAPlanOutlivesTheProcess(t *testing.T) {
	s := newScene(t)
	s.world.doing, s.world.gate = make(chan string, 1), make(chan struct{})
	ctx, kill := context.WithCancel(reconcile.OrderedBy(t.Context(), "ada"))
	commit := s.repo.push("a", ground+declare("p", "h1", "/one"))
	p, err := s.Plan(ctx, commit)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.ApplySaved(ctx, p, nil) }()
	<-s.world.doing
	kill()
	close(s.world.gate)
	<-ended
	s.Controller.Close()
	s.wire()
	if _, err := s.Resume(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.Controller.Close()
	for _, r := range s.trail(audit.Plan) {
		if r.By != "ada" {
			t.Errorf("the plan was ordered by %q", r.By)
		}
	}
	if len(s.trail(audit.Plan)) != 1 {
		t.Error("the trail tells no end, or several, of the plan")
	}
}

// What stops everything is told, and taken down, once: also what was done to the files by hand, and over a restart.
func TestWhatStopsEverythingIsTakenDown(t *testing.T) {
	s, me := newScene(t), fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, notify.NewOutbox(), heard{s})
	t.Cleanup(bus.Close)
	again := func() {
		s.stop()
		s.Controller.Close()
		s.wireWith(func(o *reconcile.Options) { o.Tell = bus })
		s.run()
	}
	again()
	freeze := filepath.Join(s.dir, "freeze")
	write := func(path, text string) { // whole at once: an empty file is one without a reason
		t.Helper()
		err := os.WriteFile(path+".new", []byte(text), 0o600)
		if err == nil {
			err = os.Rename(path+".new", path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	orders := func(n int) func() bool { return func() bool { return len(s.trail(audit.Order)) == n } }
	write(freeze, "the power is cut at night")
	s.until("frozen", orders(1))
	again()
	s.until("frozen still", func() bool { return strings.Contains(s.Status().Suspended, "power") })
	os.Remove(freeze)
	s.until("thawed", orders(2))
	write(filepath.Join(s.dir, "suspended.json"), `{"reason": "by hand", "owner": "bob"}`)
	s.until("suspended by hand", orders(3))
	again()
	s.until("suspended still", func() bool { return strings.Contains(s.Status().Suspended, "by hand") })
	if _, err := s.Continue(reconcile.OrderedBy(t.Context(), "ada")); err != nil {
		t.Fatal(err)
	}
	if err := s.Suspend(reconcile.OrderedBy(t.Context(), "ada"), reconcile.Suspension{Reason: "a while", Owner: "ada", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s.ahead.Store(int64(2 * time.Hour))
	s.until("its time is over", orders(6))
	want := []string{"freeze by " + me + ":  frozen by " + freeze + ": the power is cut at night; remove the file to go on", "thaw by :  the freeze file is gone",
		"suspend by " + me + ":  suspended by bob: by hand", "resume by ada:  it was suspended by bob: by hand", "suspend by ada:  suspended by ada until ", "resume by the controller:  its time is over: it was suspended by ada until "}
	got := strings.Split(s.said(), "\n")
	for n := range want {
		if n >= len(got) || !strings.HasPrefix(got[n], want[n]) {
			t.Fatalf("the trail says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if s.until("told", func() bool { return s.told(notify.ReasonResumed) == 3 }); s.told(notify.ReasonSuspended) != 3 {
		t.Errorf("told %d times that all stands still", s.told(notify.ReasonSuspended))
	}
}

// A change tells the requests that its commits came by, and who of them agreed to this effect.
func TestAChangeTellsItsRequestAndWhoAgreed(t *testing.T) {
	s := newScene(t)
	s.wireWith(func(o *reconcile.Options) {
		o.Config.Forge = &reconcile.ForgeConfig{Kind: forge.Gitea, Project: "https://git.boston/ops/boston"}
	})
	s.run()
	s.applied(s.repo.push("a", ground))
	if err := s.Suspend(t.Context(), reconcile.Suspension{Reason: "pushing", Owner: "ada"}); err != nil {
		t.Fatal(err)
	}
	first := s.repo.push("b", ground+declare("p", "h1", "/one"))
	second := s.repo.push("c", ground+declare("p", "h1", "/two"))
	s.repo.push("d", ground+declare("p", "h1", "/three"))
	p, err := s.Plan(t.Context(), "d"+strings.Repeat("0", 39))
	if err != nil {
		t.Fatal(err)
	}
	book := &shown.Book{Requests: []*shown.Request{
		{Number: 7, Merged: first, Agreed: &shown.Agreed{By: "carol", Effect: p.EffectDigest}},
		{Number: 8, Head: second, Agreed: &shown.Agreed{By: "eve", Effect: "sha256:another"}}, {Number: 9, Merged: "elsewhere"},
	}}
	if err := book.Save(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Continue(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.applied(p.Commit)
	s.stop()
	s.Controller.Close()
	want := `change [https://git.boston/ops/boston/pulls/8 https://git.boston/ops/boston/pulls/7] [{plumb approve - 0 [carol]}]
plan [https://git.boston/ops/boston/pulls/8 https://git.boston/ops/boston/pulls/7] [{plumb approve - 0 [carol]}]`
	var lines []string
	for _, r := range s.trail(audit.Change, audit.Plan) {
		if r.Commit == p.Commit {
			lines = append(lines, fmt.Sprint(r.Type, " ", r.Requests, " ", r.Approvals))
		}
	}
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("the trail says\n%s\nwant\n%s", got, want)
	}
}
