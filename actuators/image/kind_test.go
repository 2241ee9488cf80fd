package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// world is a host and a server on loopback whose answer a test may change.
type world struct {
	kindtest.Bench
	body string
	spec Spec
	path string
}

func newWorld(t *testing.T, body string) *world {
	root := t.TempDir()
	w := &world{body: body}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.URL.Path != "/tiny" {
			http.NotFound(out, in)
			return
		}
		out.Write([]byte(w.body))
	}))
	t.Cleanup(server.Close)
	host := exec.NewMachine("jino0", exec.Dirs{State: filepath.Join(root, "state"), Secrets: root})
	w.Bench = kindtest.Bench{T: t, Kind: Kind, Host: host, At: schema.ID("image/tiny").On("jino0")}
	w.spec = Spec{Source: server.URL + "/tiny", SHA256: digest(body), Dir: filepath.Join(root, "images")}
	w.path = Path(w.spec.Dir, "tiny")
	return w
}

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func TestFetchThenUndoLeavesNothing(t *testing.T) {
	w := newWorld(t, "one")
	done := w.Apply(w.spec, false)
	w.Settled(w.spec)
	w.holds("one")
	w.Undo(done)
	if _, err := os.Stat(w.spec.Dir); !os.IsNotExist(err) {
		t.Fatalf("the directory is still there: %v", err)
	}
}

func TestFetchFromAFile(t *testing.T) {
	w := newWorld(t, "one")
	source := filepath.Join(t.TempDir(), "source")
	put(t, source, "one")
	w.spec.Source = "file://" + source
	w.Apply(w.spec, false)
	w.holds("one")
}

func TestWrongChecksumNamesBothSumsAndLeavesNothing(t *testing.T) {
	w := newWorld(t, "one")
	w.spec.SHA256 = digest("two")
	done, err := w.Try(w.Plan(w.spec, false)[0])
	if !errors.Is(err, actuators.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, part := range []string{w.spec.Source, digest("one"), digest("two")} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	w.Undo([]kindtest.Done{done})
	if _, err := os.Stat(w.spec.Dir); !os.IsNotExist(err) {
		t.Fatal("something was left behind")
	}
}

func TestNewVersionReplacesAndUndoBringsTheOldOneBack(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	old := w.spec
	w.body, w.spec.SHA256 = "two", digest("two")
	done := w.Apply(w.spec, false)
	w.holds("two")
	w.Undo(done)
	w.holds("one")
	w.Settled(old)
}

// TestWhatIsPutBackHasTheMarkThatItHad: the mark tells which spec a file was made for, and a recovery goes by it.
func TestWhatIsPutBackHasTheMarkThatItHad(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	mark := func(path string) string {
		side, err := files.ReadSidecar(w.Host, path)
		if err != nil || side == nil {
			t.Fatalf("%s has no mark (%v)", path, err)
		}
		return side.Mark.Hash
	}
	anew := func() kindtest.Done {
		step := w.Plan(w.spec, false)[0]
		step.Params = json.RawMessage(strings.Replace(string(step.Params), `"hash":"h"`, `"hash":"newer"`, 1))
		done, err := w.Try(step)
		if err != nil || mark(w.path) != "newer" {
			t.Fatalf("%s: the mark is of %q (%v)", step.Op, mark(w.path), err)
		}
		return done
	}
	old := w.spec
	w.body, w.spec.SHA256 = "two", digest("two")
	w.Undo([]kindtest.Done{anew()})
	if got := mark(w.path); got != "h" {
		t.Errorf("after a fetch was undone the mark is of %q", got)
	}
	w.spec = old
	w.Apply(w.spec, true)
	restored := anew()
	w.Undo([]kindtest.Done{restored})
	var p params
	if err := json.Unmarshal(restored.Step.Params, &p); err != nil || mark(p.Retired) != "h" {
		t.Errorf("after a restore was undone the mark is of %q (%v)", mark(p.Retired), err)
	}
}

func TestFailedUpdateKeepsTheOldOne(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	old := w.spec
	w.spec.SHA256 = digest("never")
	done, err := w.Try(w.Plan(w.spec, false)[0])
	if err == nil {
		t.Fatal("a wrong checksum was accepted")
	}
	w.Undo([]kindtest.Done{done})
	w.holds("one")
	w.Settled(old)
}

func TestSabotageIsSeenAndFetchedAgain(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	put(t, w.path, "0ne")
	if d := w.Diff(w.spec, false); d.Action != actuators.Update {
		t.Fatalf("got %s, want an update", d.Action)
	}
	w.Apply(w.spec, false)
	w.holds("one")
}

func TestRetireIsRestored(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	done := w.Apply(w.spec, true)
	if have := w.Have(w.spec); have.Here != nil || have.Retired == nil {
		t.Fatalf("got %+v", have)
	}
	w.Undo(done)
	w.holds("one")
	w.Apply(w.spec, true)
	if d := w.Diff(w.spec, false); d.Action != actuators.Restore {
		t.Fatalf("got %s, want a restore", d.Action)
	}
	w.Undo(w.Apply(w.spec, false))
	w.Apply(w.spec, false)
	w.Settled(w.spec)
}

// A purge of an older copy that was killed between the file and its mark is finished by the next, and what is declared stays.
func TestAPurgeOfAnOlderCopyFinishesWhatItLeftHalfDone(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	w.body, w.spec.SHA256 = "two", digest("two")
	w.Apply(w.spec, false)
	steps, err := Kind.Steps(w.Subject(), actuators.Diff{Action: actuators.Purge}, nil, actuators.HaveJSON{Retired: w.Have(w.spec).Retired})
	if err != nil || len(steps) != 1 {
		t.Fatalf("%d steps: %v", len(steps), err)
	}
	copies, err := filepath.Glob(filepath.Join(w.spec.Dir, "*.plumb-retired-*"))
	if err != nil || len(copies) != 2 {
		t.Fatalf("the older copy and its mark are %v (%v)", copies, err)
	}
	for _, file := range copies {
		if !strings.HasSuffix(file, ".json") {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 { // the second finds nothing to do
		if _, err := w.Try(steps[0]); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(w.spec.Dir, "*.plumb-retired-*")); err != nil || len(left) > 0 {
		t.Errorf("left is %v (%v)", left, err)
	}
	w.holds("two")
	w.Settled(w.spec)
}

func TestForeignFileIsNeverReplaced(t *testing.T) {
	w := newWorld(t, "one")
	step := w.Plan(w.spec, false)[0]
	os.MkdirAll(w.spec.Dir, 0o755)
	put(t, w.path, "theirs")
	if have := w.Have(w.spec); have.Here == nil || have.Mark != nil {
		t.Fatalf("got %+v", have)
	}
	done, err := w.Try(step)
	if !errors.Is(err, actuators.ErrForeign) {
		t.Fatalf("got %v, want foreign", err)
	}
	if done.Before != nil {
		t.Fatal("captured a foreign file")
	}
	w.holds("theirs")
}

func TestAdoptVerifies(t *testing.T) {
	w := newWorld(t, "one")
	os.MkdirAll(w.spec.Dir, 0o755)
	put(t, w.path, "theirs")
	if _, err := w.Try(w.Plan(w.spec, false)[0]); !errors.Is(err, actuators.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	put(t, w.path, "one")
	done, err := w.Try(w.Plan(w.spec, false)[0])
	if err != nil || !w.Have(w.spec).Owned {
		t.Fatalf("not adopted: %v", err)
	}
	w.Undo([]kindtest.Done{done})
	if w.Have(w.spec).Mark != nil {
		t.Fatal("still marked")
	}
}

func TestErrorsOfTheServerAreClear(t *testing.T) {
	w := newWorld(t, "one")
	missing, dead := w.spec, w.spec
	missing.Source += "-not"
	dead.Source = "http://127.0.0.1:1/tiny"
	for _, c := range []struct {
		spec Spec
		want string
	}{{missing, "the server answers 404 Not Found"}, {dead, "connection refused"}} {
		_, err := w.Try(w.Plan(c.spec, false)[0])
		if !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func (w *world) holds(want string) {
	w.T.Helper()
	got, err := os.ReadFile(w.path)
	if err != nil || string(got) != want {
		w.T.Fatalf("%s holds %q (%v), want %q", w.path, got, err, want)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
