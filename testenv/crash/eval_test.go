package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"plumbline/actuators/all"
	"plumbline/schema"
)

// TestMain makes this binary its own worker, too: "eval N DIR" dies at its N-th boundary from when DIR holds a file, which it takes.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "eval" {
		end, _ := strconv.Atoi(os.Args[2])
		w := &worker{end: end, tokens: os.Args[3]}
		if err := schema.ServeEval(reader{w, os.Stdin}, writer{w, os.Stdout}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// worker is an evaluation that dies: its boundaries are before and after everything that it reads and writes.
type worker struct {
	at, end int
	tokens  string // a directory; each file is a death
}

// pass is a boundary. They count from when there is a death to take.
func (w *worker) pass() {
	files, _ := os.ReadDir(w.tokens)
	if len(files) == 0 {
		w.at = 0
		return
	}
	if w.at++; w.at == w.end && os.Remove(filepath.Join(w.tokens, files[0].Name())) == nil {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more is done while the signal is on its way
	}
}

type reader struct {
	*worker
	from io.Reader
}

// Read passes only the boundaries of what comes: a worker that waits for its next source is idle.
func (r reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if n > 0 {
		r.pass()
	}
	return n, err
}

type writer struct {
	*worker
	to io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	w.pass()
	defer w.pass()
	return w.to.Write(p)
}

// evaluated is a topology of three packages, each of which a worker tells of when it begins and when it has ended.
var evaluated = fstest.MapFS{
	"site.cue":        {Data: []byte("package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {site: boston: {}, host: jino0: site: \"boston\"}\n")},
	"disks/disks.cue": {Data: []byte("package disks\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {pool: images: {host: \"jino0\", dir: \"/srv/images\"}}\n")},
	"more/more.cue":   {Data: []byte("package more\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {volume: one: {pool: \"images\", size: \"64Mi\"}}\n")},
}

// TestAWorkerThatDiesAtAnyBoundary: a cold worker, a warm one, and a warm one with its successor die by kill -9 at every
// boundary of their talk. A load is then all of the topology, or an error that may pass by itself and is no mistake in the
// topology; the next one, with the same pool, goes through. CRASH=all: at every boundary; without, at some.
func TestAWorkerThatDiesAtAnyBoundary(t *testing.T) {
	want, err := loaded(t.Context(), schema.InProcess())
	must(t, err)
	step, first := 4, 1+rand.IntN(4)
	if os.Getenv("CRASH") == "all" {
		step, first = 1, 1
	}
	deaths, failed := 0, 0
	for _, c := range []struct{ warm, deaths int }{{0, 1}, {1, 1}, {1, 2}} {
		for n, more := first, true; more; n += step {
			w := newWorkers(t, n)
			for range c.warm {
				w.loads(want, 0)
			}
			w.kill(c.deaths)
			failed += w.loads(want, c.deaths)
			left := w.left()
			w.kill(0)
			w.loads(want, 0)
			deaths += c.deaths - left
			more = left < c.deaths
			must(t, w.pool.Close())
		}
	}
	t.Logf("%d workers died, %d loads failed for that", deaths, failed)
	if failed == 0 || failed == deaths {
		t.Error("no worker died in the middle, or none was taken the place of")
	}
}

// workers are a pool whose workers die.
type workers struct {
	t      *testing.T
	pool   *schema.Pool
	tokens string
	end    int
}

func newWorkers(t *testing.T, end int) *workers {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	tokens := memory(t)
	must(t, os.Chmod(tokens, 0o777)) // a worker is nobody
	return &workers{t: t, pool: schema.NewPool([]string{self, "eval", strconv.Itoa(end), tokens}), tokens: tokens, end: end}
}

// kill lets so many workers die from now on.
func (w *workers) kill(n int) {
	w.t.Helper()
	files, err := os.ReadDir(w.tokens)
	must(w.t, err)
	for _, f := range files {
		must(w.t, os.Remove(filepath.Join(w.tokens, f.Name())))
	}
	for k := range n {
		must(w.t, os.WriteFile(filepath.Join(w.tokens, strconv.Itoa(k)), nil, 0o666))
	}
}

func (w *workers) left() int {
	w.t.Helper()
	files, err := os.ReadDir(w.tokens)
	must(w.t, err)
	return len(files)
}

// loads counts the loads that failed, which only those may whose worker dies.
func (w *workers) loads(want string, deaths int) (failed int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	got, err := loaded(ctx, w.pool)
	switch {
	case err == nil && got != want:
		w.t.Errorf("boundary %d: the load is\n%s\nnot\n%s", w.end, got, want)
	case err != nil && (deaths == 0 || errors.As(err, new(schema.Problems)) || ctx.Err() != nil):
		w.t.Errorf("boundary %d, %d deaths: %v", w.end, deaths, err)
	case err != nil:
		return 1
	}
	return 0
}

// loaded is the graph of the topology as text.
func loaded(ctx context.Context, e schema.Evaluator) (string, error) {
	g, err := schema.Load(ctx, evaluated, "c", all.Registry(), schema.WithEvaluator(e))
	if err != nil {
		return "", err
	}
	text := ""
	for _, n := range g.Nodes {
		data, err := json.Marshal(n.Spec)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("%s %s\n", n.Instance, data)
	}
	return text, nil
}
