package nft

import (
	"context"
	"fmt"
	"time"
)

const (
	// trusted is how long a look may be answered from what was read before: rules that somebody else wrote could change
	// elements without a commit, which no generation tells.
	trusted = 10 * time.Minute
	// mostKept bounds the elements that are kept between two looks, about 0.5 KiB each.
	mostKept = 200_000
	// fewTouched is up to how many changes of a batch are always read back element by element, at 15 µs each, and not with all
	// others, at 7 µs each. More are when the others are four times as many.
	fewTouched = 64
)

// kept is the table of services as this process read it last.
var kept = mirror{turn: make(chan struct{}, 1)}

// mirror keeps what was read of the table of services as long as the kernel's generation says that nobody committed since,
// so that a look costs one question. After a batch of our own, which the kernel took on top of the very generation that was
// read, only what the batch touched is read again. One look or change at a time; a view gives nothing of it away.
type mirror struct {
	turn       chan struct{}
	services   *Services // nil: nothing is known
	generation uint32
	namespace  namespace
	read       time.Time // in full
	size       int       // elements at that time
}

// view runs look, which must not keep what it gets, on the table as it is.
func (m *mirror) view(ctx context.Context, look func(*Services)) error {
	return m.change(ctx, func(_ *Tx, s *Services) error {
		look(s)
		return nil
	})
}

// change runs look on the table as it is, and commits what it queues.
func (m *mirror) change(ctx context.Context, look func(*Tx, *Services) error) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return fmt.Errorf("cannot look at nftables: %w", ctx.Err())
	}
	return Change(ctx, func(tx *Tx) error {
		s, err := m.at(tx)
		if err != nil {
			return err
		}
		return look(tx, s)
	})
}

// at gives the table at the generation at which the Tx began.
func (m *mirror) at(tx *Tx) (*Services, error) {
	if m.services != nil && m.generation == tx.begin && m.namespace == tx.namespace && time.Since(m.read) < trusted {
		tx.proved = func(committed bool) {
			if committed {
				m.follow(tx, m.services)
			}
		}
		return m.services, nil
	}
	m.services, m.namespace, m.read = nil, tx.namespace, time.Now()
	s, err := tx.services(m.size)
	if err != nil {
		return nil, err
	}
	m.size = len(s.elements)
	tx.proved = func(committed bool) {
		if committed {
			m.follow(tx, s)
		} else {
			m.keep(s, tx.begin)
		}
	}
	return s, nil
}

// follow takes up what a batch of our own changed. Whatever does not fit makes the next look read everything.
func (m *mirror) follow(tx *Tx, s *Services) {
	m.services = nil
	if !s.present || tx.many {
		return
	}
	mine := tx.begin + 1
	if mine == 0 {
		mine = 1 // the kernel leaves out 0
	}
	if now, err := generation(tx.conn); err != nil || now != mine {
		return
	}
	if err := tx.again(s); err != nil {
		return
	}
	if now, err := generation(tx.conn); err == nil && now == mine {
		m.keep(s, mine)
	}
}

func (m *mirror) keep(s *Services, generation uint32) {
	if len(s.elements) <= mostKept {
		m.services, m.generation = s, generation
	}
}
