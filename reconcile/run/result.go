package run

import (
	"time"

	"plumbline/reconcile/journal"
	"plumbline/schema"
)

// Verdict is what a run came to.
type Verdict string

// The verdicts.
const (
	Applied    Verdict = "applied"                  // every lane went through
	Partly     Verdict = "partly applied"           // some did, or all that the plan did not refuse; Residue may name what the others left
	RolledBack Verdict = "rolled back"              // none did, and everything was seen to be as before
	Residual   Verdict = "rolled back with residue" // none did; Residue names what is not as before
	NotRun     Verdict = "not run"                  // nothing was begun
	GivenUp    Verdict = "given up"                 // it was open in an old copy of the state, which was rebuilt; nobody knows what came of it
)

// Outcome is what a lane came to.
type Outcome string

// The outcomes of a lane.
const (
	LaneApplied    Outcome = "applied"
	LaneRolledBack Outcome = "rolled back"
	LaneBlocked    Outcome = "blocked" // a lane that it needs did not go through
	LaneHeld       Outcome = "held"
	LaneNotRun     Outcome = "not run" // the run was stopped before
)

// Cause is the class of a lane's failure.
type Cause string

// The causes.
const (
	CauseError       Cause = "error"       // a step failed; its effect is parked
	CauseChanged     Cause = "changed"     // what is there is not what the plan saw; a new plan is needed
	CauseUnreachable Cause = "unreachable" // a host did not answer before anything was begun
	CauseStopped     Cause = "stopped"     // the run was told to stop
	CauseInterrupted Cause = "interrupted" // the controller ended in the middle
)

// Result is the outcome of a plan.
type Result struct {
	Plan    string       `json:"plan"`
	Commit  string       `json:"commit"`
	Verdict Verdict      `json:"verdict"`
	Lanes   []LaneResult `json:"lanes"`
	Residue []Residue    `json:"residue,omitempty"`
	Replan  bool         `json:"replan,omitempty"`  // something changed since the plan: plan anew at once
	Stopped bool         `json:"stopped,omitempty"` // told to stop, or taken up after a crash
	BegunAt time.Time    `json:"begun_at"`
	EndedAt time.Time    `json:"ended_at"`
}

// LaneResult is the outcome of one lane.
type LaneResult struct {
	Lane    int               `json:"lane"`
	Objects []schema.Instance `json:"objects"`
	Outcome Outcome           `json:"outcome"`
	Cause   Cause             `json:"cause,omitempty"`
	Err     string            `json:"err,omitempty"`
	Effect  string            `json:"effect,omitempty"` // digest of what it would have done, which is parked if a step failed
	Steps   []StepResult      `json:"steps,omitempty"`
}

// StepResult is the outcome of one step. An empty state means that it was never begun.
type StepResult struct {
	Step    string        `json:"step"`
	Summary string        `json:"summary"`
	State   journal.State `json:"state,omitempty"`
	Err     string        `json:"err,omitempty"`
	Took    time.Duration `json:"took,omitempty"`
}

// Residue is something that a rollback left, and why.
type Residue struct {
	Step     string          `json:"step"`
	Instance schema.Instance `json:"instance"`
	State    journal.State   `json:"state"` // kept, stuck, or undone with a remaining difference
	Text     string          `json:"text"`
}

func (r *runner) result() Result {
	res := Result{
		Plan: r.plan.ID, Commit: r.plan.Commit, Replan: r.replan, Stopped: r.stopped || r.resumed,
		BegunAt: r.begunAt, EndedAt: r.in.Now(), Lanes: make([]LaneResult, 0, len(r.lanes)),
	}
	for _, l := range r.lanes {
		res.Lanes = append(res.Lanes, l.result())
		for _, t := range l.tasks {
			if t.residue != "" {
				res.Residue = append(res.Residue, Residue{Step: t.ID, Instance: t.Instance, State: t.state, Text: t.residue})
			}
		}
	}
	res.Verdict = verdict(res)
	if res.Verdict == Applied && len(r.plan.Refusals) > 0 {
		res.Verdict = Partly // what was refused, or could not be looked at, is not applied
	}
	return res
}

func verdict(res Result) Verdict {
	count := map[Outcome]int{}
	for _, l := range res.Lanes {
		count[l.Outcome]++
	}
	switch {
	case count[LaneApplied] == len(res.Lanes):
		return Applied
	case count[LaneApplied] > 0:
		return Partly
	case len(res.Residue) > 0:
		return Residual
	case count[LaneRolledBack] > 0:
		return RolledBack
	}
	return NotRun
}

func (l *lane) result() LaneResult {
	out := LaneResult{Lane: l.ID, Objects: l.Objects, Outcome: l.outcome, Cause: l.cause, Err: l.why, Effect: l.EffectDigest}
	for _, t := range l.tasks {
		out.Steps = append(out.Steps, StepResult{Step: t.ID, Summary: t.Summary, State: t.state, Err: errText(t.err), Took: t.took})
	}
	return out
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ending is what the store keeps of a result.
func (r *runner) ending(res Result) (journal.Ending, error) {
	e := journal.Ending{At: res.EndedAt, Verdict: string(res.Verdict), Park: map[string]journal.Parked{}}
	for _, l := range r.lanes {
		switch {
		case l.EffectDigest == "":
		case l.outcome == LaneApplied:
			e.Unpark = append(e.Unpark, l.EffectDigest)
		case l.cause == CauseError:
			e.Park[l.EffectDigest] = journal.Parked{Plan: r.plan.ID, Commit: r.plan.Commit, Reason: l.why, At: res.EndedAt}
		}
	}
	if res.Verdict == Applied && len(r.plan.Refusals) == 0 {
		e.Applied = r.plan.Commit
	}
	err := r.recordStepless(&e)
	return e, err
}

// recordStepless lets the inventory follow changes that needed nothing on a machine, but in lanes that did not go through.
func (r *runner) recordStepless(e *journal.Ending) error {
	for _, c := range r.plan.Changes {
		o := r.objects[c.Instance]
		if o != nil {
			continue
		}
		if l := r.byID[c.Lane]; l != nil && l.outcome != LaneApplied {
			continue
		}
		u, err := r.recording(c, seen{here: c.Have.Here, retired: c.Have.Retired})
		if err != nil {
			return err
		}
		e.Updates = append(e.Updates, u)
	}
	return nil
}
