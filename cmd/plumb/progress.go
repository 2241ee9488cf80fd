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
	begun, done := time.Now(), make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		tick := time.NewTicker(patience)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				cmd.PrintErrf("… %s (%.0f s)\n", what, time.Since(begun).Seconds())
			case <-done:
				return
			}
		}
	})
	return sync.OnceFunc(func() { close(done); ended.Wait() })
}

// progress prints a line for each thing that a run does.
func progress(w io.Writer, begun time.Time) func(run.Event) {
	return func(e run.Event) {
		at := fmt.Sprintf("%6.1fs", e.At.Sub(begun).Seconds())
		switch e.Type {
		case run.StepDone:
			fmt.Fprintf(w, "%s  done    %s: %s (%.1f s)\n", at, e.Instance, e.Summary, e.Took.Seconds())
		case run.StepFailed:
			fmt.Fprintf(w, "%s  FAILED  %s: %s: %s\n", at, e.Instance, e.Summary, e.Err)
		case run.StepUndone:
			fmt.Fprintf(w, "%s  undone  %s: %s\n", at, e.Instance, e.Summary)
		case run.StepKept:
			fmt.Fprintf(w, "%s  kept    %s: %s\n", at, e.Instance, e.Summary)
		case run.StepStuck:
			fmt.Fprintf(w, "%s  STUCK   %s: %s: %s\n", at, e.Instance, e.Summary, e.Err)
		case run.LaneFailed:
			fmt.Fprintf(w, "%s  lane %d goes back: %s\n", at, e.Lane, e.Err)
		}
	}
}
