package diff

import (
	"bytes"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Resident compares as Compute does and remembers what came of each object: one whose nodes, entries and sightings are as
// they were is not compared again, unless something is to be done about it. What is remembered is only ever an outcome
// without a change, and a function of what it is remembered with. Not for use by two at once.
//
//	nodes      the same pointer, or the same content
//	entries    the same pointer, or the same content
//	sightings  the same looks, or what differs between them is not of this object
type Resident struct {
	kinds        *actuators.Registry
	installation string
	world        *World
	nodes        []*schema.Node      // of the last graph, sorted
	entries      []*inventory.Entry  // beside nodes; nil = none
	outcomes     []outcome           // beside nodes, at the first one of each object
	rules        string              // that leave fields to others
	told         map[schema.ID]words // of the objects with outcome spoken
}

// outcome is what came of an object.
type outcome uint8

const (
	unsettled outcome = iota // to be compared again
	silent                   // nothing to do and nothing to say
	spoken                   // nothing to do; refusals and notes are in told
)

// words is what a comparison said of an object.
type words struct {
	refusals []Refusal
	notes    []Note
}

// Compute compares, anew only what changed since the last time.
func (r *Resident) Compute(in Input) Result {
	entries, matched := beside(in.Want.Nodes, in.Inventory)
	c := &comparison{Input: in, former: formerNames(in, matched < len(in.Inventory)), moves: map[schema.Instance]bool{}, leaves: map[schema.Instance]bool{}}
	news := r.look(in)
	c.World = r.world
	past := *r
	if r.rules = leaves(in.Want.Ignores, in.Rules.Now); r.rules != past.rules {
		past.nodes = nil
	}
	r.nodes, r.entries, r.outcomes, r.told = in.Want.Nodes, entries, make([]outcome, len(entries)), map[schema.ID]words{}
	var anew []span
	old := 0
	for s := range objects(r.nodes) {
		id := r.nodes[s.from].ID
		for old < len(past.nodes) && past.nodes[old].ID < id {
			old++
		}
		if c.former.back[id] == "" && !news.of(r.nodes[s.from:s.to]) && past.holds(old, r, s) {
			r.outcomes[s.from] = past.outcomes[old]
			if past.outcomes[old] == spoken {
				r.told[id] = past.told[id]
				c.repeat(past.told[id])
			}
		} else {
			anew = append(anew, s)
		}
	}
	r.compare(c, anew)
	owned, retired := c.undeclared(matched)
	for _, entry := range owned {
		c.removed(entry)
	}
	c.regain()
	if c.Rules.Purge {
		c.purge(retired)
	}
	c.hints()
	c.lost()
	c.protect()
	c.limitPortions()
	c.limit()
	c.block()
	c.sort()
	return c.Result
}

// holds tells whether the object that began at a node still is as it was in the nodes and entries of another time.
func (r *Resident) holds(at int, now *Resident, s span) bool {
	to := at + s.to - s.from
	if to > len(r.nodes) || r.outcomes[at] == unsettled || to < len(r.nodes) && r.nodes[to].ID == r.nodes[at].ID {
		return false
	}
	for i := range s.to - s.from {
		if !sameNode(r.nodes[at+i], now.nodes[s.from+i]) || !sameEntry(r.entries[at+i], now.entries[s.from+i]) {
			return false
		}
	}
	return true
}

// sameNode tells whether a comparison cannot tell two nodes apart.
func sameNode(a, b *schema.Node) bool {
	return a == b || a.Instance == b.Instance && a.Hash == b.Hash && bytes.Equal(a.Spec, b.Spec) && a.Object.Pos == b.Object.Pos && a.Object.Meta == b.Object.Meta &&
		slices.Equal(a.After, b.After) && slices.Equal(a.Needs, b.Needs) && slices.Equal(a.Provides, b.Provides) && slices.Equal(a.Share, b.Share)
}

func sameEntry(a, b *inventory.Entry) bool {
	return a == b || a != nil && b != nil && a.Same(b) && a.Stuck == b.Stuck && (a.Retired == nil) == (b.Retired == nil)
}

// span is the nodes of one object.
type span struct{ from, to int }

func objects(nodes []*schema.Node) iter.Seq[span] {
	return func(yield func(span) bool) {
		for s := (span{}); s.from < len(nodes); s.from = s.to {
			for s.to = s.from + 1; s.to < len(nodes) && nodes[s.to].ID == nodes[s.from].ID; {
				s.to++
			}
			if !yield(s) {
				return
			}
		}
	}
}

// beside lists the entries of nodes, and counts them.
func beside(nodes []*schema.Node, inv inventory.Inventory) (entries []*inventory.Entry, matched int) {
	entries = make([]*inventory.Entry, len(nodes))
	for i, n := range nodes {
		if entries[i] = inv[n.Instance]; entries[i] != nil {
			matched++
		}
	}
	return entries, matched
}

// compare compares objects, many of them on all processors.
func (r *Resident) compare(c *comparison, anew []span) {
	const few = 256
	c.World.index()
	parts := slices.Collect(slices.Chunk(anew, few))
	results := make([]*comparison, len(parts))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, part := range parts {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			results[i] = &comparison{Input: c.Input, former: c.former, moves: map[schema.Instance]bool{}, leaves: map[schema.Instance]bool{}, said: map[int]words{}}
			for _, s := range part {
				results[i].object(r, s)
			}
		})
	}
	group.Wait()
	for _, part := range results {
		c.Changes = append(c.Changes, part.Changes...)
		c.Refusals = append(c.Refusals, part.Refusals...)
		c.Notes = append(c.Notes, part.Notes...)
		maps.Copy(c.leaves, part.leaves)
		maps.Copy(c.moves, part.moves)
		for from, said := range part.said {
			r.told[r.nodes[from].ID] = said
		}
	}
}

// object compares one object and notes what came of it. An object that was renamed depends on the whole inventory.
func (c *comparison) object(r *Resident, s span) {
	changes, refusals, notes := len(c.Changes), len(c.Refusals), len(c.Notes)
	seen := c.seen(r.nodes[s.from].ID)
	for i := s.from; i < s.to; i++ {
		c.declared(r.nodes[i], r.entries[i], seen)
	}
	switch {
	case len(c.Changes) > changes || c.former.was(r.nodes[s.from].Object) != "":
	case len(c.Refusals) > refusals || len(c.Notes) > notes:
		r.outcomes[s.from] = spoken
		c.said[s.from] = words{slices.Clone(c.Refusals[refusals:]), slices.Clone(c.Notes[notes:])}
	default:
		r.outcomes[s.from] = silent
	}
}

// repeat says again what was said of an object.
func (c *comparison) repeat(said words) {
	c.Refusals = append(c.Refusals, said.refusals...)
	c.Notes = append(c.Notes, said.notes...)
}
