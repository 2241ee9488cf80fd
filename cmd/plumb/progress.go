package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/run"
)

// patience is how long a command may be silent.
const patience = 2 * time.Second

// waiting says on stderr what the command waits for, every two seconds, until stop is called.
func waiting(cmd *cobra.Command, what string) (stop func()) {
	begun := time.Now()
	return every(patience, func() { cmd.PrintErrf("… %s (%s)\n", what, since(time.Since(begun))) })
}

// undisturbed makes an interrupt during a look the end of the command: what was not waited for is not told as unknown.
func undisturbed(cmd *cobra.Command, err error) error {
	if err == nil {
		return cmd.Context().Err()
	}
	return err
}

// every calls a function at an interval, until stop is called and has waited for it.
func every(interval time.Duration, do func()) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-done:
				return
			}
		}
	})
	return sync.OnceFunc(func() { close(done); ended.Wait() })
}

// progress prints a line for each thing that a run does, and for a step that takes long one every two seconds.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	begun   time.Time
	running []run.Event // steps under way, in the order of their start
	last    time.Time   // of a line
}

func (p *progress) line(at time.Time, word, format string, args ...any) {
	p.last = at
	fmt.Fprintf(p.w, "%6.1fs  %-6s  %s\n", at.Sub(p.begun).Seconds(), word, fmt.Sprintf(format, args...))
}

// hear takes one event.
func (p *progress) hear(e run.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.follow(e)
	switch e.Type {
	case run.StepDone:
		p.line(e.At, "done", "%s: %s (%.1f s)", e.Instance, e.Summary, e.Took.Seconds())
	case run.StepFailed:
		p.line(e.At, "FAILED", "%s: %s: %s", e.Instance, e.Summary, e.Err)
	case run.StepUndone:
		p.line(e.At, "undone", "%s: %s", e.Instance, e.Summary)
	case run.StepKept:
		p.line(e.At, "kept", "%s: %s", e.Instance, e.Summary)
	case run.StepStuck:
		p.line(e.At, "STUCK", "%s: %s: %s", e.Instance, e.Summary, e.Err)
	case run.LaneFailed:
		p.line(e.At, "back", "lane %d: %s", e.Lane, e.Err)
	}
}

// follow keeps the list of what is under way.
func (p *progress) follow(e run.Event) {
	if e.Step == "" {
		return
	}
	for i, r := range p.running {
		if r.Step == e.Step {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	if e.Type == run.StepStarted || e.Type == run.UndoStarted {
		p.running = append(p.running, e)
	}
}

// remind names the oldest step under way when nothing was printed for a while.
func (p *progress) remind(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.running) == 0 || now.Sub(p.last) < patience {
		return
	}
	oldest, more := p.running[0], ""
	if n := len(p.running) - 1; n > 0 {
		more = fmt.Sprintf(", and %s beside it", plural(n, "step"))
	}
	p.line(now, "…", "%s: %s (since %s%s)", oldest.Instance, oldest.Summary, since(now.Sub(oldest.At)), more)
}
