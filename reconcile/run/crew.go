package run

import (
	"cmp"
	"strings"
)

type verb int

// The verbs of a crew, those first that are let in before others: what was begun is finished, ways back go before ways
// forward, and a step goes on before another one of its rank is looked at.
const (
	act verb = iota
	undo
	decide
	prepare
	check
)

// crew is a verb on one step, or on many that go together. Its steps have one host; those that are changed are of one op
// and in the same containers. From prepare to the end of act it stays the same crew.
type crew struct {
	verb  verb
	key   string // by which more steps join while it waits; "" = nobody joins
	host  string
	tasks []*task
	limit int    // of tasks
	room  string // the container that was just left to it
	at    int    // in the heap of its host
}

// before is the order in which steps may start: the verb, then the longest way that is left (for ways back: what was
// begun last), then the order of the plan.
func (c *crew) before(other *crew) bool {
	if c.verb != other.verb && (c.verb < prepare || other.verb < prepare) {
		return c.verb < other.verb
	}
	mine, theirs := c.best(), other.best()
	if c.verb == undo {
		return mine.order > theirs.order
	}
	if d := cmp.Or(theirs.rank-mine.rank, int(c.verb-other.verb), mine.number-theirs.number); d != 0 {
		return d < 0
	}
	return false
}

// best is the task that decides when its crew starts; join keeps it in front.
func (c *crew) best() *task { return c.tasks[0] }

func (c *crew) better(a, b *task) bool {
	if c.verb == undo {
		return a.order > b.order
	}
	return cmp.Or(b.rank-a.rank, a.number-b.number) < 0
}

func (c *crew) join(t *task) {
	c.tasks = append(c.tasks, t)
	if last := len(c.tasks) - 1; last > 0 && c.better(t, c.tasks[0]) {
		c.tasks[0], c.tasks[last] = t, c.tasks[0]
	}
}

// keep drops the steps that the test does not want.
func (c *crew) keep(want func(*task) bool) {
	kept := c.tasks[:0:0]
	for _, t := range c.tasks {
		if want(t) {
			kept = append(kept, t)
		}
	}
	for n := range kept {
		if c.better(kept[n], kept[0]) {
			kept[0], kept[n] = kept[n], kept[0]
		}
	}
	c.tasks = kept
}

// rooms are the containers that a crew must have for itself. A look needs none.
func (c *crew) rooms() []string {
	if c.verb == check {
		return nil
	}
	return c.best().Share
}

// company tells which steps a step may go with, and how many at once: to be looked at with all of its kind and host, to be
// changed with those of its op and containers that wait as long for a confirmation, if the op does many at once.
func company(v verb, t *task) (key string, limit int) {
	switch {
	case v == check && t.host == t.Instance.Host && len(t.object.specs) == 1:
		return strings.Join([]string{"check", t.host, t.Instance.ID.Kind()}, "\x00"), checksAtOnce
	case v != check && t.op.Many != nil:
		words := append([]string{string(rune('a' + v)), t.host, t.Instance.ID.Kind(), t.Op, t.Confirm.String()}, t.Share...)
		return strings.Join(words, "\x00"), t.op.Many.Limit
	}
	return "", 1
}

// checksAtOnce is how many objects are looked at in one question.
const checksAtOnce = 10000
