package dns

import (
	"context"
	"errors"
	"sync"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// Change replaces sets by sets of the same names and types, if and only if Before still holds.
type Change struct {
	Before, After []RRset
}

const (
	// messageSize is what the records of one message may take, in bytes; the message itself ends at 65,535, over TCP.
	messageSize = 60_000
	// roads is how many connections an update uses at once: a server that commits a zone in groups takes what waits
	// together.
	roads = 8
	// rounds is how often changes are sent whose message failed for another one in it.
	rounds = 3
)

// Update makes changes, as many as fit in each message, and tells the error of each. The server makes all of a message or
// nothing (RFC 2136, section 3), so what it refuses is parted until only the culprit fails. Where a prerequisite fails the
// zone is looked at: a change that is found made is none any more, one whose Before holds goes again without the others,
// and any other is ErrChanged. After ErrTransient nobody knows whether a change was made: look. Prerequisites compare data
// and not TTLs (section 2.4.2). The changes must be of different sets.
func (s Server) Update(ctx context.Context, h actuators.Host, changes []Change) []error {
	errs := make([]error, len(changes))
	ready := make([]*prepared, len(changes))
	var open []int
	for n, change := range changes {
		if ready[n], errs[n] = change.prepare(); errs[n] == nil {
			open = append(open, n)
		}
	}
	for round := 1; len(open) > 0; round++ {
		s.send(ctx, h, ready, open, errs)
		var changed []int
		for _, n := range open {
			if errors.Is(errs[n], ErrChanged) {
				changed = append(changed, n)
			}
		}
		if len(changed) == 0 {
			break
		}
		zone, err := s.Transfer(ctx, h)
		open = nil
		for _, n := range changed {
			switch {
			case err != nil:
				errs[n] = errors.Join(errs[n], err)
			case Same(zone.Like(changes[n].After), changes[n].After):
				errs[n] = nil
			case round < rounds && sameData(zone.Like(changes[n].Before), changes[n].Before):
				open = append(open, n)
			}
		}
	}
	return errs
}

// prepared is a change as records of a message.
type prepared struct {
	require, remove, insert []wire.RR
	size                    int
}

// prepare makes the records. What is required not to be there is not removed.
func (c Change) prepare() (*prepared, error) {
	p := &prepared{}
	absent := map[key]bool{}
	for _, set := range c.Before {
		records, err := set.records()
		if err != nil {
			return nil, err
		}
		if len(set.Data) == 0 {
			absent[key{set.Name, set.Type}] = true
			p.require = append(p.require, emptied(records[0], wire.ClassNONE))
			continue
		}
		for _, rr := range records {
			rr.Header().Ttl = 0
		}
		p.require = append(p.require, records...)
	}
	for _, set := range c.After {
		records, err := set.records()
		if err != nil {
			return nil, err
		}
		if !absent[key{set.Name, set.Type}] {
			p.remove = append(p.remove, emptied(records[0], wire.ClassANY))
		}
		if len(set.Data) > 0 {
			p.insert = append(p.insert, records...)
		}
	}
	for _, list := range [][]wire.RR{p.require, p.remove, p.insert} {
		for _, rr := range list {
			p.size += wire.Len(rr)
		}
	}
	return p, nil
}

// emptied is a record that says "this set" (RFC 2136, sections 2.4 and 2.5).
func emptied(rr wire.RR, class uint16) wire.RR {
	head := rr.Header()
	return &wire.ANY{Hdr: wire.RR_Header{Name: head.Name, Rrtype: head.Rrtype, Class: class}}
}

// message puts changes together. Servers work a message off in order and drop a CNAME record beside others without a word
// (RFC 2136, section 3.4.2.2), so all removals come before the first record.
func (s Server) message(ready []*prepared, part []int) *wire.Msg {
	m := new(wire.Msg)
	m.SetUpdate(wire.Fqdn(s.Zone))
	for _, n := range part {
		m.Answer = append(m.Answer, ready[n].require...)
		m.Ns = append(m.Ns, ready[n].remove...)
	}
	for _, n := range part {
		m.Ns = append(m.Ns, ready[n].insert...)
	}
	return m
}

// send sends changes once, over several connections.
func (s Server) send(ctx context.Context, h actuators.Host, ready []*prepared, open []int, errs []error) {
	parts := portions(ready, open)
	todo := make(chan []int, len(parts))
	for _, part := range parts {
		todo <- part
	}
	close(todo)
	var wait sync.WaitGroup
	for range min(roads, len(parts)) {
		wait.Go(func() {
			t := talk{server: s, host: h}
			defer t.close()
			for part := range todo {
				t.update(ctx, ready, part, errs)
			}
		})
	}
	wait.Wait()
}

// portions cuts changes into messages.
func portions(ready []*prepared, open []int) (parts [][]int) {
	from, size := 0, 0
	for k, n := range open {
		if size += ready[n].size; size > messageSize && k > from {
			parts = append(parts, open[from:k])
			from, size = k, ready[n].size
		}
	}
	return append(parts, open[from:])
}

// update sends one message, and parts it when the server says no to it. A prerequisite that fails is for the caller, who
// looks; a signature that is wrong is wrong for all.
func (t *talk) update(ctx context.Context, ready []*prepared, part []int, errs []error) {
	_, err := t.ask(ctx, t.server.message(ready, part))
	var said *rcodeError
	if len(part) > 1 && errors.As(err, &said) && !errors.Is(err, ErrChanged) && said.tsig != wire.RcodeBadSig && said.tsig != wire.RcodeBadTime {
		t.update(ctx, ready, part[:len(part)/2], errs)
		t.update(ctx, ready, part[len(part)/2:], errs)
		return
	}
	for _, n := range part {
		errs[n] = err
	}
}
