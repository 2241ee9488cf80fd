package git_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/sources"
	"plumbline/sources/git"
)

// branches makes two branches of a common commit, "main" and "side", by what changes files in each. A file of "" is removed.
func (w *world) branches(old, ours, theirs map[string]string) (base, head string) {
	w.t.Helper()
	change := func(files map[string]string) string {
		for name, text := range files {
			if text == "" {
				w.git("rm", "-q", name)
				continue
			}
			w.write(name, text)
		}
		return w.commit("change")
	}
	change(old)
	w.git("checkout", "-q", "-b", "side")
	head = change(theirs)
	w.git("checkout", "-q", "main")
	base = change(ours)
	w.git("push", "-q", "origin", "main", "side")
	return base, head
}

// merged is what git makes of it: the tree, or "" for a conflict.
func (w *world) merged(base, head string) string {
	w.t.Helper()
	cmd := exec.Command("git", "merge-tree", "--write-tree", base, head)
	cmd.Dir = w.bare
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return ""
	case err != nil:
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAMergeIsThatOfGit(t *testing.T) {
	ten := strings.Join([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", ""}, "\n")
	for name, c := range map[string]struct{ old, ours, theirs map[string]string }{
		"other files":       {map[string]string{"a.cue": "a\n", "d/b.cue": "b\n"}, map[string]string{"a.cue": "a2\n"}, map[string]string{"d/b.cue": "b2\n", "d/e/c.cue": "c\n"}},
		"other lines":       {map[string]string{"a.cue": ten}, map[string]string{"a.cue": strings.Replace(ten, "2", "two", 1)}, map[string]string{"a.cue": strings.Replace(ten, "9", "nine", 1)}},
		"the same lines":    {map[string]string{"a.cue": ten}, map[string]string{"a.cue": strings.Replace(ten, "5", "five", 1)}, map[string]string{"a.cue": strings.Replace(ten, "5", "V", 1)}},
		"the same change":   {map[string]string{"a.cue": ten}, map[string]string{"a.cue": strings.Replace(ten, "5", "five", 1)}, map[string]string{"a.cue": strings.Replace(ten, "5", "five", 1), "b.cue": "b\n"}},
		"neighbours":        {map[string]string{"a.cue": ten}, map[string]string{"a.cue": strings.Replace(ten, "5", "five", 1)}, map[string]string{"a.cue": strings.Replace(ten, "6", "six", 1)}},
		"removed, changed":  {map[string]string{"a.cue": ten, "b.cue": "b\n"}, map[string]string{"a.cue": ""}, map[string]string{"a.cue": ten + "11\n"}},
		"removed":           {map[string]string{"a.cue": ten, "d/b.cue": "b\n"}, map[string]string{"d/b.cue": ""}, map[string]string{"a.cue": ten + "11\n"}},
		"added twice":       {map[string]string{"a.cue": ten}, map[string]string{"b.cue": "one\n"}, map[string]string{"b.cue": "two\n"}},
		"file and folder":   {map[string]string{"a.cue": ten}, map[string]string{"b": "one\n"}, map[string]string{"b/c": "two\n"}},
		"nothing by theirs": {map[string]string{"a.cue": ten}, map[string]string{"b.cue": "one\n"}, map[string]string{}},
		"sorted as git":     {map[string]string{"a/x": "x\n", "a.b": "b\n"}, map[string]string{"a-c": "c\n"}, map[string]string{"a/y": "y\n"}},
		"no last newline":   {map[string]string{"a.cue": ten + "end"}, map[string]string{"a.cue": "0\n" + ten + "end"}, map[string]string{"a.cue": ten + "END"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			base, head := w.branches(c.old, c.ours, c.theirs)
			m, err := w.open(git.Config{}).Merge(t.Context(), base, head)
			want := w.merged(base, head)
			switch {
			case want == "" && !errors.Is(err, sources.ErrConflict):
				t.Errorf("%+v, %v; git has a conflict", m, err)
			case want != "" && (err != nil || m.Root != want):
				t.Errorf("%+v, %v; git makes %s", m, err, want)
			}
		})
	}
}

// Whatever both did to some lines, ours is git's result or a conflict, and never something else.
func TestRandomMergesAreThoseOfGit(t *testing.T) {
	w := newWorld(t)
	w.write("start", "x\n")
	w.commit("start")
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 25 {
			return // each is ten processes
		}
		old := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "{", "}"}), 3, 12).Draw(rt, "old")
		change := func(name string) string {
			text := append([]string{}, old...)
			for range rapid.IntRange(0, 2).Draw(rt, name+" changes") {
				at := rapid.IntRange(0, len(text)).Draw(rt, "at")
				switch what := rapid.IntRange(0, 2).Draw(rt, "what"); {
				case what == 0 || at == len(text):
					text = append(text[:at:at], append([]string{name}, text[at:]...)...)
				case what == 1 && len(text) > 1:
					text = append(text[:at:at], text[at+1:]...)
				default:
					text[at] = name
				}
			}
			return strings.Join(text, "\n") + "\n"
		}
		ours, theirs := change("ours"), change("theirs")
		file := fmt.Sprintf("f%d", round)
		base, head := w.sides(file, strings.Join(old, "\n")+"\n", ours, theirs)
		m, err := w.open(git.Config{}).Merge(t.Context(), base, head)
		if want := w.merged(base, head); err == nil && m.Root != want || err != nil && !errors.Is(err, sources.ErrConflict) {
			rt.Errorf("%q %q %q: %+v, %v; git makes %q", old, ours, theirs, m, err, want)
		}
	})
}

// sides is branches for one file, anew each time.
func (w *world) sides(file, old, ours, theirs string) (base, head string) {
	w.t.Helper()
	commit := func(parent, text string) string {
		blob := w.object("blob", text)
		tree := w.object("tree", entry("100644", file, blob))
		p := ""
		if parent != "" {
			p = "parent " + parent + "\n"
		}
		return w.object("commit", "tree "+tree+"\n"+p+"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n")
	}
	root := commit("", old)
	return commit(root, ours), commit(root, theirs)
}

func TestAMergeOfWhatIsAhead(t *testing.T) {
	w := newWorld(t)
	base := w.push("a.cue", "package a\n")
	head := w.push("b.cue", "package b\n")
	s := w.open(git.Config{})
	m, err := s.Merge(t.Context(), base, head)
	if err != nil || m.Root != w.git("rev-parse", head+"^{tree}") {
		t.Fatalf("%+v, %v", m, err)
	}
	wantFile(t, m.Tree, "b.cue", "package b\n")
	if _, err := s.Merge(t.Context(), base, strings.Repeat("1", 40)); !errors.Is(err, sources.ErrNoCommit) {
		t.Errorf("a commit that is not there: %v", err)
	}
}

func TestAMergeBelowAPath(t *testing.T) {
	w := newWorld(t)
	base, head := w.branches(map[string]string{"dc/a.cue": "a\n"}, map[string]string{"other": "x\n"}, map[string]string{"dc/b.cue": "b\n"})
	m, err := w.open(git.Config{Path: "dc"}).Merge(t.Context(), base, head)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, m.Tree, "b.cue", "b\n")
}

func TestCrossedAndUnrelatedHistoriesAreConflicts(t *testing.T) {
	w := newWorld(t)
	commit := func(text string, parents ...string) string {
		p := ""
		for _, parent := range parents {
			p += "parent " + parent + "\n"
		}
		tree := w.object("tree", entry("100644", "f", w.object("blob", text)))
		return w.object("commit", "tree "+tree+"\n"+p+"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n"+text+"\n")
	}
	root := commit("root")
	a, b := commit("a", root), commit("b", root)
	x, y := commit("x", a, b), commit("y", b, a)
	s := w.open(git.Config{})
	for want, pair := range map[string][2]string{"2 best common ancestors": {x, y}, "no common ancestor": {x, commit("alone")}} {
		if _, err := s.Merge(t.Context(), pair[0], pair[1]); !errors.Is(err, sources.ErrConflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A bomb of names within names is given up, in both of its forms.
func TestAMergeOfEndlessTreesEnds(t *testing.T) {
	w := newWorld(t)
	bomb := func(seed string) string {
		kind, at := "100644", w.object("blob", seed)
		for range 9 {
			var b strings.Builder
			for i := range 10 {
				b.WriteString(entry(kind, fmt.Sprint(i), at))
			}
			kind, at = "40000", w.object("tree", b.String())
		}
		return at
	}
	commit := func(tree, parent string) string {
		return w.object("commit", "tree "+tree+"\n"+parent+"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n")
	}
	root := commit(bomb("one"), "")
	a, b := commit(bomb("two"), "parent "+root+"\n"), commit(bomb("three"), "parent "+root+"\n")
	if _, err := w.open(git.Config{Limits: sources.Limits{Entries: 500}}).Merge(t.Context(), a, b); !errors.Is(err, sources.ErrLimit) {
		t.Errorf("error %v", err)
	}
}
