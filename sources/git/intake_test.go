package git_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/sources"
	"plumbline/sources/git"
)

// liar is a remote that says what a test makes it say. Its branch is at a commit that nobody has.
type liar struct {
	*httptest.Server
	refs  func(io.Writer)
	pack  func(io.Writer)
	packs atomic.Int64 // how often a pack was asked for
	gone  chan struct{}
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{refs: func(w io.Writer) { advertise(w, "11") }, gone: make(chan struct{}, 100)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			packet(w, "# service=git-upload-pack\n")
			io.WriteString(w, "0000")
			l.refs(w)
			return
		}
		io.Copy(io.Discard, r.Body)
		l.packs.Add(1)
		packet(w, "NAK\n")
		l.pack(w)
		l.gone <- struct{}{}
	}))
	t.Cleanup(l.Close)
	return l
}

func packet(w io.Writer, text string) error {
	_, err := fmt.Fprintf(w, "%04x%s", len(text)+4, text)
	return err
}

// advertise says that main is at a commit whose hash repeats two digits.
func advertise(w io.Writer, digits string) {
	packet(w, strings.Repeat(digits, 20)+" refs/heads/main\x00agent=x\n")
	io.WriteString(w, "0000")
}

func beginPack(w io.Writer, objects uint32) {
	io.WriteString(w, "PACK\x00\x00\x00\x02")
	binary.Write(w, binary.BigEndian, objects)
}

// packed is a whole pack: its objects, each with head and deflated, and the checksum.
func packed(objects ...[]byte) []byte {
	var b bytes.Buffer
	beginPack(&b, uint32(len(objects)))
	for _, o := range objects {
		b.Write(o)
	}
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

// packObject is an object of a type, whose unpacked size is said, as it stands in a pack.
func packObject(kind byte, said int, base, content []byte) []byte {
	return append(append(packHead(kind, said), base...), deflated(string(content), 0)...)
}

// swollen is a change that makes three megabytes of a base of a kilobyte, by copying it again and again.
func swollen(base []byte) []byte {
	change := binary.AppendUvarint(nil, uint64(len(base)))
	change = binary.AppendUvarint(change, uint64(len(base))*3000)
	for range 3000 {
		change = append(change, 0x80|0x10|0x20, byte(len(base)), byte(len(base)>>8))
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(base), base))
	return packObject(7, len(change), sum[:], change)
}

func forever(piece string) func(io.Writer) {
	return func(w io.Writer) {
		for {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}
}

var kilobyte = bytes.Repeat([]byte("0123456789abcdef"), 64)

// Whatever a remote sends: it ends at a limit, in words that name it, and leaves nothing in the mirror.
func TestARemoteSendsNoMoreThanItMay(t *testing.T) {
	l := newLiar(t)
	good := l.refs
	for _, c := range []struct {
		name string
		refs func(io.Writer)
		pack func(io.Writer)
		want string
	}{
		{"a pack without end", good, func(w io.Writer) { beginPack(w, 5); forever(strings.Repeat("x", 1<<16))(w) },
			"it sends more than 1 MiB, with what its copy holds already; if it is that large by right, raise fetch.bytes in the controller's file"},
		{"four billion objects", good, func(w io.Writer) { beginPack(w, 1<<32-1); forever("x")(w) }, "it sends 4294967295 objects at once, more than 1000; if it is that large by right, raise fetch.objects"},
		{"a large object", good, func(w io.Writer) { w.Write(packed(packObject(3, 3<<20, nil, make([]byte, 3<<20)))) }, "it sends an object of 3 MiB, more than 2 MiB; if it is that large by right, raise fetch.largest"},
		{"an object of petabytes", good, func(w io.Writer) { w.Write(packed(packObject(3, 1<<50, nil, nil))) }, "more than 2 MiB; if it is that large by right, raise fetch.largest"},
		{"a small change that makes much", good, func(w io.Writer) { w.Write(packed(packObject(3, len(kilobyte), nil, kilobyte), swollen(kilobyte))) },
			"it sends an object of 2 MiB, more than 2 MiB"},
		{"a pack with a wrong checksum", good, func(w io.Writer) { w.Write(append(packed()[:12], make([]byte, 20)...)) }, "checksum mismatch"},
		{"a pack that breaks off", good, func(w io.Writer) { w.Write(packed(packObject(3, len(kilobyte), nil, kilobyte))[:40]) }, "malformed PACK file"},
		{"a pack without its base", good, func(w io.Writer) { w.Write(packed(swollen(kilobyte[:100]))) }, "reference delta not found"},
		{"no pack at all", good, func(io.Writer) {}, "empty packfile"},
		{"words that steer a terminal", func(w io.Writer) { packet(w, "ERR \x1b[2J\u202e"+strings.Repeat("FORGED\n", 5000)) }, nil, "FORGED FORGED"},
		{"names without end", func(w io.Writer) { packet(w, strings.Repeat("1", 40)+" HEAD\x00agent=x\n"); forever(longName)(w) }, nil,
			"it sends more than 32 MiB of names of branches and tags"},
		{"names that inflate", nil, nil, "it sends more than 32 MiB of names of branches and tags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := t.TempDir()
			l.refs, l.pack = c.refs, c.pack
			url := l.URL + "/dc.git"
			if c.refs == nil {
				url = inflating(t) + "/dc.git"
			}
			s, err := git.Open(git.Config{URL: url, CacheDir: cache, Intake: sources.Intake{Bytes: 1 << 20, Objects: 1000, Largest: 2 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			held := allocated(func() { _, err = s.Head(t.Context()) })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
			if errors.Is(err, sources.ErrLimit) == errors.Is(err, sources.ErrUnreachable) {
				t.Errorf("%v is a limit %t, unreachable %t", err, errors.Is(err, sources.ErrLimit), errors.Is(err, sources.ErrUnreachable))
			}
			if held > 400<<20 {
				t.Errorf("%d MiB were asked for", held>>20)
			}
			nothingLeft(t, cache)
		})
	}
}

var longName = "03f2" + strings.Repeat("2", 40) + " refs/heads/" + strings.Repeat("x", 0x3f2-57) + "\n"

// inflating is a remote whose list of refs is a gigabyte and crosses the wire as a megabyte.
func inflating(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		packet(z, "# service=git-upload-pack\n")
		io.WriteString(z, "0000")
		packet(z, strings.Repeat("1", 40)+" HEAD\x00agent=x\n")
		for range 1 << 20 {
			if _, err := io.WriteString(z, longName); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// nothingLeft looks for files in the packs of mirrors, and for descriptors of them.
func nothingLeft(t *testing.T, cache string) {
	t.Helper()
	left := []string{""}
	for deadline := time.Now().Add(10 * time.Second); len(left) > 0 && time.Now().Before(deadline); { // a conversation that is given up ends by itself
		files, err := filepath.Glob(filepath.Join(cache, "*", "objects", "pack", "*"))
		if err != nil {
			t.Fatal(err)
		}
		open, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		left = files
		for _, fd := range open {
			if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, cache) {
				left = append(left, to+" (open)")
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// One byte now and then would keep a conversation going for ever.
func TestARemoteThatTricklesIsLeft(t *testing.T) {
	for _, where := range []string{"names", "pack"} {
		t.Run(where, func(t *testing.T) {
			l := newLiar(t)
			trickle := func(w io.Writer) {
				for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
					if _, err := io.WriteString(w, "x"); err != nil {
						tick.Stop()
						return
					}
					w.(http.Flusher).Flush()
				}
			}
			if l.pack = func(w io.Writer) { beginPack(w, 5); trickle(w) }; where == "names" {
				l.refs = func(w io.Writer) { io.WriteString(w, "fff0"); trickle(w); l.gone <- struct{}{} }
			}
			cache := t.TempDir()
			s, err := git.Open(git.Config{URL: l.URL + "/dc.git", CacheDir: cache, Intake: sources.Intake{Time: 300 * time.Millisecond}})
			if err != nil {
				t.Fatal(err)
			}
			wantUnreachable(t, s, "it may last 300ms: see fetch.time in the controller's file")
			<-l.gone // the connection is closed
			wantUnreachable(t, s, "it may last 300ms")
			nothingLeft(t, cache)
		})
	}
}

// What was refused for its size is not fetched again at each poll; another commit is.
func TestARefusedCommitIsFetchedOnce(t *testing.T) {
	l := newLiar(t)
	l.pack = func(w io.Writer) { beginPack(w, 5); forever(strings.Repeat("x", 1<<16))(w) }
	s, err := git.Open(git.Config{URL: l.URL + "/dc.git", CacheDir: t.TempDir(), Intake: sources.Intake{Bytes: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Head(t.Context()); !errors.Is(err, sources.ErrLimit) {
			t.Fatalf("error = %v", err)
		}
	}
	if n := l.packs.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	l.refs = func(w io.Writer) { advertise(w, "33") }
	if _, err := s.Head(t.Context()); !errors.Is(err, sources.ErrLimit) || l.packs.Load() != 2 {
		t.Errorf("%v, fetched %d times", err, l.packs.Load())
	}
}

// The limit of bytes is on the copy as a whole: a remote that rewrites its history each minute fills no disk. What was fetched stays.
func TestTheMirrorAsAWholeIsBounded(t *testing.T) {
	w := newWorld(t)
	c := newForge(w).config(t)
	c.Intake.Bytes = 300 << 10
	s := w.open(c)
	good := w.push("a.cue", "package a\n")
	head(t, s)
	var err error
	for i := 0; err == nil && i < 20; i++ {
		w.git("reset", "-q", "--hard", good)
		w.write("b.cue", noise(i))
		w.commit("rewritten")
		w.git("push", "-q", "-f", "origin", "main")
		_, err = s.Head(t.Context())
	}
	if !errors.Is(err, sources.ErrLimit) {
		t.Errorf("error = %v", err)
	}
	wantFile(t, tree(t, s, good), "a.cue", "package a\n")
	w.git("push", "-q", "-f", "origin", good+":main")
	if c := head(t, s); c.ID != good {
		t.Errorf("head = %s, want %s", c.ID, good)
	}
}

// noise is 64 KiB that do not compress.
func noise(seed int) string {
	var b strings.Builder
	for i := range 2048 {
		sum := sha1.Sum(fmt.Appendf(nil, "%d %d", seed, i))
		fmt.Fprintf(&b, "%x", sum[:16])
	}
	return b.String()
}
