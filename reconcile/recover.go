package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// RecoverOptions say what to rebuild the state from; the zero value finds it out.
type RecoverOptions struct {
	Commit       string // "" = the one that explains the marks best, newest first
	Installation string // whose marks are ours; "" = this state's, or the only one that is found
}

// Recovery is what was found of a lost state, and what becomes of it. Nothing on any host is changed by it.
type Recovery struct {
	Commit       string       `json:"commit"`
	Installation string       `json:"installation"`
	Marked       int          `json:"marked"`    // things that carry our mark
	Explained    int          `json:"explained"` // of these, those whose spec is the one of Commit
	Epoch        uint64       `json:"epoch"`     // highest that a host has seen
	Items        []Recovered  `json:"items"`     // sorted by instance
	Unseen       []UnseenHost `json:"unseen,omitempty"`
	GivenUp      []string     `json:"given_up,omitempty"` // open plans of an old copy, which are not taken up
	At           time.Time    `json:"at"`

	deletes []schema.Instance // entries of an old copy that do not hold any more
}

// Recovered is one instance that was found, or not.
type Recovered struct {
	Instance schema.Instance `json:"instance"`
	Fate     Fate            `json:"fate"`
	Text     string          `json:"text,omitempty"`

	entry *inventory.Entry // to be put into the inventory
}

// Fate is what becomes of an instance in a recovery.
type Fate string

// The fates. All but Left, Absent, SetAside and Strange are ours afterwards.
const (
	Taken    Fate = "taken back" // there, with our mark
	Lost     Fate = "missing"    // it holds data, and is not there: never made anew by itself
	NotSeen  Fate = "unknown"    // nobody could look
	Absent   Fate = "absent"     // not there; the next plan makes it
	SetAside Fate = "set aside"  // by a removal; declared again it is restored
	Left     Fate = "left"       // our mark, and the commit does not declare it: never removed by us
	Strange  Fate = "not ours"   // there, without our mark
)

// UnseenHost is a host that did not answer, or not about some kind.
type UnseenHost struct {
	Host string `json:"host"`
	Err  string `json:"err"`
}

// ErrNothingMarked means that no mark was found from which a state could be rebuilt.
var ErrNothingMarked = errors.New("cannot recover: nothing that was looked at carries a mark of Plumbline")

// Recover finds out what the state must have held: from the marks on all hosts of the head or of the named commit, and
// from the commits whose specs they name. It changes nothing; Rebuild does.
func (c *Controller) Recover(ctx context.Context, o RecoverOptions) (*Recovery, error) {
	c.epochs.gather(true)
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	log, err := c.candidates(ctx, o.Commit)
	if err != nil {
		return nil, err
	}
	hint, err := c.firstSound(ctx, log)
	if err != nil {
		return nil, err
	}
	world := c.lookAround(ctx, hint)
	r := &Recovery{At: c.now()}
	if r.Installation, err = c.whose(world, hint, inv, o.Installation); err != nil {
		return nil, err
	}
	marks := marksOf(world, r.Installation)
	past, err := c.explain(ctx, log, marks, o.Commit != "")
	if err != nil {
		return nil, err
	}
	if past.best.Commit != hint.Commit {
		world = c.lookAround(ctx, past.best)
	}
	r.Commit, r.Marked, r.Explained = past.best.Commit, len(marks), past.score
	r.fill(c.kinds, past, world, inv)
	r.Epoch, r.Unseen = c.highest(ctx, past.best), unseen(world, past.best)
	return r, c.giveUp(r)
}

// giveUp names the open plans of this state, which are only given up when it is known to be behind.
func (c *Controller) giveUp(r *Recovery) error {
	if c.store == nil {
		return nil
	}
	plans, err := c.store.OpenPlans()
	if err != nil || len(plans) == 0 {
		return err
	}
	if r.Epoch <= c.store.Used() {
		return fmt.Errorf("cannot recover: plan %s is open in this state, which is the newest; \"plumb run\" or \"plumb apply\" takes it up", plans[0].ID)
	}
	for _, p := range plans {
		r.GivenUp = append(r.GivenUp, p.ID)
	}
	return nil
}

// fill decides the fate of all that the commit declares, and of all else that carries our mark.
func (r *Recovery) fill(kinds *actuators.Registry, past explained, world *diff.World, inv inventory.Inventory) {
	owned := map[schema.Instance]bool{}
	for _, n := range past.best.Nodes {
		if n.Object.Meta.Manage == schema.Observe {
			continue
		}
		kind, ok := kinds.Kind(n.ID.Kind())
		if !ok {
			continue
		}
		item := past.fate(kind, n, world, r)
		if item.entry != nil {
			owned[n.Instance] = true
			if old := inv[n.Instance]; old != nil {
				item.entry.Stuck = old.Stuck
			}
		}
		r.Items = append(r.Items, item)
	}
	for _, look := range world.Looks() {
		for n := range look.Found {
			r.left(past, look, &look.Found[n])
		}
	}
	for i, entry := range inv {
		if !owned[i] && entry.Retired == nil {
			r.deletes = append(r.deletes, i)
		}
	}
	slices.SortFunc(r.Items, func(a, b Recovered) int { return a.Instance.Compare(b.Instance) })
	slices.SortFunc(r.deletes, schema.Instance.Compare)
}

// left lists what carries our mark and is not declared by the commit.
func (r *Recovery) left(past explained, look *diff.Look, one *actuators.Observed) {
	if look.Err != "" || one.Mark == nil || one.Mark.Installation != r.Installation {
		return
	}
	i := one.ID.On(look.Host)
	if past.best.Node(i) != nil {
		return
	}
	item := Recovered{Instance: i, Fate: Left, Text: "the commit does not declare it"}
	if one.Retired {
		item.Fate, item.Text = SetAside, "it waits where a removal put it"
	} else if at := past.declared[i]; at != "" {
		item.Text += fmt.Sprintf("; %.10s did", at)
	}
	r.Items = append(r.Items, item)
}

// Rebuild makes the state hold what a recovery found.
func (c *Controller) Rebuild(r *Recovery) error {
	if c.store == nil {
		return ErrNoStore
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	rebuilt := journal.Rebuilt{
		Installation: r.Installation, Epoch: r.Epoch, Commits: journal.Commits{Applied: r.Commit, Highest: r.Commit}, Ended: map[string]journal.Ending{},
	}
	for _, item := range r.Items {
		if item.entry != nil {
			rebuilt.Updates = append(rebuilt.Updates, journal.Update{Put: item.entry})
		}
	}
	for _, i := range r.deletes {
		rebuilt.Updates = append(rebuilt.Updates, journal.Update{Delete: &i})
	}
	for _, id := range r.GivenUp {
		rebuilt.Ended[id] = journal.Ending{At: c.now(), Verdict: string(run.GivenUp)}
	}
	err := c.store.Rebuild(rebuilt)
	if err != nil {
		return err
	}
	c.epochs.gather(false)
	c.audit.rebuilt(r)
	return nil
}

// Count tells how many instances have a fate.
func (r *Recovery) Count(fate Fate) (n int) {
	for _, item := range r.Items {
		if item.Fate == fate {
			n++
		}
	}
	return n
}

// whose tells whose marks are ours: those of this state if it remembers anything, else those that are found.
func (c *Controller) whose(world *diff.World, want *schema.Graph, inv inventory.Inventory, named string) (string, error) {
	found := map[string]int{}
	for _, look := range world.Looks() {
		for n := range look.Found {
			if one := &look.Found[n]; look.Err == "" && one.Mark != nil {
				found[one.Mark.Installation]++
			}
		}
	}
	switch own := c.installation(); {
	case named != "" && found[named] == 0:
		return "", fmt.Errorf("cannot recover: nothing carries a mark of installation %s; there are %s", named, counted(found))
	case named != "":
		return named, nil
	case len(inv) > 0 || found[own] > 0:
		return own, nil
	case len(found) == 0:
		return "", ErrNothingMarked
	case len(found) == 1:
		return slices.Collect(maps.Keys(found))[0], nil
	}
	return "", fmt.Errorf("cannot recover: marks of several installations are there, %s; name the lost one with --installation", counted(found))
}

func counted(found map[string]int) (text string) {
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s (%d)", id, found[id])
	}
	if text == "" {
		return "none"
	}
	return text
}
