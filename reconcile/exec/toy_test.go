package exec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// The toy kind: a file of two lines, written in two halves, so that half a Do can be seen.

type pairSpec struct {
	Path string `json:"path"`
	Big  int    `json:"big,omitempty"` // Observe invents this many states of 100 kB
}

type pairState struct {
	Config pairConfig `json:"config"`
	Status struct{}   `json:"status"`
}

type pairConfig struct {
	Text string `json:"text,omitempty"`
}

type pairParams struct {
	Path   string `json:"path"`
	A      string `json:"a"`
	B      string `json:"b"`
	Sleep  string `json:"sleep,omitempty"`  // between the halves a program sleeps this long
	Deaf   string `json:"deaf,omitempty"`   // between the halves it waits until this file is gone, whatever the context says
	Fail   string `json:"fail,omitempty"`   // fails with this class
	Secret string `json:"secret,omitempty"` // reads a secret and gives it to a program
}

type pairBefore struct {
	Text string `json:"text"`
}

var failures = map[string]error{
	"not found": actuators.ErrNotFound, "transient": actuators.ErrTransient, "refused": actuators.ErrRefused,
	"foreign": actuators.ErrForeign, "stuck": actuators.ErrStuck, "reverted": exec.ErrReverted,
}

var registry = actuators.NewRegistry(actuators.Define(actuators.Def[pairSpec, pairState]{
	Name: "pair", Where: schema.OnHost,
	Observe: observePair,
	Diff:    func(*pairSpec, actuators.Have[pairState]) actuators.Diff { return actuators.Diff{} },
	Steps: func(actuators.Subject, actuators.Diff, *pairSpec, actuators.Have[pairState]) ([]actuators.Step, error) {
		return nil, nil
	},
	Ops: []actuators.AnyOp{actuators.Op[pairParams, pairBefore, pairState]{
		Name: "set", Version: 1, Reversal: actuators.Exact, Timeout: 20 * time.Second,
		Preflight: func(_ context.Context, _ actuators.Host, p pairParams) error { return p.failure() },
		Capture:   capturePair, Do: doPair, Undo: undoPair,
		Predict: func(p pairParams, _ *pairState) *pairState {
			return &pairState{Config: pairConfig{Text: p.A + "\n" + p.B + "\n"}}
		},
	}},
	Watch: watchPair,
}), actuators.Define(actuators.Def[pairSpec, pairState]{
	Name: "polled", Where: schema.OnHost, Observe: observePair,
	Diff: func(*pairSpec, actuators.Have[pairState]) actuators.Diff { return actuators.Diff{} },
	Steps: func(actuators.Subject, actuators.Diff, *pairSpec, actuators.Have[pairState]) ([]actuators.Step, error) {
		return nil, nil
	},
}))

func (p pairParams) failure() error {
	if p.Fail == "" {
		return nil
	}
	return fmt.Errorf("cannot set pair %s: %w", p.Path, failures[p.Fail])
}

func observePair(_ context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[pairState], error) {
	var all []actuators.Live[pairState]
	for _, target := range sc.Targets {
		var spec pairSpec
		if err := json.Unmarshal(target.Spec, &spec); err != nil {
			return nil, err
		}
		for i := range spec.Big {
			text := strings.Repeat("x", 100<<10)
			id := schema.MakeID("pair", fmt.Sprint("big", i))
			all = append(all, actuators.Live[pairState]{ID: id, State: pairState{Config: pairConfig{Text: text}}})
		}
		data, err := h.ReadFile(spec.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		mark := actuators.ParseMark("plumb:test:" + string(target.ID) + ":cafe")
		all = append(all, actuators.Live[pairState]{ID: target.ID, Mark: mark, State: pairState{Config: pairConfig{Text: string(data)}}})
	}
	return all, nil
}

func capturePair(_ context.Context, h actuators.Host, p pairParams) (pairBefore, error) {
	data, err := h.ReadFile(p.Path)
	if errors.Is(err, actuators.ErrNotFound) {
		return pairBefore{}, nil
	}
	return pairBefore{Text: string(data)}, err
}

func doPair(ctx context.Context, h actuators.Host, p pairParams, _ pairBefore) error {
	if err := p.failure(); err != nil {
		return err
	}
	if err := h.WriteFile(p.Path, []byte(p.A+"\n"), 0o600); err != nil {
		return err
	}
	if p.Secret != "" {
		if err := useSecret(ctx, h, p); err != nil {
			return err
		}
	}
	if p.Sleep != "" {
		if _, err := h.Run(ctx, actuators.Cmd{Argv: []string{"sleep", p.Sleep}}); err != nil {
			return err
		}
	}
	for p.Deaf != "" {
		if _, err := os.Stat(p.Deaf); err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return h.WriteFile(p.Path, []byte(p.A+"\n"+p.B+"\n"), 0o600)
}

func useSecret(ctx context.Context, h actuators.Host, p pairParams) error {
	secret, err := h.Secret(p.Secret)
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, actuators.Cmd{Argv: []string{"dd", "status=none", "of=" + p.Path + ".used"}, Stdin: secret})
	return err
}

func undoPair(_ context.Context, h actuators.Host, p pairParams, before pairBefore) error {
	if err := p.failure(); err != nil {
		return err
	}
	data, err := h.ReadFile(p.Path)
	if err != nil && !errors.Is(err, actuators.ErrNotFound) {
		return err
	}
	switch string(data) {
	case before.Text:
		return nil
	case p.A + "\n", p.A + "\n" + p.B + "\n":
		if before.Text == "" {
			return h.Remove(p.Path)
		}
		return h.WriteFile(p.Path, []byte(before.Text), 0o600)
	}
	return actuators.Stuck(p.Path, string(data), before.Text)
}

func watchPair(_ context.Context, h actuators.Host, emit func(actuators.Event)) error {
	for i := range 3 {
		emit(actuators.Event{ID: "pair/p", Time: h.Now(), Text: fmt.Sprint("hint ", i)})
	}
	return fmt.Errorf("the source broke: %w", actuators.ErrTransient)
}

func TestMain(m *testing.M) {
	exec.Hook(registry)
	if job := os.Getenv("EXEC_TEST_CONTROLLER"); job != "" {
		controller(job)
	}
	goleak.VerifyTestMain(m)
}

// world is a host for one test: its directories and the pair that ops change.
type world struct {
	*testing.T
	self exec.Self
	pair string
}

// newWorld makes a host and, at the end of the test, demands that no process of it is left.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{T: t, pair: filepath.Join(dir, "pair"), self: exec.Self{
		Name: "jino0", Dirs: exec.Dirs{State: filepath.Join(dir, "state"), Secrets: filepath.Join(dir, "secrets")},
	}}
	w.write("old\nold\n")
	t.Cleanup(func() {
		w.eventually("no process left", func() bool { return len(processes(w.self.Dirs.State)) == 0 })
	})
	return w
}

func (w *world) local() exec.Executor {
	e := exec.Local(registry, exec.NewMachine(w.self.Name, w.self.Dirs), exec.Options{Version: "v1", Schema: "abc"})
	w.Cleanup(func() { e.Close() })
	return e
}

func (w *world) dial() exec.Executor { return w.dialAs(w.self) }

func (w *world) dialAs(self exec.Self) exec.Executor {
	w.Helper()
	e, err := exec.DialSelf(w.ctx(), nil, self, exec.DialOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { e.Close() })
	return e
}

// ctx is long enough for anything that should work.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.Cleanup(cancel)
	return ctx
}

// set is a call that makes the pair "new1", "new2".
func (w *world) set(change func(*pairParams)) exec.Call {
	p := pairParams{Path: w.pair, A: "new1", B: "new2"}
	if change != nil {
		change(&p)
	}
	return exec.Call{
		Plan: "plan1", Step: "pair/p@jino0#1", Epoch: 1, Kind: "pair", Op: "set", Version: 1,
		Instance: schema.ID("pair/p").On("jino0"), Params: encode(w, p),
	}
}

// captured adds what Capture gives.
func (w *world) captured(e exec.Executor, c exec.Call) exec.Call {
	w.Helper()
	before, err := e.Capture(w.ctx(), c)
	if err != nil {
		w.Fatal(err)
	}
	c.Before = before
	return c
}

func (w *world) write(text string) {
	w.Helper()
	if err := os.WriteFile(w.pair, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *world) text() string {
	data, err := os.ReadFile(w.pair)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// is demands the pair's text now.
func (w *world) is(want string) {
	w.Helper()
	if got := w.text(); got != want {
		w.Fatalf("the pair is %q, want %q", got, want)
	}
}

// becomes waits for the pair's text.
func (w *world) becomes(want string) {
	w.Helper()
	w.eventually(fmt.Sprintf("the pair is %q", want), func() bool { return w.text() == want })
}

func (w *world) eventually(what string, condition func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not so after 20 s: %s; processes: %v", what, processes(w.self.Dirs.State))
		}
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// fails demands an error of these classes.
func (w *world) fails(err error, classes ...error) {
	w.Helper()
	for _, class := range classes {
		if !errors.Is(err, class) {
			w.Fatalf("error %v (%T) is not %q", err, err, class)
		}
	}
	if err == nil {
		w.Fatal("no error")
	}
}

func encode(t testing.TB, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// processes lists live processes whose arguments hold a word, by number.
func processes(word string) map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(data, []byte(word)) {
			continue
		}
		var pid int
		fmt.Sscanf(file, "/proc/%d/cmdline", &pid)
		if pid != os.Getpid() {
			found[pid] = string(bytes.ReplaceAll(data, []byte{0}, []byte(" ")))
		}
	}
	return found
}

func newHost(self exec.Self) actuators.Host { return exec.NewMachine(self.Name, self.Dirs) }
