package diff

import (
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// Drifted lists the changes of what is declared as it was applied and only differs live, but for data that people agreed to make
// anew, or to take over.
func (r Result) Drifted(in Input) []*Change {
	var out []*Change
	for _, c := range r.Changes {
		entry := in.Inventory[c.Instance]
		if c.Entry == nil || entry == nil || entry.Retired != nil || len(c.Steps) == 0 || !entry.Alike(c.Entry) {
			continue
		}
		kind, _ := in.Kinds.Kind(c.Instance.ID.Kind())
		if agreed := c.Action == actuators.Adopting || c.Action == actuators.Create && kind.HoldsData; !agreed {
			out = append(out, c)
		}
	}
	return out
}

// Pushed is what a push, or the start of a controller, does of a comparison: what Git changed and, of what only differs live, what that
// stands on. The rest is drift, of which people are told, and which heals where they said so. Notes say what is left.
func (r Result) Pushed(in Input) Result {
	left := map[schema.Instance]*Change{}
	for _, c := range r.Drifted(in) {
		left[c.Instance] = c
	}
	if keepGround(in.Want, r.Changes, left); len(left) == 0 {
		return r
	}
	out := Result{Refusals: r.Refusals, Notes: r.Notes[:len(r.Notes):len(r.Notes)]}
	var named []*Change
	for _, c := range r.Changes {
		switch entry := in.Inventory[c.Instance]; {
		case left[c.Instance] == nil:
			out.Changes = append(out.Changes, c)
			continue
		case !entry.Same(c.Entry): // where it is declared, or how drift is seen to: that is known at once
			recorded := *c.Entry
			recorded.AppliedAt, recorded.State = entry.AppliedAt, entry.State
			out.Changes = append(out.Changes, &Change{Instance: c.Instance, Pos: c.Pos, Want: c.Want, Hash: c.Hash, Have: c.Have, Entry: &recorded, Ground: c.Ground})
		}
		named = append(named, c)
	}
	out.say(named, `nobody declared that: it is left to "plumb heal %s"`)
	return out
}

// Told is the whole comparison, with notes on what of it a push would leave.
func (r Result) Told(in Input) Result {
	r.Notes = r.Notes[:len(r.Notes):len(r.Notes)]
	r.say(r.Drifted(in), `"plumb apply" and "plumb heal %s" bring that back, a push leaves it`)
	return r
}

// driftSaid is how much that drifted is named one by one.
const driftSaid = 10

// say notes what drifted, with the way out of it.
func (r *Result) say(drifted []*Change, exit string) {
	if len(drifted) == 0 {
		return
	}
	for n, c := range drifted {
		if n == driftSaid && len(drifted) > driftSaid+1 {
			r.Notes = append(r.Notes, Note{c.Instance, fmt.Sprintf("so do it and %d others", len(drifted)-n-1)})
			break
		}
		r.Notes = append(r.Notes, Note{c.Instance, differs(c) + "; " + fmt.Sprintf(exit, c.Instance)})
	}
	c := comparison{Result: *r}
	c.sort()
	*r = c.Result
}

// differs says how what is live is not as it was applied.
func differs(c *Change) string {
	if c.Have.Here == nil {
		return "it is gone"
	}
	return "it differs from what was applied: " + fields(c.Diff)
}

// keepGround takes out of what is to be left what the other changes stand on, also across what stays as it is.
func keepGround(g *schema.Graph, changes []*Change, left map[schema.Instance]*Change) {
	var next []schema.Instance
	for _, c := range changes {
		if len(c.Steps) > 0 && c.Want != nil && left[c.Instance] == nil {
			next = append(next, c.Instance)
		}
	}
	visited := map[schema.Instance]bool{}
	for len(left) > 0 && len(next) > 0 {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		node := g.Node(i)
		if node == nil || visited[i] {
			continue
		}
		visited[i] = true
		delete(left, i)
		next = append(next, node.After...)
		for _, need := range node.Needs {
			for _, place := range g.Providers(need.Fact) {
				next = append(next, g.Nodes[place].Instance)
			}
		}
	}
}
