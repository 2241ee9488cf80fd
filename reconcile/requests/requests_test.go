package requests

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	"plumbline/reconcile/run"
	"plumbline/reconcile/shown"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/forge"
	"plumbline/sources/forge/forgetest"
	"plumbline/sources/forge/hook"
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

func TestAForksCommitIsPlannedWhenAMaintainerAllowsIt(t *testing.T) {
	x := newSite(t, nil)
	p := x.forge.Pull(7)
	p.Fork = true
	x.forge.Set(p)
	x.turn()
	x.has("it comes from a fork", "plumb plan "+p.Head)
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
	p := x.forge.Pull(7)
	p.Fork = true
	x.forge.Set(p)
	x.turn()
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

func ended(commit, verdict string, result string) journal.Past {
	at := time.Unix(1_790_000_500, 0)
	return journal.Past{Plan: &plan.Plan{ID: "plan " + commit, Commit: commit}, Summary: "1 update", BegunAt: at, EndedAt: &at, Verdict: verdict, Result: []byte(result)}
}

func TestWhatCameOfACommitIsTold(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	merged := strings.Repeat("c", 40)
	p := x.forge.Pull(7)
	p.Closed, p.Merged = true, merged
	x.forge.Set(p)
	x.turn()
	if x.looked == 0 {
		t.Error("the controller is not told to look")
	}
	x.past = []journal.Past{ended(merged, string(run.RolledBack), `{"verdict":"rolled back","lanes":[{"lane":1,"objects":["vm/x@h"],"outcome":"rolled back","cause":"error","err":"no `+"```"+` space @all"}]}`)}
	x.turn()
	x.turn()
	got := x.comment(preview.OutcomeMarker)
	if !strings.Contains(got, "````\nlane 1 (vm/x@h): rolled back: no ``` space @all\n````") || !strings.Contains(got, "parked") || !strings.Contains(got, "git revert --no-edit cccccccccc ") {
		t.Errorf("%s", got)
	}
	if strings.Count(x.statuses(), "cccc plumb/apply failure: rolled back: 1 update") != 1 {
		t.Error(x.statuses())
	}
	next := ended(merged, string(run.Applied), `{"verdict":"applied"}`)
	next.Plan.ID = "plan 2"
	x.past = append(x.past, next)
	x.turn()
	if !strings.Contains(x.comment(preview.OutcomeMarker), "**applied**") || !strings.HasSuffix(x.statuses(), "cccc plumb/apply success: applied in 0s: 1 update") {
		t.Errorf("%s\n%s", x.comment(preview.OutcomeMarker), x.statuses())
	}
}

// How many agreed, to what, and how others do stands in the comment and in a status of its own.
func TestApprovalsAreCountedWhereTheyAreWaitedFor(t *testing.T) {
	x := newSite(t, nil)
	x.agreed = []plan.Agreement{{Rule: "net/**", Pos: schema.Pos{File: "plumb.cue", Line: 9, Col: 2}, Need: 2, Of: []string{"ada@*", "bob@*"}}}
	x.turn()
	x.has("### plumb: **waits for approvals**, `~1`", "- 0 of 2 approvals, wanted by `net/**` (`plumb.cue:9:2`) for `vm/x@h`", "Plumb-Approve: sha256:0123")
	if x.policies() != "aaaa plumb/policy pending: 0 of 2 approvals for net/**" || !strings.HasSuffix(x.statuses(), "success: waits for approvals, ~1") {
		t.Errorf("%s\n%s", x.policies(), x.statuses())
	}
	x.push("b")
	x.agreed[0].Names = []string{"ada@boston"}
	x.turn()
	x.has("- 1 of 2 approvals by `ada@boston`")
	x.push("c")
	x.agreed[0].Names = []string{"ada@boston", "bob@boston"}
	x.turn()
	x.has("### plumb: `~1`\n", "- 2 of 2 approvals by `ada@boston, bob@boston`")
	if strings.Contains(x.comment(preview.Marker), "Plumb-Approve") || !strings.HasSuffix(x.policies(), "bbbb plumb/policy pending: 1 of 2 approvals for net/**\ncccc plumb/policy success: 2 of 2 approvals for net/**") {
		t.Errorf("%s\n%s", x.policies(), x.comment(preview.Marker))
	}
}

func TestWhatTheRulesSayIsAStatus(t *testing.T) {
	x := newSite(t, nil)
	x.refusals = []diff.Refusal{{Instance: schema.ID("vm/x").On("h"), Class: diff.Denied, Text: "no"}}
	x.turn()
	x.push("b")
	x.refusals[0].Class = diff.Unknown
	x.turn()
	x.push("c")
	x.problems = schema.Problems{{Text: "no"}}
	x.turn()
	want := "aaaa plumb/policy failure: a policy is against it: vm/x@h\nbbbb plumb/policy success: nothing is against it\ncccc plumb/policy pending: not judged: the topology has mistakes"
	if x.policies() != want {
		t.Errorf("%s\nwant\n%s", x.policies(), want)
	}
}

func TestWhatIsHeldIsShownAndCanBeApproved(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	merged := strings.Repeat("c", 40)
	p := x.forge.Pull(7)
	p.Closed, p.Merged = true, merged
	x.forge.Set(p)
	x.turn()
	x.live = "unrest"
	x.status = reconcile.Status{Head: merged, Applied: x.head, Unseen: "effect"}
	x.turn()
	x.has("**held**", "head="+merged)
	x.forge.Comment("ada", "plumb approve")
	x.turn()
	if r := x.s.book.Request(7); !r.Saw("effect of "+merged+" over unrest") || x.signs() != "+1 " {
		t.Errorf("%+v %+v, %s", r, r.Agreed, x.signs())
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
