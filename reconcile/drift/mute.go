package drift

import (
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

func (e *Engine) rules() []schema.Ignore {
	if e.Ignore == nil {
		return nil
	}
	return e.Ignore()
}

// managed is a finding without what rules of the repository leave to others.
func (e *Engine) managed(entry *inventory.Entry, f diff.Finding) diff.Finding {
	if f.Class != diff.Changed && f.Class != diff.Gone {
		return f
	}
	d, names := diff.Managed(e.rules(), e.Now(), entry.Instance, f.Diff)
	if len(names) > 0 && len(d.Changes) == 0 && (f.Class == diff.Changed || d.Action != f.Diff.Action) {
		return diff.Finding{Class: diff.Clean}
	}
	f.Diff = d
	return f
}

// leftToOthers ends an incident that a rule says is not ours; false when no rule does.
func (e *Engine) leftToOthers(i *Incident) bool {
	for _, rule := range e.rules() {
		if rule.Mode == schema.Unmanage && rule.Active(e.Now()) && rule.About(i.Instance) && e.covers(&rule, i) {
			e.resolve(i, ByIgnored)
			return true
		}
	}
	return false
}

func (e *Engine) covers(rule *schema.Ignore, i *Incident) bool {
	if rule.Whole() {
		return true
	}
	return i.Class == diff.Changed && slices.ContainsFunc(i.Changes, func(c actuators.Change) bool { return rule.Field(c.Path) })
}

// muted is the rule that has an incident told to nobody: it covers the whole object, or all fields that differ; "" is none.
func (e *Engine) muted(i *Incident) string {
	now := e.Now()
	name := ""
	rules := slices.DeleteFunc(slices.Clone(e.rules()), func(rule schema.Ignore) bool {
		return rule.Mode != schema.Mute || !rule.Active(now) || !rule.About(i.Instance)
	})
	for n := range rules {
		if rules[n].Whole() {
			return rules[n].Name
		}
	}
	if i.Class != diff.Changed {
		return ""
	}
	for _, c := range i.Changes {
		n := slices.IndexFunc(rules, func(rule schema.Ignore) bool { return rule.Field(c.Path) })
		if n < 0 {
			return ""
		}
		name = rules[n].Name
	}
	return name
}

// hush takes in that a rule covers an incident now, or does so no more. One that was told is told as over when a rule covers it,
// and fires again when the rule ended.
func (e *Engine) hush(i *Incident) {
	if !i.Open() || i.Group != "" || e.pending[i.Instance] != nil {
		return
	}
	was := i.Muted
	rule := e.muted(i)
	switch {
	case was == rule:
		return
	case was == "" && i.Sent > 0:
		i.ResolvedAt, i.ResolvedBy = e.Now(), ByIgnored
		e.closed(i)
		i.ResolvedBy = ""
	}
	if i.Muted = rule; rule == "" {
		e.open(i)
	}
	e.rememberIncident(i)
}
