package nft

import (
	"errors"
	"fmt"
	"slices"

	"plumbline/actuators"
)

// Claim is what one object shall have in the table: exactly Want, whose comments the mark fills. It is the params of ops.
type Claim struct {
	Mark  actuators.Mark `json:"mark"`
	Want  []Element      `json:"want,omitempty"`
	Adopt bool           `json:"adopt,omitempty"` // put the mark on unmarked elements that are as wanted
	// Was is the earlier mark of an object that is renamed: its elements get the new one, all in one commit of the kernel, and
	// are otherwise as they were, so that no packet meets anything else.
	Was *actuators.Mark `json:"was,omitempty"`
}

// Before is what the object had.
type Before struct {
	Elements []Element `json:"elements,omitempty"`
}

// standing is what an undo puts back: the object's own elements, and those that an adoption marks.
func (c Claim) standing(s *Services) []Element {
	out := append(s.of(c.Mark), c.earlier(s)...)
	for _, w := range c.Want {
		if e := s.at(w.place()); c.Adopt && e != (Element{}) && !e.of(c.Mark) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, compareElements)
	return out
}

// earlier are the elements that still bear the mark of the earlier name.
func (c Claim) earlier(s *Services) []Element {
	if c.Was == nil {
		return nil
	}
	return s.of(*c.Was)
}

// delta is what is to be taken away and added.
func (c Claim) delta(s *Services) (gone, added []Element, err error) {
	want, err := marked(c.Want, c.Mark)
	if err != nil {
		return nil, nil, err
	}
	if err := s.foreign(); err != nil && (len(want) > 0 || c.Adopt) {
		return nil, nil, err
	}
	met := 0 // of its own elements
	for _, w := range want {
		e := s.at(w.place())
		if e.of(c.Mark) {
			met++
		}
		switch {
		case e == w:
			continue
		case e == (Element{}) && c.Was != nil:
			return nil, nil, fmt.Errorf("cannot rename %s: %s: %w", c.Was.ID, w.place(), actuators.ErrNotFound)
		case e == (Element{}):
		case e.of(c.Mark):
			gone = append(gone, e)
		default:
			if err := c.may(e, w); err != nil {
				return nil, nil, err
			}
			gone = append(gone, e)
		}
		added = append(added, w)
	}
	if own := s.of(c.Mark); met < len(own) {
		gone = append(gone, beyond(own, want)...)
	}
	return append(gone, beyond(c.earlier(s), want)...), added, nil
}

// beyond are the elements that stand where none is wanted.
func beyond(own, want []Element) (out []Element) {
	wanted := byPlace(want)
	for _, e := range own {
		if _, ok := wanted[e.place()]; !ok {
			out = append(out, e)
		}
	}
	return out
}

// may tells whether the claim takes over an element that is not its own.
func (c Claim) may(e, w Element) error {
	mark := e.Mark()
	switch {
	case c.Was != nil && e.of(*c.Was) && e.Value == w.Value:
		return nil
	case mark != nil && mark.Installation == c.Mark.Installation:
		return fmt.Errorf("%w: %s belongs to %s", actuators.ErrRefused, e.place(), mark.ID)
	case mark == nil && c.Adopt && e.Value == w.Value:
		return nil
	}
	return actuators.Foreign(e.place().String())
}

func (c Claim) reverse(s *Services, before Before) (gone, added []Element, stuck error) {
	want, err := marked(c.Want, c.Mark)
	if err != nil {
		return nil, nil, nil // Do could not write a mark, so it wrote nothing
	}
	old, wrote := byPlace(before.Elements), byPlace(want)
	for _, p := range places(before.Elements, want) {
		have, was, new := s.at(p), old[p], wrote[p]
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
