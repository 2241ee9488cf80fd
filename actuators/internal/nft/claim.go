package nft

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
)

// Claim is what one object shall have in the table: exactly Want, whose comments the mark fills. It is the params of ops.
type Claim struct {
	Mark  actuators.Mark `json:"mark"`
	Want  []Element      `json:"want,omitempty"`
	Adopt bool           `json:"adopt,omitempty"` // put the mark on unmarked elements that are as wanted
}

// Before is what the object had.
type Before struct {
	Elements []Element `json:"elements,omitempty"`
}

// Capture reads what the claim's object has, and refuses when somebody else stands where it wants to be.
func (c Claim) Capture(ctx context.Context) (Before, error) {
	s, err := Read(ctx)
	if err != nil {
		return Before{}, err
	}
	_, _, err = c.delta(s)
	return Before{Elements: c.standing(s)}, err
}

// standing is what an undo puts back: the object's own elements, and those that an adoption marks.
func (c Claim) standing(s Services) []Element {
	wanted := byPlace(c.Want)
	var out []Element
	for _, e := range s.Elements {
		_, wants := wanted[e.place()]
		if e.of(c.Mark) || wants && c.Adopt {
			out = append(out, e)
		}
	}
	return out
}

// Do makes the object have what it claims, in one batch.
func (c Claim) Do(ctx context.Context) error {
	return Change(ctx, func(tx *Tx) error {
		s, err := tx.services()
		if err != nil {
			return err
		}
		gone, added, err := c.delta(s)
		if err != nil {
			return err
		}
		return tx.apply(s, gone, added)
	})
}

// delta is what is to be taken away and added.
func (c Claim) delta(s Services) (gone, added []Element, err error) {
	want, err := marked(c.Want, c.Mark)
	if err != nil {
		return nil, nil, err
	}
	if err := s.foreign(); err != nil && (len(want) > 0 || c.Adopt) {
		return nil, nil, err
	}
	wanted := byPlace(want)
	live := standingAt(s.Elements, wanted)
	for _, e := range s.Elements {
		if w, ok := wanted[e.place()]; e.of(c.Mark) && (!ok || w != e) {
			gone = append(gone, e)
		}
	}
	for _, w := range want {
		e, taken := live[w.place()]
		switch {
		case taken && e == w:
			continue
		case taken && !e.of(c.Mark):
			if err := c.may(e, w); err != nil {
				return nil, nil, err
			}
			gone = append(gone, e)
		}
		added = append(added, w)
	}
	return gone, added, nil
}

// standingAt gives those elements that stand in one of a few places, of perhaps very many.
func standingAt(elements []Element, places map[place]Element) map[place]Element {
	out := make(map[place]Element, len(places))
	for _, e := range elements {
		if _, ok := places[e.place()]; ok {
			out[e.place()] = e
		}
	}
	return out
}

// may tells whether the claim takes over an element that is not its own.
func (c Claim) may(e, w Element) error {
	mark := e.Mark()
	switch {
	case mark != nil && mark.Installation == c.Mark.Installation:
		return fmt.Errorf("%w: %s belongs to %s", actuators.ErrRefused, e.place(), mark.ID)
	case mark == nil && c.Adopt && e.Value == w.Value:
		return nil
	}
	return actuators.Foreign(e.place().String())
}

// Undo puts back what was before, element by element, in one batch: those that are as Do wrote them. One that is already
// as before stays; one that somebody else wrote stays too and makes the undo stuck.
func (c Claim) Undo(ctx context.Context, before Before) error {
	var stuck error
	err := Change(ctx, func(tx *Tx) error {
		s, err := tx.services()
		if err != nil {
			return err
		}
		gone, added, err := c.reverse(s, before)
		stuck = err
		return tx.apply(s, gone, added)
	})
	return errors.Join(err, stuck)
}

func (c Claim) reverse(s Services, before Before) (gone, added []Element, stuck error) {
	want, err := marked(c.Want, c.Mark)
	if err != nil {
		return nil, nil, nil // Do could not write a mark, so it wrote nothing
	}
	old, wrote := byPlace(before.Elements), byPlace(want)
	touched := Sort(remaining(before.Elements, nil, want))
	live := standingAt(s.Elements, byPlace(touched))
	for _, e := range touched {
		p := e.place()
		have, was, new := live[p], old[p], wrote[p]
		switch have {
		case was:
			continue
		case new:
		default:
			stuck = errors.Join(stuck, actuators.Stuck(p.String(), have.describe(), was.describe()))
			continue
		}
		if have != (Element{}) {
			gone = append(gone, have)
		}
		if was != (Element{}) {
			added = append(added, was)
		}
	}
	return gone, added, stuck
}

func (e Element) describe() string {
	if e == (Element{}) {
		return "absent"
	}
	return fmt.Sprintf("%q (%s)", e.Value, e.Comment)
}
