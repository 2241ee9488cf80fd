package run

import (
	"encoding/json"
	"fmt"
	"slices"

	"plumbline/reconcile/exec"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// newRunner makes a plan ready to run, and refuses one that this version cannot read. It changes nothing.
func newRunner(in Input, p *plan.Plan) (*runner, error) {
	r := &runner{
		in: in, plan: p, begunAt: in.Now(), installation: in.Store.Installation(),
		byID: map[int]*lane{}, steps: map[string]*task{}, gates: map[string]*gate{}, objects: map[schema.Instance]*object{},
		queue: newQueue(in.PerHost, in.HostsAtOnce), results: make(chan finished), written: make(chan written), wake: make(chan struct{}, 1),
		looks: map[schema.Instance]seen{}, inUse: map[string]exec.Executor{},
	}
	for _, l := range p.Lanes {
		made := &lane{Lane: l, needs: map[int]bool{}}
		for _, need := range l.Needs {
			made.needs[need] = true
		}
		r.lanes = append(r.lanes, made)
		r.byID[l.ID] = made
	}
	r.openLanes = len(r.lanes)
	changes := map[schema.Instance]*plan.Change{}
	for _, c := range p.Changes {
		changes[c.Instance] = c
	}
	for i := range p.Steps {
		if err := r.addStep(p, i, changes); err != nil {
			return nil, fmt.Errorf("cannot run plan %s: %w", p.ID, err)
		}
	}
	if err := r.linkAll(p); err != nil {
		return nil, fmt.Errorf("cannot run plan %s: %w", p.ID, err)
	}
	r.linkLanes()
	r.rank()
	return r, r.findSpecs()
}

func (r *runner) addStep(p *plan.Plan, i int, changes map[schema.Instance]*plan.Change) error {
	t := &task{Step: p.Steps[i], host: p.Steps[i].Host, number: i}
	kind, ok := r.in.Kinds.Kind(t.Instance.ID.Kind())
	if !ok {
		return fmt.Errorf("step %s: this plumb knows no kind %s", t.ID, t.Instance.ID.Kind())
	}
	if t.op, ok = kind.Op(t.Op); !ok {
		return fmt.Errorf("step %s: this plumb knows no op %s of kind %s", t.ID, t.Op, kind.Name)
	}
	if t.op.Version != t.Version {
		return fmt.Errorf("step %s: it is version %d of op %s, this plumb knows version %d", t.ID, t.Version, t.Op, t.op.Version)
	}
	if t.lane = r.byID[t.Lane]; t.lane == nil || changes[t.Instance] == nil || r.steps[t.ID] != nil {
		return fmt.Errorf("internal error: step %s: it has no lane, no change or no ID of its own", t.ID)
	}
	if t.Timeout <= 0 {
		t.Timeout = t.op.Timeout
	}
	if t.object = r.objects[t.Instance]; t.object == nil {
		t.object = &object{change: changes[t.Instance], specs: map[string]json.RawMessage{}}
		r.objects[t.Instance] = t.object
	}
	if n := len(t.object.tasks); n > 0 {
		t.earlier = t.object.tasks[n-1]
	}
	t.object.tasks = append(t.object.tasks, t)
	t.lane.tasks = append(t.lane.tasks, t)
	r.tasks = append(r.tasks, t)
	r.steps[t.ID] = t
	return nil
}

func (r *runner) linkAll(p *plan.Plan) error {
	for _, g := range p.Gates {
		if err := r.addGate(g); err != nil {
			return err
		}
	}
	for _, t := range r.tasks {
		if err := r.linkStep(t); err != nil {
			return err
		}
	}
	return nil
}

// linkStep lets a step wait for those that it needs and for the earlier one of its instance. A need in another lane is a
// need of the whole lane: nothing is built on what may still be undone.
func (r *runner) linkStep(t *task) error {
	if t.earlier != nil && !slices.Contains(t.Needs, t.earlier.ID) {
		t.await(t.earlier)
	}
	for _, id := range t.Needs {
		need, g := r.steps[id], r.gates[id]
		switch {
		case need != nil && need.number < t.number:
			t.await(need)
		case g != nil && g.last < t.number:
			t.pass(g)
		default:
			return fmt.Errorf("internal error: step %s: it needs %s, which does not stand before it", t.ID, id)
		}
	}
	return nil
}

// await lets a step, or a gate, wait for another one.
func (t *task) await(need *task) {
	if need.lane != t.lane {
		t.lane.need(need.lane.ID)
		return
	}
	t.waits++
	need.then = append(need.then, t)
}

func (l *lane) need(id int) {
	if !l.needs[id] {
		l.needs[id] = true
		l.Needs = append(slices.Clone(l.Needs), id)
	}
}

func (r *runner) linkLanes() {
	r.round = newTurns(r.lanes)
	for _, l := range r.lanes {
		if !l.Last {
			r.earlier++
		}
	}
	for _, l := range r.lanes {
		for _, id := range l.Needs {
			if need := r.byID[id]; need != nil && need != l {
				l.waits++
				need.then = append(need.then, l)
			}
		}
		if l.Turn > r.round.now {
			l.waits++
		}
		if l.Last && r.earlier > 0 {
			l.waits++
			r.last = append(r.last, l)
		}
	}
}

// rank measures the longest way from each step to the end of the plan, in steps: what has the longest way goes first.
func (r *runner) rank() {
	for _, t := range slices.Backward(r.tasks) {
		t.rank = t.way() + 1
		t.lane.length = max(t.lane.length, t.rank)
	}
	for _, l := range r.lanes {
		l.measure()
	}
	for _, t := range r.tasks {
		t.rank += t.lane.after
	}
}

// measure finds the longest way after a lane. Lanes that need each other are no plan of ours; they end somewhere.
func (l *lane) measure() int {
	if !l.measured {
		l.measured = true
		for _, next := range l.then {
			l.after = max(l.after, next.measure())
		}
	}
	return l.after + l.length
}

// findSpecs gathers how every instance is looked at, before anything is taken out of the inventory: by the wanted spec,
// or by the last applied one.
func (r *runner) findSpecs() error {
	for _, t := range r.tasks {
		if was := t.object.change.Was; was != "" && t.object.former == nil {
			e, err := r.in.Store.Entry(was.On(t.Instance.Host))
			if err != nil {
				return err
			}
			if e != nil {
				t.object.former = e.Spec
			}
		}
		for _, host := range []string{t.Instance.Host, t.host} {
			if _, known := t.object.specs[host]; known {
				continue
			}
			spec := t.object.change.Want
			if spec == nil || host != t.Instance.Host {
				e, err := r.in.Store.Entry(t.Instance.ID.On(host))
				if err != nil {
					return err
				}
				if e != nil {
					spec = e.Spec
				}
			}
			t.object.specs[host] = spec
		}
	}
	return nil
}

func marshal(res Result) (json.RawMessage, error) {
	data, err := json.Marshal(res)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot write the result of plan %s: %w", res.Plan, err)
	}
	return data, nil
}
