package reconcile_test

import (
	"context"
	"strings"
	"testing"

	"plumbline/reconcile/run"
	"plumbline/schema"
)

// Drift is for people to decide, where they did not say that it heals: neither a start nor a push of something else takes it back.
func TestAStartAndAPushLeaveDrift(t *testing.T) {
	s := newScene(t)
	s.run()
	both := ground + declare("p", "h1", "/one") + declare("q", "h1", "/two")
	s.applied(s.repo.push("a", both))
	before, err := s.store.Entry(pool("p", "h1"))
	if err != nil {
		t.Fatal(err)
	}
	s.world.sabotage(pool("p", "h1"), "/by hand")
	s.stop()
	s.wire()
	s.run()
	pushed := s.repo.push("b", "// a line above\n"+both+declare("r", "h1", "/three"))
	s.applied(pushed)
	if got := s.world.dir(pool("p", "h1")); got != "/by hand" || s.world.dir(pool("r", "h1")) != "/three" {
		t.Errorf("the pool is %q", got)
	}
	if notes := s.Status().Notes; len(notes) != 1 || !strings.Contains(notes[0].Text, "it differs from what was applied: dir; nobody declared that") {
		t.Errorf("notes %+v", notes)
	}
	entry, err := s.store.Entry(pool("p", "h1"))
	if err != nil || entry.Pos.Line != before.Pos.Line+1 || !entry.AppliedAt.Equal(before.AppliedAt) {
		t.Errorf("remembered are %+v (%v), before %+v", entry, err, before)
	}
	p, err := s.Plan(context.Background(), pushed)
	if err != nil || len(p.Changes) != 1 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0].Text, "a push leaves it") {
		t.Errorf("the plan for a person: %+v, %v", p, err)
	}
	s.applied(s.repo.push("c", ground+declare("p", "h1", "/changed")+declare("q", "h1", "/two")+declare("r", "h1", "/three")))
	if got := s.world.dir(pool("p", "h1")); got != "/changed" {
		t.Errorf("what was declared anew is %q", got)
	}
}

func TestAPreviewShowsWhatAPushWouldDo(t *testing.T) {
	s := newScene(t)
	s.run()
	base := s.repo.push("a", ground+declare("p", "h1", "/one")+declare("q", "h1", "/two"))
	s.applied(base)
	s.stop()
	s.world.sabotage(pool("p", "h1"), "/by hand")
	for name, text := range map[string]string{
		"pool/q@h1": declare("p", "h1", "/one") + declare("q", "h1", "/changed"),
		"pool/p@h1": declare("p", "h1", "/changed") + declare("q", "h1", "/two"),
	} {
		p, err := s.Preview(context.Background(), base, s.repo, s.repo.push(name, ground+text))
		if err != nil || len(p.Own) != 1 || p.Own[0].Instance.String() != name || len(p.Anyway) != 0 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if p, err := s.Standing(context.Background(), base); err != nil || len(p.Changes) != 1 {
		t.Errorf("what makes a preview stale: %+v, %v", p, err)
	}
	result, err := s.Heal(context.Background(), []schema.Instance{pool("p", "h1")}, func(run.Event) {})
	if err != nil || result.Verdict != run.Applied || s.world.dir(pool("p", "h1")) != "/one" {
		t.Errorf("healed by order: %+v, %v", result, err)
	}
}
