package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Git itself makes the new text of the old one and the patch.
func TestGitTakesAPatch(t *testing.T) {
	many := strings.Repeat("a line\n", 20)
	for _, c := range [][2]string{
		{"one\ntwo\nthree\n", "one\n2\nthree\n"}, {"one\n", "one\ntwo\n"}, {"one\ntwo\n", "one\n"}, {"one", "one\n"}, {"one\n", "one"},
		{"x\n" + many + "y\n", "X\n" + many + "Y\n"}, {"x\n" + many + "y\n" + many, "x\nx2\n" + many + many + "z\n"}, {"a\n", "b\n"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a file.cue"), []byte(c[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		patch := Patch("a file.cue", c[0], c[1])
		cmd := exec.Command("git", "apply", "-")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q to %q: %v: %s\n%s", c[0], c[1], err, out, patch)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(dir, "a file.cue")); err != nil || string(got) != c[1] {
			t.Errorf("%q to %q: %q, %v\n%s", c[0], c[1], got, err, patch)
		}
	}
	if patch := Patch("a", "one\n", "one\n"); patch != "" {
		t.Errorf("nothing changes: %q", patch)
	}
}
