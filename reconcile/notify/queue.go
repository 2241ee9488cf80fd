package notify

import "sync"

// queueLength is how many notices wait for one sink. When more do, the oldest is given up: what is news matters more.
const queueLength = 1024

// queue is what waits for one sink, in order.
type queue struct {
	mu      sync.Mutex
	waiting []Notice
	closed  bool
	more    chan struct{} // something waits, or it was closed
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

// put adds a notice. lost is the one that had to go for it; taken is false when the queue is closed.
func (q *queue) put(n Notice) (lost *Notice, taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	if len(q.waiting) == queueLength {
		oldest := q.waiting[0]
		lost, q.waiting = &oldest, q.waiting[1:]
	}
	q.waiting = append(q.waiting, n)
	q.signal()
	return lost, true
}

// next waits for a notice; false when the queue is closed and empty.
func (q *queue) next() (Notice, bool) {
	for {
		q.mu.Lock()
		if len(q.waiting) > 0 {
			n := q.waiting[0]
			q.waiting = q.waiting[1:]
			q.mu.Unlock()
			return n, true
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return Notice{}, false
		}
		<-q.more
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}
