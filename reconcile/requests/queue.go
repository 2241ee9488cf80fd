package requests

import (
	"sync"
	"time"
)

// queue holds the requests that something happened to, each once. What happens to one that waits makes it wait a little longer: of three
// pushes, the last is planned.
type queue struct {
	settle time.Duration
	now    func() time.Time
	wake   chan struct{}

	mu   sync.Mutex
	due  map[int64]time.Time
	late map[int64]time.Time // when one that keeps moving has its turn nevertheless
}

// patience is how many times the pause a request may be put off.
const patience = 5

func newQueue(settle time.Duration, now func() time.Time) *queue {
	return &queue{settle: settle, now: now, wake: make(chan struct{}, 1), due: map[int64]time.Time{}, late: map[int64]time.Time{}}
}

// hint says that something happened to a request.
func (q *queue) hint(number int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if _, waits := q.late[number]; !waits {
		q.late[number] = now.Add(patience * q.settle)
	}
	q.due[number] = now.Add(q.settle)
	if late := q.late[number]; q.due[number].After(late) {
		q.due[number] = late
	}
	q.signal()
}

// add puts a request there unless it waits already.
func (q *queue) add(number int64, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waits := q.due[number]; !waits {
		q.due[number] = q.now().Add(after)
		q.signal()
	}
}

func (q *queue) signal() { signal(q.wake) }

// next takes a request that is due; else it tells how long the next one has to wait, 0 = none waits.
func (q *queue) next() (number int64, wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for n, due := range q.due {
		left := due.Sub(now)
		if left <= 0 {
			delete(q.due, n)
			delete(q.late, n)
			return n, 0, true
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return 0, wait, false
}
