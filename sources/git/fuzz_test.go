package git_test

import (
	"os"
	"path/filepath"
	"testing"

	"plumbline/sources/git"
)

// Whatever stands in the files of a local repository: no panic, and an error or a commit.
func FuzzRepository(f *testing.F) {
	f.Add([]byte("ref: refs/heads/main\n"), []byte("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"), []byte("# pack-refs with: peeled\n"), []byte("0123456789012345678901234567890123456789\n"))
	f.Add([]byte("ref: refs/heads/main"), []byte("[include]\n\tpath = /etc/passwd\n[remote \"x\"]\nurl = \x00"), []byte("x refs/heads/main\n^x\n"), []byte("ref: refs/heads/main\n"))
	f.Add([]byte{0xff}, []byte("[core\n"), []byte("^\n"), []byte("ref: ../../../etc/passwd\n"))
	f.Fuzz(func(t *testing.T, head, config, packed, ref []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{"HEAD": head, "config": config, "packed-refs": packed, "refs/heads/main": ref, "objects/info/alternates": packed} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s, err := git.Open(git.Config{URL: dir, NoEvents: true})
		if err != nil {
			t.Fatal(err)
		}
		if commit, err := s.Head(t.Context()); err == nil {
			t.Errorf("a commit out of nothing: %+v", commit)
		}
	})
}
