package diff

import (
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Managed is a difference without the fields that rules of the repository leave to others, and the names of these rules. A whole
// object that is left to others differs in nothing.
func Managed(rules []schema.Ignore, now time.Time, i schema.Instance, d actuators.Diff) (actuators.Diff, []string) {
	var names []string
	if d.Action == actuators.None {
		return d, nil
	}
	for n := range rules {
		rule := &rules[n]
		if rule.Mode != schema.Unmanage || !rule.Active(now) || !rule.About(i) {
			continue
		}
		if rule.Whole() {
			return actuators.Diff{Notes: d.Notes}, []string{rule.Name}
		}
		kept := slices.DeleteFunc(slices.Clone(d.Changes), func(c actuators.Change) bool { return rule.Field(c.Path) })
		if len(kept) < len(d.Changes) {
			d.Changes, names = kept, append(names, rule.Name)
		}
	}
	if len(names) > 0 && len(d.Changes) == 0 && d.Action == actuators.Update {
		d.Action = actuators.None
	}
	return d, names
}

// left says which fields are left to others.
func left(all actuators.Diff, names []string) string {
	return "left as it is by the rule " + strings.Join(names, " and ") + " of the repository: " + fields(all)
}

// leaves is what decides, of all rules, how an object is compared.
func leaves(rules []schema.Ignore, now time.Time) string {
	var out []string
	for n := range rules {
		if rules[n].Mode == schema.Unmanage && rules[n].Active(now) {
			out = append(out, rules[n].Name+"\x00"+rules[n].Match)
		}
	}
	return strings.Join(out, "\x00\x00")
}
