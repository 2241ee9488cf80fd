package requests

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/run"
	"plumbline/sources"
	"plumbline/sources/forge"
	"plumbline/sources/forge/forgetest"
)

// newReverting is a site whose commit was applied in part: the effect "sha256:feed" failed.
func newReverting(t *testing.T, change func(*Options)) *site {
	x := newSite(t, func(o *Options) {
		o.Revert = true
		if change != nil {
			change(o)
		}
	})
	work := t.TempDir()
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", work, "-c", "user.name=ada", "-c", "user.email=ada@boston"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	git("commit", "-q", "--allow-empty", "-m", "head")
	x.forge.Repository, x.head = filepath.Join(work, ".git"), git("rev-parse", "HEAD")
	x.takenBack = map[string][]byte{"net/a.cue": []byte("package net\n")}
	x.turn()
	x.fails("1", "sha256:feed")
	return x
}

// fails lets the head be applied in part.
func (x *site) fails(id string, effects ...string) {
	p := ended(x.head, string(run.Partly), `{"verdict":"partly applied"}`)
	p.Plan.ID, p.Plan.Base = id, strings.Repeat("0", 40)
	at := x.at.Add(time.Second)
	p.BegunAt, p.EndedAt = at, &at
	var lanes []string
	for n, effect := range effects {
		lanes = append(lanes, fmt.Sprintf(`{"lane":%d,"objects":["vm/x@h"],"outcome":"rolled back","cause":"error","err":"no `+"```"+` space @all","effect":%q}`, n+1, effect))
	}
	p.Result = fmt.Appendf(nil, `{"verdict":"partly applied","lanes":[%s,{"lane":9,"objects":["vm/y@h"],"outcome":"applied","effect":"sha256:fine"}]}`, strings.Join(lanes, ","))
	x.past = append([]journal.Past{p}, x.past...)
}

// mends lets another commit be applied in full.
func (x *site) mends(commit string) {
	x.at = x.at.Add(time.Minute)
	p := ended(commit, string(run.Applied), `{"verdict":"applied"}`)
	at := x.at
	p.Plan.ID, p.BegunAt, p.EndedAt = "mended "+commit, at, &at
	x.past = append([]journal.Past{p}, x.past...)
}

func (x *site) reverts() (all []forgetest.Pull) {
	for n := int64(8); n < 20; n++ {
		if p := x.forge.Pull(n); p.Number == n {
			all = append(all, p)
		}
	}
	return all
}

func TestWhatFailedIsOfferedToBeTakenBackOnce(t *testing.T) {
	x := newReverting(t, nil)
	x.turn()
	x.turn()
	x.fails("2", "sha256:feed") // after "plumb resume", in vain
	x.open(func(o *Options) { o.Revert = true })
	x.turn()
	all := x.reverts()
	if len(all) != 1 || all[0].From != "plumb/revert-feed" || all[0].Branch != "main" || !strings.HasPrefix(all[0].Title, "Take back what failed of ") {
		t.Fatalf("%+v", all)
	}
	if !strings.HasPrefix(all[0].Body, preview.RevertMarker+" effect=sha256:feed commit="+x.head) || !strings.Contains(all[0].Body, "````\nno ``` space @all\n\nnet/a.cue\n````") {
		t.Errorf("%s", all[0].Body)
	}
	if fmt.Sprint(x.asked) != fmt.Sprintf("[%.4s %.4s 0000 [vm/x@h]]", x.head, x.head) {
		t.Errorf("asked for %v", x.asked)
	}
	if len(all[0].Head) != 40 {
		t.Errorf("head %q", all[0].Head)
	}
}

// A lost state directory and a forge that does not answer make no second request.
func TestARevertIsFoundAgain(t *testing.T) {
	x := newReverting(t, nil)
	x.turn()
	x.state = t.TempDir()
	x.open(func(o *Options) { o.Revert, o.Now = true, func() time.Time { return x.at.Add(-24 * time.Hour) } })
	x.forge.Fail(forgetest.Fault{Method: "GET", Path: "plumb/revert-feed", Status: 502})
	if err := x.s.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := x.reverts(); len(all) != 1 || x.s.book.Reverts[0].Number != 8 {
		t.Errorf("%+v", all)
	}
}

func TestARevertThatIsNotNeededIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(x *site)
		closed    bool
		told      bool
	}{
		"nobody touched it":        {func(*site) {}, true, true},
		"somebody went on with it": {func(x *site) { p := x.forge.Pull(8); p.Head = strings.Repeat("e", 40); x.forge.Set(p) }, false, true},
		"somebody closed it":       {func(x *site) { p := x.forge.Pull(8); p.Closed = true; x.forge.Set(p) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newReverting(t, nil)
			x.turn()
			c.meanwhile(x)
			x.mends(strings.Repeat("d", 40))
			x.turn()
			x.turn()
			told := strings.Contains(x.comment(preview.OutcomeMarker), "**not needed any more**")
			if got := x.forge.Pull(8).Closed; got != c.closed || told != c.told {
				t.Errorf("closed %t, told %t", got, told)
			}
			if len(x.reverts()) != 1 {
				t.Errorf("%+v", x.reverts())
			}
		})
	}
}

func TestWhatCannotBeTakenBackIsTold(t *testing.T) {
	x := newReverting(t, nil)
	p := x.forge.Pull(7)
	p.Closed, p.Merged = true, x.head
	x.forge.Set(p)
	x.s.book.Request(7).Merged = x.head
	x.unRevertable = fmt.Errorf("%w in net/a.cue", sources.ErrConflict)
	x.turn()
	x.turn()
	if len(x.reverts()) != 0 || !strings.Contains(x.comment(preview.OutcomeMarker), "No request could be made") {
		t.Errorf("%+v\n%s", x.reverts(), x.comment(preview.OutcomeMarker))
	}
}

func TestWhatIsNotAskedForIsNotOffered(t *testing.T) {
	for name, change := range map[string]func(x *site){
		"it is not configured":            func(x *site) { x.s.o.Revert = false },
		"nothing was ever applied before": func(x *site) { x.past[0].Plan.Base = "" },
		"a host did not answer": func(x *site) {
			x.past[0].Result = []byte(strings.Replace(string(x.past[0].Result), `"cause":"error"`, `"cause":"unreachable"`, 1))
		},
		"it was mended before anybody looked": func(x *site) { x.mends(strings.Repeat("d", 40)) },
	} {
		x := newReverting(t, nil)
		change(x)
		x.turn()
		if all := x.reverts(); len(all) != 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// Two effects in the same files are one change.
func TestTwoEffectsOfTheSameFilesAreOneRequest(t *testing.T) {
	x := newReverting(t, nil)
	x.past = nil
	x.fails("1", "sha256:feed", "sha256:f00d")
	x.turn()
	if all := x.reverts(); len(all) != 1 || len(x.s.book.Reverts) != 2 {
		t.Errorf("%+v", all)
	}
}

// On each forge.
func TestARevertOnEachForge(t *testing.T) {
	for kind, dialect := range map[forge.Kind]string{forge.GitHub: "github", forge.Gitea: "gitea", forge.GitLab: "gitlab"} {
		t.Run(dialect, func(t *testing.T) {
			x := newReverting(t, nil)
			p, err := forge.ParseProject(kind, x.forge.Project(dialect))
			if err != nil {
				t.Fatal(err)
			}
			if x.s.o.Client, err = p.Open(x.forge.Token); err != nil {
				t.Fatal(err)
			}
			x.turn()
			x.mends(strings.Repeat("d", 40))
			x.turn()
			if all := x.reverts(); len(all) != 1 || !all[0].Closed {
				t.Errorf("%+v", all)
			}
		})
	}
}
