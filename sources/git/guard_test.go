package git_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"plumbline/sources"
	"plumbline/sources/git"
)

// object writes an object into the bare repository as no git add would.
func (w *world) object(kind, content string) string {
	w.t.Helper()
	cmd := exec.Command("git", "hash-object", "-w", "--literally", "-t", kind, "--stdin")
	cmd.Dir, cmd.Stdin = w.bare, strings.NewReader(content)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git hash-object: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// entry is a line of a tree object.
func entry(mode, name, hash string) string {
	var raw []byte
	fmt.Sscanf(hash, "%x", &raw)
	return mode + " " + name + "\x00" + string(raw)
}

// crafted commits a tree object and reads it with the limits.
func (w *world) crafted(tree string, l sources.Limits) fs.FS {
	w.t.Helper()
	commit := w.object("commit", "tree "+tree+"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n")
	w.run(w.bare, "update-ref", "refs/heads/main", commit)
	s := w.open(git.Config{Limits: l})
	f, err := s.Tree(w.t.Context(), head(w.t, s).ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// walk reads everything and returns the first error.
func walk(f fs.FS) error {
	return fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = fs.ReadFile(f, p)
		}
		return err
	})
}

func wantLimit(t *testing.T, err error, path, what string, most int64) {
	t.Helper()
	var limit *sources.LimitError
	if !errors.Is(err, sources.ErrLimit) || !errors.As(err, &limit) || limit.Path != path || limit.What != what || limit.Most != most {
		t.Errorf("error = %v; want a limit of %d %s at %s", err, most, what, path)
	}
}

func TestLinkAndSubmoduleAreListedButNotRead(t *testing.T) {
	w := newWorld(t)
	blob := w.object("blob", "/etc/passwd")
	dir := w.object("tree", entry("100644", "a.cue", blob))
	root := w.object("tree", entry("40000", "dir", dir)+entry("120000", "link", blob)+entry("160000", "sub", strings.Repeat("12", 20)))
	f := w.crafted(root, sources.Limits{})
	list, err := fs.ReadDir(f, ".")
	if err != nil || len(list) != 3 || list[1].Type() != fs.ModeSymlink || list[2].Type() != fs.ModeIrregular {
		t.Fatalf("list = %v, %v", list, err)
	}
	for path, want := range map[string]string{
		"link":      "open link: neither file nor directory: link is a symbolic link",
		"link/x":    "open link/x: neither file nor directory: link is a symbolic link",
		"sub":       "open sub: neither file nor directory: sub is a submodule",
		"sub/a.cue": "open sub/a.cue: neither file nor directory: sub is a submodule",
	} {
		if _, err := f.Open(path); !errors.Is(err, sources.ErrIrregular) || err.Error() != want {
			t.Errorf("Open(%s): %v", path, err)
		}
		if _, err := fs.ReadFile(f, path); !errors.Is(err, sources.ErrIrregular) {
			t.Errorf("ReadFile(%s): %v", path, err)
		}
		if _, err := fs.Stat(f, path); !errors.Is(err, sources.ErrIrregular) {
			t.Errorf("Stat(%s): %v", path, err)
		}
	}
	wantFile(t, f, "dir/a.cue", "/etc/passwd")
}

func TestLargeFileIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	w.write("small.cue", strings.Repeat("x", 1000))
	id := w.push("dir/large.cue", strings.Repeat("x", 1001))
	s := w.open(git.Config{Limits: sources.Limits{FileBytes: 1000}})
	for range 2 { // loose, then packed
		f := tree(t, s, id)
		if _, err := fs.ReadFile(f, "small.cue"); err != nil {
			t.Error(err)
		}
		_, err := fs.ReadFile(f, "dir/large.cue")
		wantLimit(t, err, "dir/large.cue", "bytes", 1000)
		w.run(w.bare, "gc", "-q")
	}
}

func TestDefaultLimitOfAFileIs4MiB(t *testing.T) {
	w := newWorld(t)
	w.write("ok.cue", strings.Repeat("x", 4<<20))
	id := w.push("large.cue", strings.Repeat("x", 4<<20+1))
	f := tree(t, w.open(git.Config{}), id)
	if _, err := fs.ReadFile(f, "ok.cue"); err != nil {
		t.Error(err)
	}
	_, err := fs.ReadFile(f, "large.cue")
	wantLimit(t, err, "large.cue", "bytes", 4<<20)
}

// Ten directories of ten names each that all mean the next one: 10^10 paths in a few objects.
func TestTreeThatRepeatsItselfEnds(t *testing.T) {
	w := newWorld(t)
	kind, at := "100644", w.object("blob", "bomb")
	for range 10 {
		var b strings.Builder
		for i := range 10 {
			b.WriteString(entry(kind, fmt.Sprint(i), at))
		}
		kind, at = "40000", w.object("tree", b.String())
	}
	err := walk(w.crafted(at, sources.Limits{}))
	var limit *sources.LimitError
	if !errors.As(err, &limit) || limit.What != "entries" || limit.Most != 20_000 {
		t.Errorf("error = %v", err)
	}
}

func TestDeepTreeIsRefused(t *testing.T) {
	w := newWorld(t)
	at := w.object("tree", entry("100644", "a.cue", w.object("blob", "x")))
	for range 33 {
		at = w.object("tree", entry("40000", "d", at))
	}
	wantLimit(t, walk(w.crafted(at, sources.Limits{})), strings.Repeat("d/", 32)+"d", "levels", 32)
}

func TestHugeListingIsRefusedBeforeItIsRead(t *testing.T) {
	w := newWorld(t)
	blob := w.object("blob", "x")
	var b strings.Builder
	for i := range 200 {
		b.WriteString(entry("100644", fmt.Sprintf("%04d%s", i, strings.Repeat("n", 200)), blob))
	}
	root := w.object("tree", entry("40000", "big", w.object("tree", b.String())))
	wantLimit(t, walk(w.crafted(root, sources.Limits{Entries: 100})), "big", "tree bytes", 100*283)
	wantLimit(t, walk(w.crafted(root, sources.Limits{Entries: 190})), "big", "entries", 190)
}

func TestOddNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	blob := w.object("blob", "x")
	for name, want := range map[string]string{
		"a\x1b[31m.cue":    `readdir .: unusable file name: "a\x1b[31m.cue" holds control characters`,
		"a\nb":             `readdir .: unusable file name: "a\nb" holds control characters`,
		"a\u202eeuc.b":     `readdir .: unusable file name: "a\u202eeuc.b" holds control characters`,
		"..":               `readdir .: unusable file name: ".." leads elsewhere`,
		"../../etc/passwd": `readdir .: unusable file name: "../../etc/passwd" holds a path separator`,
		`a\b`:              `readdir .: unusable file name: "a\\b" holds a path separator`,
		"\xff":             `readdir .: unusable file name: "\xff" is not UTF-8`,
	} {
		f := w.crafted(w.object("tree", entry("100644", name, blob)), sources.Limits{})
		if _, err := fs.ReadDir(f, "."); !errors.Is(err, sources.ErrName) || err.Error() != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	twice := w.crafted(w.object("tree", entry("100644", "a", blob)+entry("40000", "a", w.object("tree", ""))), sources.Limits{})
	if _, err := twice.Open("a"); !errors.Is(err, sources.ErrName) {
		t.Errorf("a name that is there twice: %v", err)
	}
}

func TestOpenRefusesBadConfigurations(t *testing.T) {
	for want, c := range map[string]git.Config{
		"no URL is given":               {},
		`branch "a..b"`:                 {URL: "/srv/x", Branch: "a..b"},
		"leads out of the repository":   {URL: "/srv/x", Path: "../other"},
		"holds a password":              {URL: "https://ann:secret@forge/x.git", CacheDir: "/c"},
		"neither private nor authentic": {URL: "http://forge/x.git", CacheDir: "/c"},
		`protocol "git" is not known`:   {URL: "git://forge/x.git", CacheDir: "/c"},
		"no cache directory":            {URL: "https://forge/x.git"},
		"begins with a dash":            {URL: "ssh://-oProxyCommand=x/y", CacheDir: "/c"},
	} {
		_, err := git.Open(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%+v): %v; want %q", c.URL, err, want)
		}
	}
}
