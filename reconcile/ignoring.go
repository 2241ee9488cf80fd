package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline/reconcile/adopt"
	"plumbline/schema"
)

// IgnoreRule is a rule about drift that is to be written.
type IgnoreRule struct {
	Mode   schema.IgnoreMode
	Reason string
	Owner  string
	Until  time.Time // its last day; zero: it is permanent
}

// Ignore writes a rule about an object, or a field of it, into the topology of a commit, beside the object. It is tried before it is
// given: the topology is valid with it, and the rule covers what was named.
func (c *Controller) Ignore(ctx context.Context, commit, name string, rule IgnoreRule) (*Rewriting, error) {
	t, err := c.tryOn(ctx, commit)
	if err != nil {
		return nil, err
	}
	n, err := adopt.Parse(t.graph, name)
	if err != nil {
		return nil, err
	}
	match := n.ID.On(n.Host).String()
	if n.Path != "" {
		match += "/" + n.Path
	}
	fields := map[string]any{"match": match, "mode": rule.Mode, "reason": rule.Reason, "owner": rule.Owner, "permanent": true}
	if !rule.Until.IsZero() {
		delete(fields, "permanent")
		fields["expires"] = rule.Until.Format(time.DateOnly)
	}
	for _, old := range t.graph.Ignores {
		if old.Name == match || old.Match == match {
			return nil, fmt.Errorf("%s: there is a rule about %s already; renew that one", old.Pos, match)
		}
	}
	value, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	object := t.graph.Object(n.ID)
	out := &Rewriting{Commit: commit, Said: []Said{}}
	edit := schema.Edit{ID: schema.MakeID("ignore", match), Value: value, File: object.Pos.File, Near: n.ID}
	return out, t.write(ctx, out, []schema.Edit{edit}, func(now *trial) error { return now.ignored(match, n) })
}

// ignored tells why a rule does not do what it is for.
func (t *trial) ignored(match string, name adopt.Name) error {
	for _, w := range t.graph.Warnings {
		if w.Object == schema.MakeID("ignore", match) {
			return errors.New(w.String())
		}
	}
	for i := range t.graph.Ignores {
		rule := &t.graph.Ignores[i]
		if rule.Name != match {
			continue
		}
		for _, n := range t.nodes(name) {
			if !rule.About(n.Instance) || name.Path != "" && !rule.Field(name.Path) {
				return fmt.Errorf("internal error: the rule %q is not about %s", match, n.Instance)
			}
		}
		return nil
	}
	return fmt.Errorf("internal error: the rule %q does not count", match)
}
