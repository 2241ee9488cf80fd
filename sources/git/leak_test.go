package git_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"plumbline/sources/git"
)

// A controller asks for years: whatever a look opens, it closes, and does not
// leave that to the garbage collector.
func TestAskingOftenLeavesNothingOpen(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	for name, c := range map[string]func() *git.Source{
		"local": func() *git.Source { return w.open(git.Config{}) },
		"https": func() *git.Source { return w.open(newForge(w).config(t)) },
		"ssh":   func() *git.Source { return w.open(newSSHD(t).gitConfig(w)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := c()
			ask := func(n int) (fds, routines int) {
				for range n {
					wantFile(t, tree(t, s, head(t, s).ID), "a.cue", "package a\n")
				}
				list, err := os.ReadDir("/proc/self/fd")
				if err != nil {
					t.Fatal(err)
				}
				return len(list), runtime.NumGoroutine()
			}
			f1, r1 := ask(10)
			f2, r2 := ask(100)
			t.Logf("descriptors %d → %d, goroutines %d → %d", f1, f2, r1, r2)
			if f2 > f1+20 || r2 > r1+40 {
				t.Error("they grow")
			}
		})
	}
}
