package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// Thing is one live thing of the model.
type Thing struct {
	Mark  *actuators.Mark `json:"mark,omitempty"`
	State json.RawMessage `json:"state"`           // {"config": …, "status": …}
	Since int64           `json:"since,omitempty"` // of what is set aside: when it was, in seconds since 1970
}

// slot is what a host holds under one ID.
type slot struct {
	Was     *Thing `json:"was,omitempty"` // captured before a renaming: what is there under the earlier name
	Here    *Thing `json:"here,omitempty"`
	Retired *Thing `json:"retired,omitempty"`
	Gone    bool   `json:"gone,omitempty"` // of a kind that is only observed: it was destroyed, so it is not there by being declared
}

func (s slot) empty() bool { return s.Here == nil && s.Retired == nil && !s.Gone }

// shelf is all of one kind on a host.
type shelf struct {
	Slots map[schema.ID]slot `json:"slots"`
	Rev   uint64             `json:"rev,omitempty"` // counts the changes
	stamp stamp
}

// condition is how a host is, beside its things.
type condition struct {
	Dead     bool               `json:"dead,omitempty"`
	Epoch    uint64             `json:"epoch,omitempty"`
	Faults   []Fault            `json:"faults,omitempty"`
	Waiting  map[string]waiting `json:"waiting,omitempty"`
	Reverted []string           `json:"reverted,omitempty"`
	stamp    stamp
}

// waiting is a step that will be undone unless it is confirmed.
type waiting struct {
	Call     exec.Call `json:"call"`
	Conn     string    `json:"conn"`
	Deadline time.Time `json:"deadline"`
}

type host struct {
	world *World
	name  string

	mu      sync.Mutex
	cond    condition
	shelves map[string]*shelf
}

// visit is one look at a host, or one change of it, with nobody else there.
type visit struct {
	*host
	touched map[string]bool // kinds
	changed []change
	cond    bool // the condition was changed
}

type change struct {
	kind string
	id   schema.ID
	text string
}

// on visits a host; what was changed is kept and told when run returns without an error.
func (w *World) on(name string, run func(v *visit) error) error {
	h := w.host(name)
	h.mu.Lock()
	v := &visit{host: h, touched: map[string]bool{}}
	err := v.alone(func() error {
		if err := v.revertOverdue(); err != nil {
			return err
		}
		if err := run(v); err != nil {
			return err
		}
		return v.save()
	})
	h.mu.Unlock()
	if err == nil {
		w.watch.tell(name, w.opts.Now(), v.changed)
	}
	return err
}

// slot gives what is under an ID.
func (v *visit) slot(id schema.ID) (slot, error) {
	s, err := v.shelf(id.Kind())
	if err != nil {
		return slot{}, err
	}
	return s.Slots[id], nil
}

func (v *visit) put(id schema.ID, to slot, text string) error {
	s, err := v.shelf(id.Kind())
	if err != nil {
		return err
	}
	if to.empty() {
		delete(s.Slots, id)
	} else {
		s.Slots[id] = to
	}
	s.Rev++
	v.touched[id.Kind()] = true
	v.changed = append(v.changed, change{id.Kind(), id, text})
	return nil
}

// state is the condition, to be changed.
func (v *visit) state() *condition {
	v.cond = true
	return &v.host.cond
}

// revertOverdue undoes what was not confirmed in time, in the order of the deadlines. What is stuck stays, as on a real host.
func (v *visit) revertOverdue() error {
	now := v.world.opts.Now()
	var overdue []string
	for step, w := range v.host.cond.Waiting { // mostly none is: sorting all at each visit was a sixth of an apply
		if !now.Before(w.Deadline) {
			overdue = append(overdue, step)
		}
	}
	slices.SortFunc(overdue, v.sooner)
	for _, step := range overdue {
		w := v.host.cond.Waiting[step]
		delete(v.state().Waiting, step)
		v.state().Reverted = append(v.state().Reverted, step)
		if err := v.undo(w.Call); err != nil && !errors.Is(err, actuators.ErrStuck) {
			return fmt.Errorf("cannot take %s back, which was not confirmed: %w", step, err)
		}
	}
	return nil
}

// sooner orders steps that wait for a confirmation by their deadlines.
func (v *visit) sooner(a, b string) int {
	return cmp.Or(v.host.cond.Waiting[a].Deadline.Compare(v.host.cond.Waiting[b].Deadline), strings.Compare(a, b))
}
