package run

// hostLimit bounds on how many hosts something is changed at the same time. A host counts from the first step that is begun there
// until none of its steps is ready or under way: one that waits for another host gives its place away, so that nobody waits for
// ever. Looks do not count, and ways back ask nobody.
type hostLimit struct {
	most  int // 0 = no limit
	taken []*port
}

// mayChange tells whether the next crew of a host may start, and takes a place for it.
func (q *queue) mayChange(p *port) bool {
	l := &q.changes
	switch {
	case l.most == 0, p.taken, p.ready[0].verb != prepare:
		return true
	case len(l.taken) == l.most:
		return false
	}
	p.taken = true
	l.taken = append(l.taken, p)
	return true
}

// bar lets a host wait for a place.
func (q *queue) bar(p *port) {
	p.barred = true
	q.settle(p)
}

// free takes their places from hosts where nothing is to be done any more, and tells whether anybody waits for one.
func (q *queue) free() (more bool) {
	l := &q.changes
	kept := l.taken[:0]
	for _, p := range l.taken {
		if p.taken = p.under > 0 || len(p.ready) > 0; p.taken {
			kept = append(kept, p)
		}
	}
	if l.taken = kept; len(kept) == l.most {
		return false
	}
	for _, p := range q.hosts {
		if p.barred {
			p.barred, more = false, true
			q.settle(p)
		}
	}
	return more
}
