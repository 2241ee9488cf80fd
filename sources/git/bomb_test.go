package git_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"plumbline/sources"
	"plumbline/sources/git"
)

// allocated is how much memory a function asks for in all, which bounds what it holds.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// zeros is a stream of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// deflated is a text and n zeros, compressed: a thousandth of it.
func deflated(text string, n int64) []byte {
	var out bytes.Buffer
	w, _ := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	io.WriteString(w, text)
	io.CopyN(w, zeros{}, n)
	w.Close()
	return out.Bytes()
}

// crafts is a commit whose file "x.cue" has this hash, whatever lies there.
func (w *world) crafts(blob string) fs.FS {
	return w.crafted(w.object("tree", entry("100644", "x.cue", blob)), sources.Limits{})
}

// What a loose object's head says of its size is all that is read of it.
func TestLooseBombsAreNotInflated(t *testing.T) {
	w := newWorld(t)
	for head, want := range map[string]string{
		"blob 1073741824\x00": "x.cue: 1073741824 bytes, at most 4194304 are allowed",
		"blob 10\x00":         "object is damaged: it is not as long as its head says",
	} {
		hash := fmt.Sprintf("%x", sha1.Sum([]byte(head)))
		path := filepath.Join(w.bare, "objects", hash[:2], hash[2:])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, deflated(head, 64<<20), 0o444); err != nil {
			t.Fatal(err)
		}
		f := w.crafts(hash)
		var err error
		if held := allocated(func() { _, err = fs.ReadFile(f, "x.cue") }); held > 16<<20 {
			t.Errorf("%q: %d MiB were asked for", head, held>>20)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", head, err, want)
		}
	}
}

// A file of ten bytes, stored in a pack as a change of one with 72 MiB of zeros: the pack is small, and git takes it.
func TestABaseOfGigabytesIsNotInflated(t *testing.T) {
	w := newWorld(t)
	const base = 72 << 20
	var delta []byte
	delta = binary.AppendUvarint(delta, base)
	delta = binary.AppendUvarint(delta, 10)
	delta = append(append(delta, 10), "package x\n"...)
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", base)
	io.CopyN(sum, zeros{}, base)
	var pack bytes.Buffer
	pack.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x02")
	pack.Write(packHead(3, base))
	pack.Write(deflated("", base))
	pack.Write(packHead(7, len(delta)))
	pack.Write(sum.Sum(nil))
	pack.Write(deflated(string(delta), 0))
	whole := sha1.Sum(pack.Bytes())
	pack.Write(whole[:])
	if pack.Len() > 4<<20 {
		t.Errorf("the pack has %d bytes", pack.Len())
	}
	name := fmt.Sprintf("pack-%x", whole)
	path := filepath.Join(w.bare, "objects", "pack", name+".pack")
	if err := os.WriteFile(path, pack.Bytes(), 0o444); err != nil {
		t.Fatal(err)
	}
	w.run(w.bare, "index-pack", path)
	f := w.crafts(fmt.Sprintf("%x", sha1.Sum([]byte("blob 10\x00package x\n"))))
	var err error
	if held := allocated(func() { _, err = fs.ReadFile(f, "x.cue") }); held > 32<<20 {
		t.Errorf("%d MiB were asked for", held>>20)
	}
	if err == nil || !strings.Contains(err.Error(), "75497472 bytes of the object that it is stored as a change of, at most 67108864 are allowed") {
		t.Errorf("error %v", err)
	}
}

// packHead is type and length of an object in a pack (gitformat-pack(5)).
func packHead(kind byte, size int) []byte {
	b := kind<<4 | byte(size&15)
	var out []byte
	for size >>= 4; size > 0; size >>= 7 {
		out = append(out, b|0x80)
		b = byte(size & 0x7f)
	}
	return append(out, b)
}

// Nothing of a repository's configuration makes anything run, and nothing but its objects is read.
func TestNothingOfARepositoryRuns(t *testing.T) {
	w := newWorld(t)
	id := w.push("site.cue", "package a\n")
	proof := filepath.Join(t.TempDir(), "ran")
	command := "touch " + proof
	for _, setting := range [][2]string{
		{"core.fsmonitor", command}, {"core.sshCommand", command}, {"core.pager", command}, {"core.editor", command}, {"core.hooksPath", w.bare + "/hooks"},
		{"core.gitProxy", command}, {"core.alternateRefsCommand", command}, {"filter.x.smudge", command}, {"filter.x.process", command}, {"diff.x.textconv", command},
		{"uploadpack.packObjectsHook", command}, {"credential.helper", "!" + command}, {"gpg.program", command}, {"gpg.ssh.program", command}, {"log.showSignature", "true"},
		{"url." + command + ".insteadOf", w.bare}, {"remote.origin.uploadpack", command}, {"alias.log", "!" + command},
		{"include.path", "/etc/passwd"},
	} {
		w.run(w.bare, "config", setting[0], setting[1])
	}
	for _, hook := range []string{"post-checkout", "pre-receive", "fsmonitor-watchman", "reference-transaction"} {
		if err := os.WriteFile(filepath.Join(w.bare, "hooks", hook), []byte("#!/bin/sh\n"+command+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.bare, "info", "attributes"), []byte("* filter=x diff=x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := w.open(git.Config{})
	if got := head(t, s); got.ID != id {
		t.Errorf("head %s", got.ID)
	}
	wantFile(t, tree(t, s, id), "site.cue", "package a\n")
	if _, err := s.Log(t.Context(), id, 5); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(proof); err == nil {
		t.Error("a command of the repository ran")
	}
}

// Replace refs and grafts show other content to git; here a commit is what its hash says.
func TestReplacedObjectsAreReadAsTheyAre(t *testing.T) {
	w := newWorld(t)
	id := w.push("site.cue", "package good\n")
	blob := w.run(w.bare, "rev-parse", id+":site.cue")
	other := w.object("blob", "package evil\n")
	w.run(w.bare, "replace", blob, other)
	if err := os.WriteFile(filepath.Join(w.bare, "info", "grafts"), []byte(id+" "+id+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := w.open(git.Config{})
	wantFile(t, tree(t, s, id), "site.cue", "package good\n")
	if log, err := s.Log(t.Context(), id, 9); err != nil || len(log) != 1 {
		t.Errorf("log %v, %v", log, err)
	}
}

// Names of other refs are shown to people when the branch is gone, and steer no terminal.
func TestOddRefsAreShownQuoted(t *testing.T) {
	w := newWorld(t)
	id := w.push("site.cue", "package a\n")
	for _, name := range []string{"\u202etxt", "-flag", "a\u0085b"} {
		w.run(w.bare, "update-ref", "refs/heads/"+name, id)
	}
	_, err := w.open(git.Config{Branch: "absent"}).Head(t.Context())
	if err == nil || strings.ContainsAny(err.Error(), "\u202e\u0085\x1b") || !strings.Contains(err.Error(), `"-flag"`) {
		t.Errorf("error %q", err)
	}
}
