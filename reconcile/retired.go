package reconcile

import (
	"context"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// Retired is an object that was removed and waits for its purge, or a declared one of which older copies do.
type Retired struct {
	Object    schema.ID      `json:"object"`
	Instances []RetiredThing `json:"instances"`
	Bytes     int64          `json:"bytes"`              // of storage that its purge would free
	Effect    string         `json:"effect,omitempty"`   // of its purge; empty when not all of it could be seen
	Approve   string         `json:"approve,omitempty"`  // the line of CUE that agrees to it
	Approved  *schema.Pos    `json:"approved,omitempty"` // where the topology has a line for it, whether it counts or not
}

// RetiredThing is one thing that was set aside; an instance may have several.
type RetiredThing struct {
	Instance schema.Instance `json:"instance"`
	Name     string          `json:"name,omitempty"` // under which it lies: a path, or the name of a domain
	Since    time.Time       `json:"since,omitzero"` // by this machine's clock, of a copy by its host's
	Due      time.Time       `json:"due,omitzero"`   // from when on people are reminded to purge it; none of a copy
	Copy     bool            `json:"copy,omitempty"` // the object is declared and stays; this was set aside of it
	Bytes    int64           `json:"bytes"`
	Unknown  string          `json:"unknown,omitempty"` // why it cannot be seen
	Gone     bool            `json:"gone,omitempty"`    // it was seen nowhere
}

// Retired lists what was set aside and is not declared by a commit, and older copies of what is, from a look at the hosts.
func (c *Controller) Retired(ctx context.Context, commit string) ([]Retired, error) {
	graph, err := c.Load(ctx, commit)
	if err != nil {
		return nil, err
	}
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	in := diff.Input{Want: graph, World: c.Observe(ctx, graph, inv), Inventory: inv, Kinds: c.kinds, Installation: c.installation()}
	out := []Retired{}
	for _, w := range diff.Waits(in) {
		out = append(out, c.retired(graph, w))
	}
	return out, nil
}

func (c *Controller) retired(graph *schema.Graph, w diff.Waiting) Retired {
	r := Retired{Object: w.ID, Effect: w.Effect}
	if a := graph.Approval(schema.ToPurge, w.ID); a != nil {
		r.Approved = &a.Pos
	}
	if w.Effect != "" {
		r.Approve = diff.Rules{Now: c.now()}.Line(schema.ToPurge, w.ID, w.Effect)
	}
	for _, a := range w.Asides {
		one := RetiredThing{Instance: a.Entry.Instance, Copy: a.Copies(), Due: a.Due(c.cfg.Retire.keep()), Unknown: a.Unknown, Gone: a.Unknown == "" && len(a.Things) == 0}
		if !a.Copies() {
			one.Since = *a.Entry.Retired
		}
		if len(a.Things) == 0 {
			r.Instances = append(r.Instances, one)
		}
		for _, thing := range a.Things {
			if one.Name, one.Bytes = thing.Name, thing.Bytes; a.Copies() {
				one.Since = thing.Since
			}
			r.Instances, r.Bytes = append(r.Instances, one), r.Bytes+thing.Bytes
		}
	}
	return r
}
