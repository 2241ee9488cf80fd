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
	Rules        Rules
}

// Compute compares every declared instance and every instance that the inventory lists.
//
//	declared   stuck → unknown → observed only → foreign → missing → what differs
//	listed     stuck → unknown → foreign → retire, or forget what is gone already
//	then       what is lost or set aside and people agreed on, limits, and what waits for something refused
func Compute(in Input) Result { return new(Resident).Compute(in) }

// comparison is one Compute, or a part of it.
type comparison struct {
	Input
	Result
	former former
	moves  map[schema.Instance]bool                // what goes on under another name
	leaves map[schema.Instance]bool                // what a move takes away from its host
	said   map[int]words                           // of objects that only have something to say, by their first node
	used   map[schema.Agreement]map[schema.ID]bool // approvals that something was held against
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

// seen gathers what was seen of an object, which belongs where the topology declares it.
func (c *comparison) seen(id schema.ID) seen {
	return c.World.of(id, func(host string) bool { return c.Want.Node(id.On(host)) != nil })
}

// undeclared lists what the inventory owns and the topology does not declare, sorted, and beside it what of that was set aside.
// matched is how many entries belong to nodes.
func (c *comparison) undeclared(matched int) (owned, retired []*inventory.Entry) {
	if matched == len(c.Inventory) {
		return nil, nil
	}
	for i, entry := range c.Inventory {
		switch {
		case c.Want.Node(i) != nil:
		case entry.Retired == nil:
			owned = append(owned, entry)
		default:
			retired = append(retired, entry)
		}
	}
	slices.SortFunc(owned, func(a, b *inventory.Entry) int { return a.Instance.Compare(b.Instance) })
	return owned, retired
}

// trimRefused drops the class word of an error whose class is told beside it.
func trimRefused(err error) string {
	text := err.Error()
	if errors.Is(err, actuators.ErrRefused) {
		text = strings.TrimPrefix(text, actuators.ErrRefused.Error()+": ")
	}
	return text
}
