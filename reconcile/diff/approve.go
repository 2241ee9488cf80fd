package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Rules are what the life of removed and lost things goes by.
type Rules struct {
	Now time.Time
	// Keep is how long a thing that was set aside waits before people are reminded that it may be purged.
	Keep time.Duration
	// Purge lets approved purges into the plan. A plan that only heals or goes back has none.
	Purge bool
}

// suggested is for how long the lines that are printed count.
const suggested = 7 * 24 * time.Hour

// agreed judges whether people agreed to an effect on an object. When they did not, why says so, with the lines to write.
func (c *comparison) agreed(to schema.Agreement, id schema.ID, effect string) (pos schema.Pos, ok bool, why string) {
	if c.used == nil {
		c.used = map[schema.Agreement]map[schema.ID]bool{}
	}
	if c.used[to] == nil {
		c.used[to] = map[schema.ID]bool{}
	}
	c.used[to][id] = true
	line := c.Rules.Line(to, id, effect)
	a := c.Want.Approval(to, id)
	switch {
	case a == nil:
		return pos, false, "agree to it in Git with this line: " + line
	case a.Effect != effect:
		return a.Pos, false, fmt.Sprintf("%s approves another effect, %.19s…; what is to be done now is %s", a.Pos, a.Effect, line)
	case !c.Rules.Now.Before(a.Until):
		return a.Pos, false, fmt.Sprintf("its approval at %s ran out at the end of %s; renew it: %s", a.Pos, a.Until.AddDate(0, 0, -1).Format(time.DateOnly), line)
	}
	return a.Pos, true, ""
}

// Line is the CUE that agrees to an effect for some days from now on.
func (r Rules) Line(to schema.Agreement, id schema.ID, effect string) string {
	return schema.Approval{To: to, Object: id, Effect: effect, Until: r.Now.Add(suggested)}.Line()
}

// regain makes anew, or marks again, what held data and is gone or lost its mark, where people agreed to exactly that. What they
// agree to is an effect on the thing as it was last applied: an approval does not count a second time.
func (c *comparison) regain() {
	objects := map[schema.ID][]int{}
	for n, r := range c.Refusals {
		if r.to != "" {
			objects[r.Instance.ID] = append(objects[r.Instance.ID], n)
		}
	}
	drop := map[int]bool{}
	for _, id := range sortedIDs(objects) {
		if at := objects[id]; c.regained(id, at) {
			for _, n := range at {
				drop[n] = true
			}
		}
	}
	kept := c.Refusals[:0:0]
	for n, r := range c.Refusals {
		if !drop[n] {
			kept = append(kept, r)
		}
	}
	c.Refusals = kept
}

// regained plans what brings an object back, all of its instances or none. The refusals of those are at these places.
func (c *comparison) regained(id schema.ID, at []int) bool {
	kind, _ := c.Kinds.Kind(id.Kind())
	seen := c.seen(id)
	var changes []*Change
	sum := newDigest()
	to := c.Refusals[at[0]].to
	for _, n := range at {
		r := &c.Refusals[n]
		node, entry := c.Want.Node(r.Instance), c.Inventory[r.Instance]
		have, _, _ := seen.have(kind, r.Instance.Host, c.Installation, true)
		have.Owned = false
		d := actuators.Diff{Action: actuators.Adopting}
		var err error
		if r.to == schema.ToRecreate {
			d, err = kind.Diff(node.Spec, have)
		}
		change := c.change(kind, node, d, have, entry)
		if err == nil {
			change.Steps, err = kind.Steps(c.subject(r.Instance, node.Hash), d, node.Spec, have)
		}
		if err != nil || len(change.Steps) == 0 || r.to != to {
			return false
		}
		changes = append(changes, change)
		sum.add(string(r.to), entry.AppliedAt.UTC().Format(time.RFC3339Nano))
		sum.steps(change.Steps)
	}
	pos, ok, why := c.agreed(to, id, sum.text())
	if ok {
		for _, change := range changes {
			change.Approved = pos
		}
		c.Changes = append(c.Changes, changes...)
		return true
	}
	for _, n := range at {
		c.Refusals[n].Text += "; " + why
	}
	return false
}

// Digest covers what steps do to what, in order: "sha256:…".
func Digest(steps []actuators.Step) string {
	sum := newDigest()
	sum.steps(steps)
	return sum.text()
}

type digest struct{ bytes []byte }

func newDigest() *digest { return &digest{} }

func (d *digest) add(parts ...string) {
	for _, part := range parts {
		d.bytes = append(append(d.bytes, part...), 0)
	}
}

func (d *digest) steps(steps []actuators.Step) {
	for i := range steps {
		d.bytes = AppendEffect(d.bytes, &steps[i])
	}
}

func (d *digest) text() string {
	sum := sha256.Sum256(d.bytes)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// AppendEffect appends the values of a step, each ended by a zero byte: never commit, time or approvals.
func AppendEffect(text []byte, s *actuators.Step) []byte {
	for _, part := range [...]string{s.Instance.String(), s.Host, s.Op, strconv.Itoa(s.Version)} {
		text = append(append(text, part...), 0)
	}
	return append(append(text, s.Params...), 0)
}

// sortedIDs are the keys of a map by object.
func sortedIDs[T any](m map[schema.ID]T) []schema.ID {
	ids := make([]schema.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
