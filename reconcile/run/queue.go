package run

import (
	"container/heap"
	"slices"
	"time"
)

// queue holds the crews that are ready, and knows which hosts and containers have room.
type queue struct {
	perHost int
	changes hostLimit
	hosts   map[string]*port
	open    ports            // hosts that have room and something to start
	joining map[string]*crew // by key: crews that wait, and that more steps may join
	rooms   map[string]*room // containers somebody is in or waits for
	later   holds
}

// port is the way to one host.
type port struct {
	busy   int
	ready  crews
	under  int  // crews from their start to their end
	taken  bool // one of the hosts that may be changed now
	barred bool // to be changed, and must wait for one of those to end
	at     int  // in the heap of open ports; -1 = not in it
}

// room is a container.
type room struct {
	taken   bool
	waiting crews
}

// hold is a step that may not start before an instant.
type hold struct {
	until time.Time
	task  *task
}

func newQueue(perHost, hosts int) *queue {
	return &queue{perHost: perHost, changes: hostLimit{most: hosts}, hosts: map[string]*port{}, joining: map[string]*crew{}, rooms: map[string]*room{}}
}

// push makes a verb of a step ready.
func (q *queue) push(v verb, t *task) {
	c := &crew{verb: v, host: t.host, tasks: []*task{t}}
	c.key, c.limit = company(v, t)
	if waiting := q.joining[c.key]; waiting != nil && c.key != "" {
		waiting.join(t)
		q.moved(waiting)
		return
	}
	if c.key != "" {
		q.joining[c.key] = c
	}
	q.add(c)
}

// add lets a crew wait for its host.
func (q *queue) add(c *crew) {
	p := q.port(c.host)
	heap.Push(&p.ready, c)
	q.settle(p)
}

func (q *queue) port(host string) *port {
	p := q.hosts[host]
	if p == nil {
		p = &port{at: -1}
		q.hosts[host] = p
	}
	return p
}

// settle puts a port where it belongs among the open ones.
func (q *queue) settle(p *port) {
	open := p.busy < q.perHost && len(p.ready) > 0 && !(p.barred && p.ready[0].verb == prepare)
	switch {
	case open && p.at < 0:
		heap.Push(&q.open, p)
	case open:
		heap.Fix(&q.open, p.at)
	case p.at >= 0:
		heap.Remove(&q.open, p.at)
	}
}

// moved puts a waiting crew where it belongs, after somebody joined it.
func (q *queue) moved(c *crew) {
	p := q.port(c.host)
	if p.ready.hold(c) {
		heap.Fix(&p.ready, c.at)
		q.settle(p)
		return
	}
	for _, name := range c.rooms() {
		if r := q.rooms[name]; r != nil && r.waiting.hold(c) {
			heap.Fix(&r.waiting, c.at)
		}
	}
}

func (h crews) hold(c *crew) bool { return c.at < len(h) && h[c.at] == c }

// next takes the crew that starts next from those whose host has room; nil when there is none. With begun it takes only
// one that has begun.
func (q *queue) next(begun bool) *crew {
	for len(q.open) > 0 && !q.mayChange(q.open[0]) {
		q.bar(q.open[0])
	}
	if len(q.open) == 0 || begun && q.open[0].ready[0].verb != act {
		return nil
	}
	p := q.open[0]
	c := heap.Pop(&p.ready).(*crew)
	q.settle(p)
	if q.joining[c.key] == c {
		delete(q.joining, c.key)
	}
	return c
}

// split leaves no more steps in a crew than may go at once; the others wait anew.
func (q *queue) split(c *crew) {
	if len(c.tasks) <= c.limit {
		return
	}
	slices.SortFunc(c.tasks, func(a, b *task) int {
		if c.better(a, b) {
			return -1
		}
		return 1
	})
	rest := c.tasks[c.limit:]
	c.tasks = slices.Clip(c.tasks[:c.limit])
	for _, t := range rest {
		q.push(c.verb, t)
	}
}

// enter takes the containers of a crew, or lets it wait for the first one that is taken.
func (q *queue) enter(c *crew) bool {
	left := c.room
	c.room = ""
	for _, name := range c.rooms() {
		if r := q.rooms[name]; r != nil && r.taken {
			heap.Push(&r.waiting, c)
			if c.key != "" {
				q.joining[c.key] = c
			}
			if left != "" && left != name {
				q.wake(left)
			}
			return false
		}
	}
	for _, name := range c.rooms() {
		if q.rooms[name] == nil {
			q.rooms[name] = &room{}
		}
		q.rooms[name].taken = true
	}
	return true
}

// leave gives the containers of a crew to those who wait for them.
func (q *queue) leave(c *crew) {
	for _, name := range c.rooms() {
		q.rooms[name].taken = false
		q.wake(name)
	}
}

// wake lets the next one try that waits for a container.
func (q *queue) wake(name string) {
	r := q.rooms[name]
	switch {
	case r == nil || r.taken:
	case len(r.waiting) == 0:
		delete(q.rooms, name)
	default:
		c := heap.Pop(&r.waiting).(*crew)
		c.room = name
		q.add(c)
	}
}

// occupy and vacate count what runs on a host.
func (q *queue) occupy(host string) { q.count(host, 1) }
func (q *queue) vacate(host string) { q.count(host, -1) }

func (q *queue) count(host string, n int) {
	p := q.port(host)
	p.busy += n
	q.settle(p)
}

// postpone lets a step wait for an instant.
func (q *queue) postpone(t *task, until time.Time) { heap.Push(&q.later, hold{until, t}) }

// due makes ready whose instant has come.
func (q *queue) due(now time.Time) {
	for len(q.later) > 0 && !q.later[0].until.After(now) {
		q.push(prepare, heap.Pop(&q.later).(hold).task)
	}
}

// left is the time until the next instant; 0 = nobody waits for one.
func (q *queue) left(now time.Time) time.Duration {
	if len(q.later) == 0 {
		return 0
	}
	return q.later[0].until.Sub(now)
}

// crews, ports and holds are heaps.
type (
	crews []*crew
	ports []*port
	holds []hold
)

func (h crews) Len() int           { return len(h) }
func (h crews) Less(a, b int) bool { return h[a].before(h[b]) }
func (h crews) Swap(a, b int)      { h[a], h[b] = h[b], h[a]; h[a].at, h[b].at = a, b }
func (h *crews) Push(c any)        { c.(*crew).at = len(*h); *h = append(*h, c.(*crew)) }
func (h *crews) Pop() any          { return pop((*[]*crew)(h)) }

func (h ports) Len() int           { return len(h) }
func (h ports) Less(a, b int) bool { return h[a].ready[0].before(h[b].ready[0]) }
func (h ports) Swap(a, b int)      { h[a], h[b] = h[b], h[a]; h[a].at, h[b].at = a, b }
func (h *ports) Push(p any)        { p.(*port).at = len(*h); *h = append(*h, p.(*port)) }
func (h *ports) Pop() any          { p := pop((*[]*port)(h)); p.at = -1; return p }

func (h holds) Len() int           { return len(h) }
func (h holds) Less(a, b int) bool { return h[a].until.Before(h[b].until) }
func (h holds) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *holds) Push(t any)        { *h = append(*h, t.(hold)) }
func (h *holds) Pop() any          { return pop((*[]hold)(h)) }

func pop[T any](h *[]T) T {
	last := len(*h) - 1
	out := (*h)[last]
	var none T
	(*h)[last] = none
	*h = (*h)[:last]
	return out
}
