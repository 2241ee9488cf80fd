package forge_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/sources/forge"
	"plumbline/sources/forge/forgetest"
)

// held is a project whose main holds site.cue, old.cue and run.sh.
func held(t *testing.T, f *forgetest.Forge) (head string) {
	t.Helper()
	work := t.TempDir()
	f.Repository = filepath.Join(work, ".git")
	git(t, work, "init", "-q", "-b", "main")
	for name, text := range map[string]string{"site.cue": "package boston\n", "old.cue": "package boston\n// old\n", "lib/kept.cue": "package lib\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, work, "add", "-A")
	git(t, work, "commit", "-q", "-m", "first")
	return git(t, work, "rev-parse", "HEAD")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=ada", "-c", "user.email=ada@boston"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func proposal(from string) forge.Proposal {
	return forge.Proposal{
		Base: "main", From: from, Branch: "plumb/adopt-1", Title: "adopt vm/payroll", Body: "what is live, written down",
		Files: map[string][]byte{
			"site.cue": []byte("package boston\n\nx: \"é\"\n"), "new/über file.cue": []byte("package new\n"), "old.cue": nil, "bytes.age": {0xff, 0, 0xfe},
		},
	}
}

func TestAProposalIsOneCommitAndOneRequest(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		p := proposal(held(t, f))
		got, err := c.Propose(t.Context(), p)
		if err != nil || !got.Made || !got.Open || got.Number != 8 {
			t.Fatalf("%+v, %v", got, err)
		}
		if r, err := forge.Parse(got.URL); err != nil || r.Number != 8 {
			t.Errorf("address %s: %v", got.URL, err)
		}
		dir := filepath.Dir(f.Repository)
		asked := f.Pull(8)
		if asked.Branch != "main" || asked.From != p.Branch || asked.Title != p.Title || asked.Body != p.Body || asked.Head != git(t, dir, "rev-parse", p.Branch) {
			t.Errorf("request %+v", asked)
		}
		if git(t, dir, "rev-parse", p.Branch+"^") != p.From || git(t, dir, "log", "-1", "--format=%B", p.Branch) != p.Title+"\n\n"+p.Body {
			t.Errorf("commit %s", git(t, dir, "show", p.Branch))
		}
		if have, want := git(t, dir, "-c", "core.quotepath=off", "ls-tree", "-r", "--name-only", p.Branch), "bytes.age\nlib/kept.cue\nnew/über file.cue\nsite.cue"; have != want {
			t.Errorf("files:\n%s", have)
		}
		for name, text := range p.Files {
			out, err := exec.Command("git", "-C", dir, "show", p.Branch+":"+name).Output()
			if text != nil && (err != nil || string(out) != string(text)) {
				t.Errorf("%s holds %q, %v", name, out, err)
			}
		}
	})
}

func TestTheSameProposalIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		p := proposal(held(t, f))
		first, err := c.Propose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Propose(t.Context(), p)
		if want := (forge.Proposed{Number: first.Number, URL: first.URL, Open: true}); err != nil || again != want {
			t.Errorf("%+v, %v; want %+v", again, err, want)
		}
		closed := f.Pull(8)
		closed.Closed = true
		f.Set(closed)
		if again, err = c.Propose(t.Context(), p); err != nil || again.Made || again.Open || again.Number != 8 {
			t.Errorf("a request that somebody closed: %+v, %v", again, err)
		}
	})
}

// Wherever an answer is lost, there is one branch and one request in the end.
func TestAProposalSurvivesAFailingForge(t *testing.T) {
	for dialect, calls := range map[string][]string{
		"github": {"/trees", "/commits", "/refs", "/pulls"}, "gitea": {"/contents", "/pulls"}, "gitlab": {"/commits", "/merge_requests"},
	} {
		for i, lost := range calls {
			t.Run(dialect+lost, func(t *testing.T) {
				f := forgetest.New(t)
				c, _ := open(t, f, dialect)
				p := proposal(held(t, f))
				f.Fail(forgetest.Fault{Method: http.MethodPost, Path: lost, Status: 502, After: true})
				got, err := c.Propose(t.Context(), p)
				if last := i == len(calls)-1; err != nil || got.Number != 8 || f.Pull(9).Number != 0 || got.Made == last {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
	}
}

// What changed on the branch since the files were read is not written over.
func TestAProposalWritesNothingOver(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		p := proposal(held(t, f))
		dir := filepath.Dir(f.Repository)
		if err := os.WriteFile(filepath.Join(dir, "site.cue"), []byte("package boston\n// of another\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		git(t, dir, "commit", "-q", "-a", "-m", "another")
		got, err := c.Propose(t.Context(), p)
		if err == nil { // a branch from the commit that was read is for Git to merge
			if base := git(t, dir, "merge-base", "main", p.Branch); base != p.From {
				t.Errorf("%+v stands on %s", got, base)
			}
		} else if !strings.Contains(err.Error(), "cannot write the files on the branch plumb/adopt-1") || f.Pull(8).Number != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestAProposalThatCannotBeMadeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, _ int64) {
		head, before := held(t, f), len(f.Calls())
		for _, spoil := range []func(*forge.Proposal){
			func(p *forge.Proposal) { p.Files = nil },
			func(p *forge.Proposal) { p.Title = " " },
			func(p *forge.Proposal) { p.Branch = "a\nb" },
			func(p *forge.Proposal) { p.From = "" },
		} {
			p := proposal(head)
			spoil(&p)
			if _, err := c.Propose(t.Context(), p); err == nil || !strings.HasPrefix(err.Error(), "cannot propose a change: ") {
				t.Errorf("%+v: %v", p, err)
			}
		}
		if n := len(f.Calls()) - before; n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestARequestIsClosed(t *testing.T) {
	each(t, func(t *testing.T, f *forgetest.Forge, c forge.Client, number int64) {
		if err := c.Close(t.Context(), number); err != nil || !f.Pull(7).Closed || f.Pull(7).Merged != "" {
			t.Errorf("%+v, %v", f.Pull(7), err)
		}
		if err := c.Close(t.Context(), 99); err == nil {
			t.Error("a request that is not there is closed")
		}
	})
}
