package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plumbline/sources/git"
)

// byEvent polls once an hour only: what it sees in time, it saw by an event.
var byEvent = git.Config{Interval: time.Hour}

func TestPushIsAnEvent(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(byEvent)
	c := hints(t, s)
	for i := range 5 {
		id := w.push("a.cue", fmt.Sprintf("package a%d\n", i))
		until(t, c, "the push is seen", id)
		if i%2 == 0 {
			w.run(w.bare, "pack-refs", "--all")
		}
	}
}

func TestPushIsPolledWithoutEvents(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(git.Config{Interval: 30 * time.Millisecond, NoEvents: true})
	c := hints(t, s)
	until(t, c, "the push is seen", w.push("a.cue", "package b\n"))
}

// Other refs, locks and objects are no hint: the head is compared.
func TestOtherBranchIsNoHint(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(git.Config{Interval: 10 * time.Millisecond})
	c := hints(t, s)
	w.git("push", "-q", "origin", "main:other")
	w.run(w.bare, "gc", "-q")
	id := w.push("a.cue", "package b\n")
	if got := hint(t, c, "main was pushed"); got != id {
		t.Errorf("a hint came before the push, at %s", got)
	}
}

func TestFirstPushToEmptyRepositoryAndNestedBranch(t *testing.T) {
	w := newWorld(t)
	s := w.open(git.Config{Branch: "site/boston/live", Interval: time.Hour})
	c := hints(t, s)
	w.write("a.cue", "package a\n")
	id := w.commit("first")
	w.git("push", "-q", "origin", "main:site/boston/live")
	until(t, c, "the first push is seen", id)
}

func TestBranchDeletedAndMadeAnew(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	w.run(w.bare, "config", "receive.denyDeleteCurrent", "ignore")
	s := w.open(byEvent)
	c := hints(t, s)
	w.git("push", "-q", "origin", ":main")
	until(t, c, "the branch is gone", "gone")
	w.git("push", "-q", "origin", "main")
	until(t, c, "the branch is back", id)
	w.run(w.bare, "pack-refs", "--all")
	w.git("push", "-q", "origin", ":main")
	until(t, c, "the packed branch is gone", "gone")
}

func TestForcePushIsAnEvent(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(byEvent)
	c := hints(t, s)
	w.git("commit", "-q", "--amend", "-m", "amended")
	w.git("push", "-q", "-f", "origin", "main")
	until(t, c, "the force push is seen", w.git("rev-parse", "HEAD"))
}

// The watch is of a path; the kernel's is of an inode.
func TestRepositoryMovedAwayAndBack(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	s := w.open(byEvent)
	c := hints(t, s)
	for i := range 3 {
		rename(t, w.bare, w.bare+".away")
		until(t, c, "the repository is gone", "gone")
		rename(t, w.bare+".away", w.bare)
		until(t, c, "the repository is back", id)
		id = w.push("a.cue", fmt.Sprintf("package a%d\n", i))
		until(t, c, "a push after it is seen", id)
	}
}

func TestRepositoryRemovedAndMadeAnewWithItsParent(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(byEvent)
	c := hints(t, s)
	if err := os.RemoveAll(filepath.Dir(w.bare)); err != nil {
		t.Fatal(err)
	}
	until(t, c, "the repository is gone", "gone")
	w.run(w.work, "init", "-q", "--bare", "-b", "main", w.bare)
	until(t, c, "the new repository is seen", w.push("a.cue", "package b\n"))
	until(t, c, "a later push is seen", w.push("a.cue", "package c\n"))
}

func TestCommitInNonBareRepositoryIsAnEvent(t *testing.T) {
	w := newWorld(t)
	w.write("a.cue", "package a\n")
	w.commit("first")
	linked := filepath.Join(t.TempDir(), "linked")
	w.git("worktree", "add", "-q", "-b", "other", linked)
	for _, url := range []string{w.work, linked} {
		s := w.open(git.Config{URL: url, Interval: time.Hour})
		c := hints(t, s)
		until(t, c, "the commit is seen", w.commit("next"))
	}
}

// Nothing happens in the git directory when something above it moves.
func TestWorkTreeMovedAwayAndBack(t *testing.T) {
	w := newWorld(t)
	w.write("a.cue", "package a\n")
	id := w.commit("first")
	c := hints(t, w.open(git.Config{URL: w.work, Interval: time.Hour}))
	rename(t, w.work, w.work+".away")
	until(t, c, "the work tree is gone", "gone")
	rename(t, w.work+".away", w.work)
	until(t, c, "the work tree is back", id)
	until(t, c, "a commit after it is seen", w.commit("second"))
}

func TestLinkToRepositoryIsTurned(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.push("a.cue", "package a\n")
	id := other.push("b.cue", "package b\n")
	link := filepath.Join(t.TempDir(), "current.git")
	turn := func(to string) {
		t.Helper()
		if err := os.Symlink(to, link+".new"); err != nil {
			t.Fatal(err)
		}
		rename(t, link+".new", link)
	}
	turn(w.bare)
	c := hints(t, w.open(git.Config{URL: link, Interval: time.Hour}))
	turn(other.bare)
	until(t, c, "the other repository is seen", id)
	until(t, c, "a push to it is seen", other.push("b.cue", "package c\n"))
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
