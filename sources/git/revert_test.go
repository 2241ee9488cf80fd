package git_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"plumbline/sources"
	"plumbline/sources/git"
)

// reverted is what git makes of taking bad back to good in head: each file's text, or nil for a conflict.
func (w *world) reverted(head, bad, good string) map[string]string {
	w.t.Helper()
	back := w.run(w.bare, "commit-tree", good+"^{tree}", "-p", bad, "-m", "back")
	if tree := w.merged(head, back); tree != "" {
		return w.files(tree)
	}
	return nil
}

func (w *world) files(tree string) map[string]string {
	all := map[string]string{}
	for name := range strings.FieldsSeq(w.run(w.bare, "ls-tree", "-r", "--name-only", tree)) {
		all[name] = w.run(w.bare, "cat-file", "-p", tree+":"+name)
	}
	return all
}

// What is taken back is what git takes back, whatever was pushed since.
func TestARevertIsThatOfGit(t *testing.T) {
	names := []string{"a.cue", "d/b.cue", "d/e/c.cue"}
	w := newWorld(t)
	random := rand.New(rand.NewPCG(5, 7))
	text := map[string][]string{}
	change := func() {
		name := names[random.IntN(len(names))]
		if len(text[name]) == 0 || random.IntN(8) == 0 {
			text[name] = slices.Repeat([]string{"a line of " + name, "", ""}, 6*random.IntN(2))
		}
		if n := len(text[name]); n > 0 {
			text[name] = slices.Clone(text[name])
			text[name][random.IntN(n)] = fmt.Sprint("word ", random.IntN(3))
			w.write(name, strings.Join(text[name], "\n")+"\n")
			return
		}
		w.git("rm", "-q", "--ignore-unmatch", name)
	}
	conflicts := 0
	const rounds = 12
	for range rounds {
		var commits []string
		for range 3 {
			for range 2 {
				change()
			}
			w.write("always", "here\n")
			commits = append(commits, w.commit("change"))
		}
		w.git("push", "-q", "origin", "main")
		good, bad, head := commits[0], commits[1], commits[2]
		source := w.open(git.Config{})
		changed, err := source.Changed(t.Context(), good, bad)
		if err != nil {
			t.Fatal(err)
		}
		got, err := source.Revert(t.Context(), head, bad, good, changed)
		want := w.reverted(head, bad, good)
		if want == nil {
			if !errors.Is(err, sources.ErrConflict) {
				t.Fatalf("%v, %v; git has a conflict", got, err)
			}
			conflicts++
			continue
		}
		if errors.Is(err, sources.ErrConflict) { // git finds files again that were renamed
			conflicts++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		now := w.files(head)
		for name, text := range got {
			if now[name] = strings.TrimSpace(string(text)); text == nil {
				delete(now, name)
			}
		}
		if !maps.Equal(now, want) {
			t.Fatalf("%q\ngit makes\n%q", now, want)
		}
	}
	if conflicts == 0 || conflicts == rounds {
		t.Errorf("%d conflicts in %d", conflicts, rounds)
	}
}

// Only the files that are named are, below the path that is followed.
func TestARevertIsOfTheFilesThatAreNamed(t *testing.T) {
	w := newWorld(t)
	w.write("site/a.cue", "a\n")
	w.write("site/b.cue", "b\n")
	w.write("other.cue", "o\n")
	good := w.commit("good")
	w.write("site/a.cue", "A\n")
	w.write("site/b.cue", "B\n")
	w.write("site/new.cue", "n\n")
	w.write("other.cue", "O\n")
	bad := w.commit("bad")
	w.git("push", "-q", "origin", "main")
	source := w.open(git.Config{Path: "site"})
	got, err := source.Revert(t.Context(), bad, bad, good, []string{"a.cue", "new.cue"})
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(got)); fmt.Sprint(names) != "[site/a.cue site/new.cue]" || string(got["site/a.cue"]) != "a\n" || got["site/new.cue"] != nil {
		t.Errorf("%q", got)
	}
}
