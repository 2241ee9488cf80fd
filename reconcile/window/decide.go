package window

import (
	"fmt"
	"slices"
	"time"
)

// Set is all windows of a controller.
type Set []Window

// Decision is whether a thing may be changed now, and why.
type Decision struct {
	Open    bool
	Why     string    // with the windows that decide it and where they are declared
	Manual  bool      // closed, but a person may order it all the same
	Overrun bool      // closed, but what began before may be finished
	Next    time.Time // when it opens; zero: it is open, or does not open within a year
}

// Decide judges a thing at a time. Manual: a person orders it.
func (s Set) Decide(t Thing, now time.Time, manual bool) Decision {
	return s.matching(t).decide(now, manual)
}

// matching is the windows that are about one thing.
type matching []*Window

func (s Set) matching(t Thing) matching {
	var out matching
	for i := range s {
		if s[i].Matches(t) {
			out = append(out, &s[i])
		}
	}
	return out
}

func (m matching) decide(now time.Time, manual bool) Decision {
	d := m.judge(now)
	if d.Open {
		return d
	}
	d.Next = m.opens(now)
	if d.Manual && manual {
		return Decision{Open: true, Why: d.Why + ", which a person who orders it may pass"}
	}
	switch {
	case d.Next.IsZero():
		d.Why += "; nothing opens within a year: change it there"
	default:
		d.Why += fmt.Sprintf("; it opens at %s", d.Next.Format(time.RFC3339))
	}
	if d.Manual {
		d.Why += ", and until then \"plumb apply\" does it by order of a person"
	}
	return d
}

// judge is the truth table.
func (m matching) judge(now time.Time) Decision {
	var denies, allows, open []*Window
	for _, w := range m {
		_, active := w.Active(now)
		switch {
		case w.Effect == Deny && active:
			denies = append(denies, w)
		case w.Effect == Allow && active:
			open = append(open, w)
		case w.Effect == Allow:
			allows = append(allows, w)
		}
	}
	switch {
	case len(denies) > 0:
		return closed("denied by the change window "+names(denies), denies)
	case len(open) > 0:
		return Decision{Open: true, Why: "within the change window " + names(open)}
	case len(allows) > 0:
		return closed("outside of the change window "+names(allows), allows)
	}
	return Decision{Open: true, Why: "no change window is about it"}
}

// closed is a decision by some windows: a person may pass, and what began may be finished, only if all of them say so.
func closed(why string, by []*Window) Decision {
	strict := func(bound func(*Window) bool) bool {
		return !slices.ContainsFunc(by, func(w *Window) bool { return !bound(w) })
	}
	return Decision{Why: why, Manual: strict(func(w *Window) bool { return w.Manual }), Overrun: strict(func(w *Window) bool { return w.Overrun })}
}

// horizon is how far ahead an opening is looked for; boundaries, how often a window may open and close until then.
const (
	horizon    = 366 * 24 * time.Hour
	boundaries = 500
)

// opens finds the next instant at which the table says open.
func (m matching) opens(now time.Time) time.Time {
	end := now.Add(horizon)
	for t, n := now, 0; n < boundaries; n++ {
		next := time.Time{}
		for _, w := range m {
			if at := w.change(t); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		if next.IsZero() || next.After(end) {
			return time.Time{}
		}
		if t = next; m.judge(t).Open {
			return t
		}
	}
	return time.Time{}
}
