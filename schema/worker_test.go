package schema

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline/testenv/need"
)

// TestMain makes the test binary its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "eval" {
		if err := ServeEval(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func worker(t *testing.T) *Process { return Worker(self(t)).(*Process) }

// self is the command of a worker.
func self(t testing.TB) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "eval"}
}

func source(t *testing.T, files map[string]string) Source {
	t.Helper()
	schema, err := readAll(testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	src := Source{Files: map[string][]byte{}, Schema: schema}
	for name, text := range files {
		src.Files[name] = []byte(text)
	}
	return src
}

func TestWorkerAnswersAsInProcess(t *testing.T) {
	src := source(t, map[string]string{
		"a/a.cue": "package a\nsite: boston: {}\nhost: jino0: site: \"boston\"\n",
		"b/b.cue": "package b\nbox: x: {host: \"jino0\", coress: 3}\nbox: y: host: \"jino0\"\n",
	})
	want, err := InProcess().Evaluate(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	got, err := worker(t).Evaluate(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Objects) != 4 || len(want.Problems) != 1 {
		t.Fatalf("evaluated %d objects with %d problems, wanted 4 with 1", len(want.Objects), len(want.Problems))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in process (-), worker (+):\n%s", diff)
	}
	src.Locate = []Field{{Dir: "b", ID: "box/x", Path: "coress"}, {Dir: "b", ID: "box/nope"}}
	located, err := worker(t).Evaluate(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Pos{{"b/b.cue", 2, 33}, {File: "b"}}, located.Found); diff != "" {
		t.Errorf("positions wanted (-), got (+):\n%s", diff)
	}
}

// bomb is about one kilobyte of text that doubles forty times.
func bomb() string {
	var b strings.Builder
	b.WriteString("package bomb\n_s0: \"0123456789\"\n")
	for i := range 40 {
		fmt.Fprintf(&b, "_s%d: \"\\(_s%d)\\(_s%d)\"\n", i+1, i, i)
	}
	b.WriteString("site: x: description: _s40\n")
	return b.String()
}

const loops = `package loops
_n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
_sum: [for a in _n for b in _n for c in _n for d in _n for e in _n for f in _n for g in _n for h in _n for i in _n if a+b+c+d+e+f+g+h+i < 0 {a}]
site: x: description: "\(len(_sum))"
`

func TestWorkerStopsWhatNeedsTooMuch(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*Process)
		want       string
	}{
		{"bomb", bomb(), func(p *Process) { p.Limits.Data = 768 << 20 }, "bomb: evaluating this package needs more than 768 MiB of memory; "},
		{"loops", loops, func(p *Process) { p.Limits.CPU = 1 }, "loops: evaluating this package needs more than 1 s of processor time; "},
		{"loops", loops, func(p *Process) { p.Timeout = 700 * time.Millisecond }, " takes longer than 700ms; "},
	} {
		t.Run(c.want, func(t *testing.T) {
			p := worker(t)
			c.change(p)
			_, err := p.Evaluate(t.Context(), source(t, map[string]string{c.name + "/x.cue": c.text}))
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
				t.Errorf("got %v, wanted one problem with %q", err, c.want)
			}
		})
	}
}

func TestWorkerEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := worker(t)
	stopped := make(chan error, 1)
	go func() {
		_, err := p.Evaluate(ctx, source(t, map[string]string{"loops/x.cue": loops}))
		stopped <- err
	}()
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, wanted %v", err, context.Canceled)
	}
}

func TestWorkerThatIsNone(t *testing.T) {
	for _, argv := range [][]string{{"/nonexistent/plumb", "eval"}, {"/bin/false"}} {
		if _, err := Worker(argv).Evaluate(t.Context(), source(t, nil)); err == nil || errors.As(err, new(Problems)) {
			t.Errorf("%v: got %v, wanted an error that is nobody's mistake in a topology", argv, err)
		}
	}
}

// TestWorkerDiesWithItsParent holds that no child goes on when nobody reads what it says.
func TestWorkerDiesWithItsParent(t *testing.T) {
	p := worker(t).defaults()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	run := workerRun{Process: p}
	if err := run.start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := run.send(source(t, map[string]string{"loops/x.cue": loops})); err != nil {
		t.Fatal(err)
	}
	if begun, err := readReport(run.stdout); err != nil || begun.Dir != "loops" {
		t.Fatalf("got %+v, %v, wanted the beginning of loops", begun, err)
	}
	run.stdin.Close()
	if err := run.cmd.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("the child ended with %v, %v; wanted it to exit by itself", err, ctx.Err())
	}
}

// TestWorkerHasNoNetworkAndNoRights looks at what the strictest confinement leaves to a child of root.
func TestWorkerHasNoNetworkAndNoRights(t *testing.T) {
	need.Root(t)
	const script = "id -u; readlink /proc/self/ns/net"
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	run := workerRun{Process: Process{Argv: []string{"/bin/sh", "-c", script}}}
	if err := run.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(run.stdout)
	if err != nil {
		t.Fatal(err)
	}
	run.stdin.Close()
	if err := run.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(said))
	if len(fields) != 2 || fields[0] != "65534" || fields[1] == ours {
		t.Errorf("the child says %q, wanted user 65534 and another network than %s", fields, ours)
	}
}
