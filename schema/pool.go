package schema

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Pool evaluates in child processes as a Process does, under the same limits for each evaluation, but keeps its children
// for the next ones: most of what a small evaluation costs is the start of a process. What a child did for one source it
// cannot carry over to another, as evaluation has no state; who does not want to rely on that for the commits of
// strangers uses a Worker for them.
//
// A child is replaced when it has answered Reuse sources, has used the time of one evaluation, or holds a quarter of its
// memory. Children end when they were idle for a while, when the pool is closed, and when this process ends.
type Pool struct {
	Process
	Reuse int           // sources for one child; default 64
	Idle  time.Duration // how long a child waits for the next one; default 1 min

	mu     sync.Mutex
	idle   []*workerRun
	closed bool
}

// NewPool is a pool of children started with a command, such as "plumb eval".
func NewPool(argv []string) *Pool { return &Pool{Process: Process{Argv: argv}} }

// Evaluate implements Evaluator. If the child hits a limit, the error is Problems that name the package.
func (p *Pool) Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	if run := p.take(); run != nil {
		out, alive, err := run.evaluate(ctx, src)
		if err == nil || ctx.Err() != nil || run.overdue {
			p.give(run, alive)
			return out, err
		}
		// It may have died while it was idle, or had less left than a new one: that decides.
	}
	run, err := p.defaults().begin()
	if err != nil {
		return Evaluation{}, err
	}
	out, alive, err := run.evaluate(ctx, src)
	p.give(run, alive)
	return out, err
}

// Close ends all idle children. Evaluations that are under way end theirs.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Rest()
	return nil
}

// Rest ends all idle children: after much work they hold much memory.
func (p *Pool) Rest() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, run := range idle {
		_ = run.end()
	}
}

// take removes the child that was used last.
func (p *Pool) take() *workerRun {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	run := p.idle[last]
	p.idle = p.idle[:last]
	return run
}

// give takes a child back for the next source, or ends it.
func (p *Pool) give(run *workerRun, alive bool) {
	if !alive {
		return
	}
	p.mu.Lock()
	keep := !p.closed && run.jobs < cmp.Or(p.Reuse, 64) && len(p.idle) < runtime.GOMAXPROCS(0)
	if keep {
		p.idle = append(p.idle, run)
		jobs := run.jobs
		time.AfterFunc(cmp.Or(p.Idle, time.Minute), func() { p.expire(run, jobs) })
	}
	p.mu.Unlock()
	if !keep {
		_ = run.end()
	}
}

// expire ends a child that was not used since.
func (p *Pool) expire(run *workerRun, jobs int) {
	p.mu.Lock()
	at := slices.Index(p.idle, run)
	unused := at >= 0 && run.jobs == jobs
	if unused {
		p.idle = slices.Delete(p.idle, at, at+1)
	}
	p.mu.Unlock()
	if unused {
		_ = run.end()
	}
}
