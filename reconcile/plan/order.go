package plan

import (
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Input is what a plan is made of.
type Input struct {
	ID        string
	CreatedAt time.Time
	Base      string
	Want      *schema.Graph
	Inventory inventory.Inventory
	Diff      diff.Result
	Parked    map[string]string // effect digest of a lane → why it is held
	Atomic    bool
}

// Make orders the changes into steps and lanes.
//
//	create, update   after what it newly needs is there
//	update           before what it needed is retired
//	retire           after everything that needed it (by the inventory) is retired or updated
//	exclusive fact   its old holder releases before the new one acquires
func Make(in Input) (*Plan, error) {
	p := &Plan{
		FormatVersion: FormatVersion, ID: in.ID, Commit: in.Want.Commit, Base: in.Base, CreatedAt: in.CreatedAt,
		Changes: in.Diff.Changes, Refusals: in.Diff.Refusals, Notes: in.Diff.Notes, External: in.Want.External, Atomic: in.Atomic,
	}
	web := newWeb(in)
	web.connect()
	order, err := web.order()
	if err != nil {
		return nil, err
	}
	p.Lanes = lanes(web, in.Atomic)
	p.number(web, order)
	p.digest()
	for i := range p.Lanes {
		p.Lanes[i].Held = in.Parked[p.Lanes[i].EffectDigest]
	}
	return p, nil
}

// web is the changes with the edges between them, as dense integers.
type web struct {
	Input
	changes []*Change
	index   map[schema.Instance]int
	before  [][]int       // before[i]: changes that must be done before i
	soft    map[edge]bool // edges that give way when they close a cycle
	near    map[schema.Instance][]int
}

type edge struct{ from, to int }

func newWeb(in Input) *web {
	w := &web{Input: in, changes: in.Diff.Changes, index: map[schema.Instance]int{}, soft: map[edge]bool{}, near: map[schema.Instance][]int{}}
	w.before = make([][]int, len(w.changes))
	for i, c := range w.changes {
		w.index[c.Instance] = i
	}
	return w
}

func (w *web) connect() {
	for i, c := range w.changes {
		if c.Want != nil {
			for _, need := range c.After {
				w.add(i, w.nearest(need), false)
			}
		}
	}
	w.connectRemovals()
	w.connectMoves()
}

// nearest is the changes that an instance stands for: itself when it changes, otherwise the nearest changes among what it
// needs, so that order holds across what stays as it is.
func (w *web) nearest(i schema.Instance) []int {
	if n, ok := w.index[i]; ok {
		return []int{n}
	}
	if found, ok := w.near[i]; ok {
		return found
	}
	w.near[i] = nil // a cycle was refused by the loader; this only keeps a broken one from looping
	node := w.Want.Node(i)
	if node == nil {
		return nil
	}
	var found []int
	for _, need := range node.After {
		for _, n := range w.nearest(need) {
			if !slices.Contains(found, n) {
				found = append(found, n)
			}
		}
	}
	w.near[i] = found
	return found
}

// connectRemovals puts whatever needed a removed instance, by the inventory, before its removal.
func (w *web) connectRemovals() {
	removals := map[schema.Instance]int{}
	for i, c := range w.changes {
		if c.Want == nil {
			removals[c.Instance] = i
		}
	}
	if len(removals) == 0 {
		return
	}
	for i, c := range w.changes {
		entry := w.Inventory[c.Instance]
		if entry == nil {
			continue
		}
		for _, need := range entry.After {
			if removal, ok := removals[need]; ok && removal != i {
				w.add(removal, []int{i}, c.Want != nil)
			}
		}
	}
}

// connectMoves puts the release of an exclusive fact before its acquisition by another instance.
func (w *web) connectMoves() {
	holders := map[schema.Fact][]int{}
	for i, c := range w.changes {
		for _, use := range c.Released {
			if use.Exclusive && !provides(c, use.Fact) {
				holders[use.Fact] = append(holders[use.Fact], i)
			}
		}
	}
	for i, c := range w.changes {
		for _, use := range c.Provides {
			if use.Exclusive && c.Want != nil {
				w.add(i, holders[use.Fact], false)
			}
		}
	}
}

func provides(c *Change, f schema.Fact) bool {
	return c.Want != nil && slices.ContainsFunc(c.Provides, func(u schema.Use) bool { return u.Fact == f })
}

func (w *web) add(to int, from []int, soft bool) {
	for _, f := range from {
		if f == to || slices.Contains(w.before[to], f) {
			continue
		}
		w.before[to] = append(w.before[to], f)
		if soft {
			w.soft[edge{f, to}] = true
		}
	}
}

// order sorts the changes topologically, the first ready one in order of instance. A cycle gives way at its soft edges;
// without any it is refused.
func (w *web) order() ([]int, error) {
	for {
		order, left := w.sorted()
		if len(left) == 0 {
			return order, nil
		}
		if !w.soften(left) {
			return nil, fmt.Errorf("cannot order the plan: %s wait for each other; take the change apart into two commits", w.names(left))
		}
	}
}

func (w *web) sorted() (order, left []int) {
	waits := make([]int, len(w.changes))
	then := make([][]int, len(w.changes))
	for to, froms := range w.before {
		waits[to] = len(froms)
		for _, from := range froms {
			then[from] = append(then[from], to)
		}
	}
	var ready intHeap
	for i, n := range waits {
		if n == 0 {
			ready.push(i)
		}
	}
	for len(ready) > 0 {
		i := ready.pop()
		order = append(order, i)
		for _, to := range then[i] {
			if waits[to]--; waits[to] == 0 {
				ready.push(to)
			}
		}
	}
	for i, n := range waits {
		if n > 0 {
			left = append(left, i)
		}
	}
	return order, left
}

// soften drops the soft edges among what could not be ordered and tells whether there were any.
func (w *web) soften(left []int) bool {
	dropped := false
	for _, to := range left {
		w.before[to] = slices.DeleteFunc(w.before[to], func(from int) bool {
			soft := w.soft[edge{from, to}] && slices.Contains(left, from)
			dropped = dropped || soft
			return soft
		})
	}
	return dropped
}

func (w *web) names(indices []int) string {
	text := ""
	for n, i := range indices {
		switch {
		case n == 8:
			return fmt.Sprintf("%s … (%d more)", text, len(indices)-n)
		case n > 0:
			text += ", "
		}
		text += w.changes[i].Instance.String()
	}
	return text
}

// number gives the steps their IDs, needs, containers and lanes, in order.
func (p *Plan) number(w *web, order []int) {
	last := make([]string, len(w.changes)) // ID of a change's last step
	for _, i := range order {
		c := w.changes[i]
		needs := w.lastSteps(last, i)
		for n := range c.Steps {
			s := c.Steps[n]
			s.ID = fmt.Sprintf("%s#%d", c.Instance, n+1)
			s.Lane = c.Lane
			s.Needs = needs
			s.Share = w.share(c)
			p.Steps = append(p.Steps, s)
			needs, last[i] = []string{s.ID}, s.ID
		}
	}
}

// lastSteps is the steps that a change waits for; a change without steps hands on what it waits for itself.
func (w *web) lastSteps(last []string, i int) []string {
	var needs []string
	var visit func(int)
	visit = func(i int) {
		for _, from := range w.before[i] {
			if last[from] == "" {
				visit(from)
			} else if !slices.Contains(needs, last[from]) {
				needs = append(needs, last[from])
			}
		}
	}
	visit(i)
	slices.Sort(needs)
	return needs
}

func (w *web) share(c *Change) []string {
	if c.Entry != nil {
		return c.Entry.Share
	}
	if entry := w.Inventory[c.Instance]; entry != nil {
		return entry.Share
	}
	return nil
}

// digest covers what is done to what, in order: never commit, time or approvals.
func (p *Plan) digest() {
	perLane := map[int][]actuators.Step{}
	for _, s := range p.Steps {
		perLane[s.Lane] = append(perLane[s.Lane], s)
	}
	for i := range p.Lanes {
		p.Lanes[i].EffectDigest = digest(perLane[p.Lanes[i].ID])
	}
	p.EffectDigest = digest(p.Steps)
}
