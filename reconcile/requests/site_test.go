package requests

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/shown"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/forge"
	"plumbline/sources/forge/forgetest"
)

// world is a branch and a live state of one word each.
type world struct {
	head, live string
	conflict   bool
	problems   schema.Problems
	broken     error
	text       string // that plans tell
	agreed     []plan.Agreement
	size       int // changes; 0 = one
	refusals   []diff.Refusal
	planned    []string
	looked     int
	past       []journal.Past
	status     reconcile.Status
	meanwhile  func() // called once while a request is planned
	away       bool   // no controller answers
	taken      []string
	felt       map[string][]string // of a plan

	takenBack    map[string][]byte // what a revert comes to
	unRevertable error
	asked        []string // reverts
}

func (w *world) Refresh(context.Context) error { return nil }

func (w *world) Head(context.Context) (sources.Commit, error) { return sources.Commit{ID: w.head}, nil }

func (w *world) Merge(_ context.Context, ref, base, head string) (reconcile.Candidate, string, error) {
	if w.conflict {
		return reconcile.Candidate{}, "", fmt.Errorf("cannot merge: %w in %q", sources.ErrConflict, "a```b.cue")
	}
	return reconcile.Candidate{ID: head}, "tree of " + head + " on " + base, nil
}

func (w *world) plan(commit string) *plan.Plan {
	i := schema.ID("vm/x").On("h")
	step := actuators.Step{ID: "1", Instance: i, Op: "set", Summary: "set " + w.text, Params: []byte(`"` + commit + `"`), Reversal: actuators.Exact}
	changes := []*plan.Change{{Instance: i, Action: actuators.Update, Steps: []actuators.Step{step}}}
	steps := []actuators.Step{step}
	for n := 1; n < w.size; n++ {
		felt := step
		felt.Disruptive, felt.Reversal, felt.ID = "down for 3 s", actuators.NoReversal, fmt.Sprint("y", n)
		felt.Instance = schema.MakeID("vm", fmt.Sprintf("y%05d", n)).On("h")
		steps = append(steps, felt)
		changes = append(changes, &plan.Change{Instance: felt.Instance, Action: actuators.Retire, Steps: []actuators.Step{felt}})
	}
	lane := plan.Lane{ID: 1, Objects: []schema.Instance{i}, EffectDigest: "sha256:0123", Agreed: w.agreed, Unapproved: slices.ContainsFunc(w.agreed, plan.Agreement.Lacks)}
	if lane.Unapproved {
		lane.Held = "not enough people agreed"
	}
	return &plan.Plan{Commit: commit, EffectDigest: "effect of " + commit + " over " + w.live, Steps: steps, Lanes: []plan.Lane{lane}, Refusals: w.refusals,
		Changes: changes, CreatedAt: time.Unix(0, 0)}
}

func (w *world) Standing(_ context.Context, base string) (*plan.Plan, error) {
	return w.plan(base), nil
}

func (w *world) PreviewOf(_ context.Context, base string, of reconcile.Candidate) (preview.Preview, error) {
	w.planned = append(w.planned, fmt.Sprintf("%.4s stranger=%t", of.ID, of.Stranger))
	if w.meanwhile != nil {
		w.meanwhile()
		w.meanwhile = nil
	}
	if w.problems != nil {
		return preview.Preview{Base: base, Head: of.ID, Problems: w.problems}, nil
	}
	if w.broken != nil {
		return preview.Preview{}, w.broken
	}
	return preview.Compare(w.plan(base), w.plan(of.ID)), nil
}

func (w *world) Validate(context.Context, reconcile.Candidate) (schema.Problems, error) {
	return w.problems, nil
}

func (w *world) Status(context.Context) (reconcile.Status, bool) { return w.status, true }

func (w *world) History(context.Context, int) ([]journal.Past, error) {
	return append([]journal.Past(nil), w.past...), nil
}

func (w *world) Felt(_ context.Context, plan string) ([]string, error) { return w.felt[plan], nil }

func (w *world) Look(context.Context) { w.looked++ }

func (w *world) TakeDown(_ context.Context, o shown.Ordered) (bool, error) {
	if w.away {
		return false, nil
	}
	w.taken = append(w.taken, fmt.Sprintf("%s %s by %s of %.4s %s%s", o.Key, o.What, o.By, o.Commit, o.Effect, o.Result))
	return true, nil
}

func (w *world) Revert(_ context.Context, head, bad, good string, objects []schema.Instance) (map[string][]byte, error) {
	w.asked = append(w.asked, fmt.Sprintf("%.4s %.4s %.4s %v", head, bad, good, objects))
	return w.takenBack, w.unRevertable
}

// site is a service between a world and a forge.
type site struct {
	*testing.T
	*world
	forge *forgetest.Forge
	s     *Service
	at    time.Time
	state string
}

func newSite(t *testing.T, change func(*Options)) *site {
	x := &site{T: t, world: &world{head: strings.Repeat("1", 40), live: "rest", text: "a word"}, forge: forgetest.New(t), at: time.Unix(1_790_000_000, 0), state: t.TempDir()}
	x.forge.Allow("ada")
	x.open(change)
	return x
}

// open begins a service, as a restart does.
func (x *site) open(change func(*Options)) {
	p, err := forge.ParseProject(forge.Gitea, x.forge.Project("gitea"))
	if err != nil {
		x.Fatal(err)
	}
	client, err := p.Open(x.forge.Token)
	if err != nil {
		x.Fatal(err)
	}
	o := Options{Client: client, World: x.world, State: x.state, Branch: "main", Rules: "rules", Version: "1", Limit: 60_000, Now: func() time.Time { return x.at }}
	if change != nil {
		change(&o)
	}
	if x.s, err = New(o); err != nil {
		x.Fatal(err)
	}
}

// speak has the service speak with the forge in another dialect.
func (x *site) speak(kind forge.Kind, dialect string) {
	x.Helper()
	p, err := forge.ParseProject(kind, x.forge.Project(dialect))
	if err != nil {
		x.Fatal(err)
	}
	if x.s.o.Client, err = p.Open(x.forge.Token); err != nil {
		x.Fatal(err)
	}
}

// turn lets the service look at everything once, a minute later.
func (x *site) turn() {
	x.Helper()
	x.at = x.at.Add(time.Minute)
	if err := x.s.poll(x.Context()); err != nil {
		x.Fatal(err)
	}
	if err := x.s.inLine(x.Context()); err != nil {
		x.Fatal(err)
	}
	if err := x.s.tell(x.Context()); err != nil {
		x.Fatal(err)
	}
	x.s.work(x.Context())
}

func (x *site) push(digit string) {
	p := x.forge.Pull(7)
	p.Head = strings.Repeat(digit, 40)
	x.forge.Set(p)
}

// merge merges the request, sees that told, and gives the commit.
func (x *site) merge() string {
	p := x.forge.Pull(7)
	p.Closed, p.Merged = true, strings.Repeat("c", 40)
	x.forge.Set(p)
	x.turn()
	return p.Merged
}

// fork has the request come from a fork, sees that told, and gives its head.
func (x *site) fork() string {
	p := x.forge.Pull(7)
	p.Fork = true
	x.forge.Set(p)
	x.turn()
	return p.Head
}

// comment is the one that begins with a marker.
func (x *site) comment(marker string) (text string) {
	x.Helper()
	n := 0
	for _, c := range x.forge.Comments() {
		if strings.HasPrefix(c.Body, marker) && c.Author == x.forge.Login {
			text, n = c.Body, n+1
		}
	}
	if n > 1 {
		x.Errorf("%d comments of one sort", n)
	}
	return text
}

// has tells whether the comment holds all texts.
func (x *site) has(texts ...string) {
	x.Helper()
	got := x.comment(preview.Marker)
	for _, text := range texts {
		if !strings.Contains(got, text) {
			x.Errorf("the comment has no %q:\n%s", text, got)
		}
	}
}

// statuses are what was set, but for what the rules say.
func (x *site) statuses() string {
	return x.set(func(context string) bool { return context != policyContext })
}

// policies are what the rules said.
func (x *site) policies() string {
	return x.set(func(context string) bool { return context == policyContext })
}

func (x *site) set(which func(context string) bool) string {
	var all []string
	for _, s := range x.forge.Statuses() {
		if !which(s["context"]) {
			continue
		}
		all = append(all, fmt.Sprintf("%.4s %s %s: %s", s["commit"], s["context"], s["state"], s["description"]))
	}
	return strings.Join(all, "\n")
}

func (x *site) signs() string {
	text := ""
	for _, c := range x.forge.Comments() {
		if len(c.Signs) > 0 {
			text += strings.Join(c.Signs, "") + " "
		}
	}
	return text
}
