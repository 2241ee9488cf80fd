package schema

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Limits bounds what a worker may use. Zero values mean the defaults.
type Limits struct {
	Data uint64 // bytes of writable memory (RLIMIT_DATA, setrlimit(2)); default 1 GiB
	CPU  uint64 // seconds of processor time (RLIMIT_CPU); default 60
}

// Process evaluates in a child process that limits itself before it reads, and is killed when its time is over. The
// child runs ServeEval on its standard input and output. Each evaluation has a child of its own.
type Process struct {
	Argv    []string
	Timeout time.Duration // wall clock in which no package ends; default 30 s
	Limits  Limits
}

// Worker evaluates in children started with a command, such as "plumb eval".
func Worker(argv []string) Evaluator { return &Process{Argv: argv} }

func (p *Process) defaults() Process {
	return Process{
		Argv: p.Argv, Timeout: cmp.Or(p.Timeout, 30*time.Second),
		Limits: Limits{Data: cmp.Or(p.Limits.Data, 1<<30), CPU: cmp.Or(p.Limits.CPU, 60)},
	}
}

// Evaluate implements Evaluator. If the child hits a limit, the error is Problems that name the package.
func (p *Process) Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	run, err := p.defaults().begin()
	if err != nil {
		return Evaluation{}, err
	}
	out, alive, err := run.evaluate(ctx, src)
	if alive {
		run.end()
	}
	return out, err
}

var errOverdue = errors.New("the time is over")

// begin starts a child, which lives until it is ended or killed.
func (p Process) begin() (*workerRun, error) {
	life, kill := context.WithCancel(context.Background())
	run := &workerRun{Process: p, kill: kill}
	if err := run.start(life); err != nil {
		kill()
		return nil, fmt.Errorf("cannot start the evaluation: %w", err)
	}
	return run, nil
}

// evaluate lets the child answer one source. If the child is not alive after that, it has been waited for.
func (r *workerRun) evaluate(ctx context.Context, src Source) (_ Evaluation, alive bool, _ error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.clock = time.AfterFunc(r.Timeout, func() { cancel(errOverdue) })
	defer r.clock.Stop()
	unwatch := context.AfterFunc(within, r.kill)
	out, talkErr := r.talk(src)
	if talkErr == nil && !r.spent && unwatch() {
		return *out, true, nil
	}
	r.overdue = context.Cause(within) == errOverdue
	if talkErr != nil && !errors.Is(talkErr, io.EOF) {
		r.kill() // what it says no longer matters
	}
	waitErr := r.end()
	switch {
	case ctx.Err() != nil:
		return Evaluation{}, false, ctx.Err()
	case out != nil:
		return *out, false, nil
	case r.overdue:
		return Evaluation{}, false, r.exceeded(fmt.Sprintf("takes longer than %s", r.Timeout))
	}
	return Evaluation{}, false, r.explain(cmp.Or(waitErr, talkErr))
}

// end lets an idle child go and waits for it.
func (r *workerRun) end() error {
	defer r.kill()
	r.stdin.Close()
	return r.cmd.Wait()
}

// workerRun is one child at work.
type workerRun struct {
	Process
	kill    context.CancelFunc
	cmd     *exec.Cmd
	jobs    int  // that it was given
	spent   bool // it wants no other
	overdue bool // it was killed because its time was over
	clock   *time.Timer
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  tail
	running map[string]bool
}

// start tries the confinements in turn.
func (r *workerRun) start(ctx context.Context) (err error) {
	for _, attr := range confinements() {
		r.cmd = exec.CommandContext(ctx, r.Argv[0], r.Argv[1:]...)
		r.cmd.Env, r.cmd.Dir = []string{}, "/"
		r.cmd.SysProcAttr, r.cmd.Stderr = attr, &r.stderr
		r.cmd.WaitDelay = time.Second
		if r.stdin, err = r.cmd.StdinPipe(); err != nil {
			return err
		}
		if r.stdout, err = r.cmd.StdoutPipe(); err != nil {
			return err
		}
		if err = r.cmd.Start(); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// talk sends the source and reads frames until the evaluation is there.
func (r *workerRun) talk(src Source) (*Evaluation, error) {
	sent := make(chan error, 1)
	r.running, r.jobs = map[string]bool{}, r.jobs+1
	go func() { sent <- r.send(src) }()
	var objects []Declaration
	for {
		f, err := readReport(r.stdout)
		if err != nil {
			r.stdin.Close()
			return nil, cmp.Or(<-sent, err)
		}
		switch {
		case f.Evaluation != nil:
			r.spent = f.Spent
			f.Evaluation.setObjects(objects)
			return f.Evaluation, nil
		case f.Error != "":
			return nil, errors.New(f.Error)
		case f.Ended:
			delete(r.running, f.Dir)
			r.clock.Reset(r.Timeout)
			objects = append(objects, f.Objects...)
		default:
			r.running[f.Dir] = true
		}
	}
}

func (r *workerRun) send(src Source) error {
	if r.jobs <= 1 {
		if err := binary.Write(r.stdin, binary.BigEndian, r.Limits); err != nil {
			return err
		}
	}
	data, err := json.Marshal(src)
	if err != nil {
		return err
	}
	return writeFrame(r.stdin, data)
}

// starved is how Go, and the race detector under it, say that the system gave them no more memory.
var starved = []string{"out of memory", "cannot allocate memory", "failed to allocate", "pthread_create failed"}

// explain turns the death of a child into words.
func (r *workerRun) explain(err error) error {
	said := r.stderr.String()
	switch {
	case slices.ContainsFunc(starved, func(words string) bool { return strings.Contains(said, words) }),
		strings.Contains(said, "SIGSEGV") && r.cmd.ProcessState != nil && heavy(r.cmd.ProcessState, r.Limits): // Go's collector, which had none left for itself
		return r.exceeded(fmt.Sprintf("needs more than %d MiB of memory", r.Limits.Data>>20))
	case r.cmd.ProcessState != nil && outOfTime(r.cmd.ProcessState, r.Limits):
		return r.exceeded(fmt.Sprintf("needs more than %d s of processor time", r.Limits.CPU))
	}
	err = fmt.Errorf("cannot evaluate the topology: the worker failed: %w", err)
	if line, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return err
}

// exceeded is the one problem of a topology that hits a limit. It names the packages that were being evaluated.
func (r *workerRun) exceeded(what string) error {
	var dirs []string
	for dir := range r.running {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	p := Problem{
		Pos: Pos{File: "."}, Text: "evaluating the topology " + what,
		Remedy: "look for values that double themselves, comprehensions within comprehensions, or disjunctions by the dozen",
	}
	if len(dirs) > 0 {
		p.Pos.File, p.Text = dirs[0], "evaluating this package "+what
	}
	if len(dirs) > 1 {
		p.Text = "evaluating " + list(dirs, "or") + " " + what
	}
	return Problems{p}
}

// tail keeps the beginning of what a child says last: enough for Go's reason of death, not its stacks.
type tail struct{ bytes.Buffer }

// Write implements io.Writer and never fails.
func (t *tail) Write(p []byte) (int, error) {
	const most = 64 << 10
	if room := most - t.Len(); room > 0 {
		t.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
