package diff

import (
	"errors"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Input is all that a comparison knows.
type Input struct {
	Want         *schema.Graph
	World        *World
	Inventory    inventory.Inventory
	Kinds        *actuators.Registry
	Installation string
	Limits       Limits
}

// Compute compares every declared instance and every instance that the inventory lists.
//
//	declared   stuck → unknown → observed only → foreign → missing → what differs
//	listed     stuck → unknown → foreign → retire, or forget what is gone already
//	then       limits, and what waits for something refused
func Compute(in Input) Result {
	c := &comparison{Input: in, former: formerNames(in), leaves: map[schema.Instance]bool{}}
	for _, node := range in.Want.Nodes {
		c.declared(node)
	}
	for _, entry := range sortedEntries(in.Inventory) {
		if in.Want.Node(entry.Instance) == nil && entry.Retired == nil {
			c.removed(entry)
		}
	}
	c.limit()
	c.block()
	c.sort()
	return c.Result
}

type comparison struct {
	Input
	Result
	former map[schema.ID]schema.ID  // earlier name that is still applied → the object that declares it
	leaves map[schema.Instance]bool // what a move takes away from its host
}

func (c *comparison) subject(i schema.Instance, hash string) actuators.Subject {
	return actuators.Subject{Instance: i, Mark: actuators.Mark{Installation: c.Installation, ID: i.ID, Hash: hash}}
}

func (c *comparison) refuse(i schema.Instance, pos schema.Pos, class Class, text string) {
	c.Refusals = append(c.Refusals, Refusal{Instance: i, Class: class, Pos: pos, Text: text})
}

func (c *comparison) note(i schema.Instance, texts ...string) {
	for _, text := range texts {
		c.Notes = append(c.Notes, Note{Instance: i, Text: text})
	}
}

func (c *comparison) sort() {
	slices.SortFunc(c.Changes, func(a, b *Change) int { return a.Instance.Compare(b.Instance) })
	slices.SortStableFunc(c.Refusals, func(a, b Refusal) int { return a.Instance.Compare(b.Instance) })
	slices.SortStableFunc(c.Notes, func(a, b Note) int { return a.Instance.Compare(b.Instance) })
}

func sortedEntries(inv inventory.Inventory) []*inventory.Entry {
	entries := make([]*inventory.Entry, 0, len(inv))
	for _, entry := range inv {
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b *inventory.Entry) int { return a.Instance.Compare(b.Instance) })
	return entries
}

// trimRefused drops the class word of an error whose class is told beside it.
func trimRefused(err error) string {
	text := err.Error()
	if errors.Is(err, actuators.ErrRefused) {
		text = strings.TrimPrefix(text, actuators.ErrRefused.Error()+": ")
	}
	return text
}
