package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
)

// resultLine is the last line of an event stream.
type resultLine struct {
	Type string `json:"type"`
	run.Result
}

// listener shows what a run does as it happens: lines on stderr, or events on stdout with -o ndjson, the first of which
// tells the format. The caller calls stop when the run has ended.
func (s *settings) listener(cmd *cobra.Command) (hear func(run.Event), stop func()) {
	if s.output != "ndjson" {
		now := time.Now()
		p := &progress{w: cmd.ErrOrStderr(), begun: now, last: now}
		return p.hear, every(patience, func() { p.remind(time.Now()) })
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.Encode(map[string]string{"type": "version", "format_version": plan.FormatVersion, "plumb": version})
	return func(e run.Event) { encoder.Encode(e) }, func() {}
}

// tell answers what was ordered, in a line of text.
func (s *settings) tell(cmd *cobra.Command, text string) error {
	if s.output != "text" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"text": text})
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
	return err
}

// writeResult tells what came of a plan; its exit code is the verdict.
func (s *settings) writeResult(cmd *cobra.Command, r run.Result) error {
	w := cmd.OutOrStdout()
	var err error
	switch s.output {
	case "json":
		err = json.NewEncoder(w).Encode(r)
	case "ndjson":
		err = json.NewEncoder(w).Encode(resultLine{"result", r})
	default:
		writeResultText(w, r)
	}
	if err != nil {
		return err
	}
	return exits(resultCode(r))
}

func writeResultText(w io.Writer, r run.Result) {
	steps := 0
	for _, l := range r.Lanes {
		steps += len(l.Steps)
	}
	if len(r.Lanes) == 0 {
		fmt.Fprintf(w, "%s: %s, nothing had to be done\n", r.Verdict, plan.ShortCommit(r.Commit))
		return
	}
	fmt.Fprintf(w, "%s: %s, %s in %.1f s\n", r.Verdict, plan.ShortCommit(r.Commit), plural(steps, "step"), r.EndedAt.Sub(r.BegunAt).Seconds())
	parked := false
	for _, l := range r.Lanes {
		if l.Outcome != run.LaneApplied {
			fmt.Fprintf(w, "  %s (lane %d) %s: %s\n", l.Objects[0], l.Lane, l.Outcome, l.Err)
			parked = parked || l.Cause == run.CauseError
		}
	}
	for _, left := range r.Residue {
		fmt.Fprintf(w, "  %s is %s: %s\n", left.Instance, left.State, left.Text)
	}
	if parked {
		fmt.Fprintln(w, "the effect that failed is parked: push a commit that changes it, or mend the cause and \"plumb resume EFFECT\" (plumb status names it)")
	}
}

// resultCode is the exit code of a result. A lane that failed and left something behind weighs most.
func resultCode(r run.Result) int {
	code := exitOK
	for _, l := range r.Lanes {
		switch {
		case l.Outcome == run.LaneApplied:
		case len(r.Residue) > 0:
			return exitResidue
		case l.Outcome == run.LaneRolledBack && l.Cause == run.CauseError:
			code = exitRolledBack
		case code == exitRolledBack:
		case l.Cause == run.CauseChanged:
			code = exitStale
		case l.Cause == run.CauseStopped:
			code = exitInterrupt
		case code == exitOK:
			code = exitRefused
		}
	}
	return code
}
