package sim

import (
	"maps"
	"slices"
	"time"
)

// Clone is another world, in memory and with a clock of its own, in which everything is as it is here now. What is done in one
// is not done in the other.
func (w *World) Clone(now func() time.Time) (*World, error) {
	o := w.opts
	o.Dir, o.Now = "", now
	copied := New(w.reg, o)
	for _, name := range w.names() {
		err := w.on(name, func(v *visit) error {
			h := copied.host(name)
			h.cond = v.host.cond
			h.cond.Faults, h.cond.Reverted = slices.Clone(v.host.cond.Faults), slices.Clone(v.host.cond.Reverted)
			h.cond.Waiting = maps.Clone(v.host.cond.Waiting)
			for kind, s := range v.shelves {
				h.shelves[kind] = &shelf{Slots: maps.Clone(s.Slots), Rev: s.Rev}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return copied, nil
}
