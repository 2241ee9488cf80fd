package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources"
)

// auditing writes the audit trail behind the work, in order: nothing waits for it. What a process leaves unwritten the next one writes
// from the journal, which keeps plans long enough. Without a trail (nil) nothing is written.
type auditing struct {
	c     *Controller
	log   *audit.Log
	queue chan func()
	done  sync.WaitGroup
	told  sync.Once // that it cannot be written

	mu     sync.RWMutex
	closed bool
}

// auditAhead is how much may wait to be written before the work waits.
const auditAhead = 64

// newAuditing opens the trail of a store. One that cannot be opened is told, and keeps nobody from working.
func (c *Controller) newAuditing() *auditing {
	log, err := audit.Open(filepath.Dir(c.store.Path()), c.now)
	if err != nil {
		c.log.Error().Err(err).Msg("nothing is written into the audit trail")
		return nil
	}
	a := &auditing{c: c, log: log, queue: make(chan func(), auditAhead)}
	a.done.Go(func() {
		a.catchUp()
		for work := range a.queue {
			work()
		}
	})
	return a
}

func (a *auditing) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	was := a.closed
	if a.closed = true; !was {
		close(a.queue)
	}
	a.mu.Unlock()
	if a.done.Wait(); was {
		return
	}
	if err := a.log.Close(); err != nil {
		a.c.log.Error().Err(err).Msg("cannot close the audit trail")
	}
}

// put hands work over. What comes after the end is told: of plans the next process writes it.
func (a *auditing) put(work func()) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.closed {
		a.c.log.Warn().Msg("something came too late for the audit trail")
		return
	}
	a.queue <- work
}

// write appends records, now.
func (a *auditing) write(tag string, records ...audit.Record) {
	if err := a.log.Append(tag, records...); err != nil {
		a.told.Do(func() { a.c.log.Error().Err(err).Msg("the audit trail cannot be written") })
	}
}

// later appends records when what came before is written.
func (a *auditing) later(records ...audit.Record) {
	if a == nil || len(records) == 0 {
		return
	}
	now := a.c.now().UTC()
	for i := range records {
		records[i].Time = now
	}
	a.put(func() { a.write("", records...) })
}

// plan takes down what a plan did, from what the journal holds of it.
func (a *auditing) plan(id, by string) {
	if a == nil {
		return
	}
	a.put(func() { a.past(id, by) })
}

func (a *auditing) past(id, by string) {
	past, err := a.c.store.Plan(id)
	if err != nil || past.EndedAt == nil {
		return // it was never begun, or is open: then it is written when it ends
	}
	records, err := a.c.store.Records(id)
	if err != nil {
		a.c.log.Error().Err(err).Str("plan", id).Msg("the audit trail tells less of a plan")
	}
	if by == "" || by == interrupted {
		by = cmp.Or(a.ordererOf(id), by)
	}
	a.write(id, a.c.changes(past, records, by)...)
}

// interrupted is who ends a plan that an earlier process began, unless somebody ordered it.
const interrupted = ByItself + ", after an interruption"

// ordererOf finds who ordered a plan that another process began; "" = nobody did, or it was before orders were taken down.
func (a *auditing) ordererOf(id string) (by string) {
	_, err := audit.Read(filepath.Dir(a.c.store.Path()), func(r audit.Record) error {
		if r.Type == audit.Order && r.Plan == id {
			by = r.By
		}
		return nil
	})
	if err != nil {
		a.c.log.Error().Err(err).Msg("the audit trail cannot be read")
	}
	return by
}

// catchUp writes what is missing: of a new trail all that is applied, and the plans that the history knows; else the plans that an
// earlier process did not come to write.
func (a *auditing) catchUp() {
	history, err := a.c.store.History(journal.KeepPlans)
	if err != nil {
		a.c.log.Error().Err(err).Msg("the audit trail may lack plans")
		return
	}
	for _, past := range slices.Backward(history) {
		if past.EndedAt != nil && !a.log.Knows(past.Plan.ID) && (a.log.Begun() || past.Result != nil) {
			a.past(past.Plan.ID, "")
		}
	}
	if !a.log.Begun() {
		return
	}
	inv, err := a.c.store.Inventory()
	if err == nil && len(inv) > 0 {
		a.write("", began(inv, a.c.now().UTC())...)
	}
}

// began are all entries as they are.
func began(inv inventory.Inventory, at time.Time) (out []audit.Record) {
	for i, entry := range inv {
		r := audit.Record{Time: at, Type: audit.Began, Object: i, Commit: entry.Commit, Declared: entry.Pos, Spec: discreet(entry.Spec), After: discreet(entry.State), Result: "applied"}
		if entry.Retired != nil {
			r.Spec, r.Result = nil, "retired"
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b audit.Record) int { return a.Object.Compare(b.Object) })
	return out
}

// changes are the records of a plan that has ended.
func (c *Controller) changes(past journal.Past, records []journal.Record, by string) []audit.Record {
	p := past.Plan
	var result run.Result
	if len(past.Result) > 0 && json.Unmarshal(past.Result, &result) != nil {
		result = run.Result{}
	}
	head := c.provenance(p)
	head.Time, head.Plan, head.Effect, head.By = past.EndedAt.UTC(), p.ID, p.EffectDigest, by
	e := evidence(p, result, records)
	var out []audit.Record
	for _, change := range p.Changes {
		if r, ok := e.change(head, change); ok {
			r.Approvals = slices.Concat(head.Approvals, agreedTo(p.Lanes, change))
			out = append(out, r)
		}
	}
	head.Approvals = everyWord(append(out, head))
	out = append(out, refusals(head, p.Refusals)...)
	head.Type, head.Result, head.Text = audit.Plan, past.Verdict, past.Summary
	return append(out, head)
}

// refusals are what a plan does not do.
func refusals(head audit.Record, all []diff.Refusal) (out []audit.Record) {
	for _, refusal := range all {
		r := head
		r.Type, r.Object, r.Declared, r.Result, r.Text, r.Approvals = audit.Refuse, refusal.Instance, refusal.Pos, string(refusal.Class), refusal.Text, nil
		out = append(out, r)
	}
	return out
}

// auditPatience bounds asking for the author of a commit.
const auditPatience = 5 * time.Second

func author(c sources.Commit) string {
	if c.Email == "" {
		return c.Author
	}
	return c.Author + " <" + c.Email + ">"
}

// seenOf is what the journal and the result of a plan tell, by instance.
type seenOf struct {
	steps  map[schema.Instance][]audit.Step
	before map[schema.Instance]json.RawMessage
	after  map[schema.Instance]json.RawMessage
	lanes  map[int]run.LaneResult
}

func evidence(p *plan.Plan, result run.Result, records []journal.Record) *seenOf {
	e := &seenOf{map[schema.Instance][]audit.Step{}, map[schema.Instance]json.RawMessage{}, map[schema.Instance]json.RawMessage{}, map[int]run.LaneResult{}}
	states := map[string]run.StepResult{}
	for _, l := range result.Lanes {
		e.lanes[l.Lane] = l
		for _, s := range l.Steps {
			states[s.Step] = s
		}
	}
	of := make(map[string]schema.Instance, len(p.Steps))
	for _, s := range p.Steps {
		of[s.ID] = s.Instance
		state := states[s.ID]
		e.steps[s.Instance] = append(e.steps[s.Instance], audit.Step{
			ID: s.ID, Summary: s.Summary, State: string(state.State), Promised: s.Disruptive, Seconds: float64(state.Took.Milliseconds()) / 1000, Err: state.Err,
		})
	}
	for _, r := range records {
		i, step := of[r.Step]
		if step && r.State == journal.Begun && e.before[i] == nil {
			e.before[i] = r.Have
		}
		if r.Update != nil && r.Update.Put != nil {
			e.after[r.Update.Put.Instance] = r.Update.Put.State
		}
	}
	return e
}

// change is the record of one change; false for one that only moved in its file.
func (e *seenOf) change(head audit.Record, change *plan.Change) (audit.Record, bool) {
	r, lane := head, e.lanes[change.Lane]
	if len(change.Steps) == 0 && len(e.steps[change.Instance]) == 0 && change.Want != nil && change.Have.Mark != nil && change.Have.Mark.Hash == change.Hash {
		return r, false
	}
	r.Type, r.Object, r.Declared, r.Action, r.Steps = audit.Change, change.Instance, change.Pos, change.Action.String(), e.steps[change.Instance]
	r.Before, r.After, r.Result = discreet(e.before[change.Instance]), discreet(e.after[change.Instance]), string(lane.Outcome)
	if r.Before == nil {
		r.Before = discreet(change.Have.Here)
	}
	if change.Lane == 0 {
		r.Result = string(run.LaneApplied) // nothing was to be done on any machine
	}
	if r.Result == string(run.LaneApplied) {
		r.Spec = discreet(change.Want)
	}
	r.Text = lane.Err
	for _, f := range change.Diff.Changes {
		r.Fields = append(r.Fields, audit.Field{Path: f.Path, From: f.From, To: f.To})
	}
	return r, true
}

var sealedText = regexp.MustCompile(`"sealed":"[^"]*"`)

// discreet leaves out what is encrypted: who opens it later would read a secret of today.
func discreet(data json.RawMessage) json.RawMessage {
	if !bytes.Contains(data, []byte(`"sealed":"`)) {
		return data
	}
	return sealedText.ReplaceAll(data, []byte(`"sealed":"(left out)"`))
}

// rebuilt takes down that the state was rebuilt, and all that it holds now.
func (a *auditing) rebuilt(r *Recovery) {
	if a == nil {
		return
	}
	for _, id := range r.GivenUp {
		a.plan(id, operatorName())
	}
	a.later(audit.Record{Type: audit.Order, Action: "recover", By: operatorName(), Text: fmt.Sprintf("the state was rebuilt from %d marks", r.Marked), Commit: r.Commit})
	a.put(func() {
		if inv, err := a.c.store.Inventory(); err == nil && len(inv) > 0 {
			a.write("", began(inv, a.c.now().UTC())...)
		}
	})
}

// watched is a teller that writes what it tells of drift into the trail, too.
func (a *auditing) watched(t notify.Teller) notify.Teller {
	if a == nil || t == nil {
		return t
	}
	return audited{t, a}
}

type audited struct {
	notify.Teller
	a *auditing
}

func (t audited) Commit(state map[string]json.RawMessage, notices ...notify.Notice) {
	t.Teller.Commit(state, notices...)
	var records []audit.Record
	for _, n := range notices {
		records = append(records, audit.Record{
			Type: audit.Drift, Action: string(n.Status), Object: n.Object, Declared: n.Declared, Commit: n.Commit, Result: n.Reason, Text: n.Message, By: n.Details["who"],
		})
	}
	t.a.later(records...)
}

// fault takes down why a commit goes no further.
func (a *auditing) fault(commit string, err error) {
	if a == nil || commit == "" || errors.Is(err, context.Canceled) {
		return
	}
	a.later(audit.Record{Type: audit.Refuse, Commit: commit, Text: err.Error()})
}
