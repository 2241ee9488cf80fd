package nat

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	var d actuators.Diff
	switch {
	case want == nil && have.Here == nil:
		return d
	case want == nil:
		return actuators.Diff{Action: actuators.Retire}
	case have.Here != nil && !have.Owned:
		return actuators.Diff{Action: actuators.Adopting}
	case have.Here == nil:
		d.Action = actuators.Create
		have.Here = &State{}
	}
	wanted, live := stateOf(want.elements(), nil).Config, have.Here.Config
	from, to := forwards(live), forwards(wanted)
	for _, service := range union(from, to) {
		d.Field("ports."+service, orNil(from[service]), orNil(to[service]), actuators.EffectLive)
	}
	d.Field("masquerade", live.Masquerade, wanted.Masquerade, actuators.EffectLive)
	d.Field("broken", live.Broken, wanted.Broken, actuators.EffectLive)
	d.Field("forwarding", live.Forwarding, wanted.Forwarding, actuators.EffectLive)
	d.Field("strange", live.Strange, wanted.Strange, actuators.EffectNever)
	return d.Settle()
}

// forwards is service → target.
func forwards(c Config) map[string]string {
	m := map[string]string{}
	for _, line := range c.Forwards {
		service, target, _ := strings.Cut(line, arrow)
		m[service] = target
	}
	return m
}

func union(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	claim := nft.Claim{Mark: sub.Mark}
	if want != nil {
		claim.Want = want.elements()
	}
	switch d.Action {
	case actuators.None:
		return nil, nil
	case actuators.Create:
		return one("add", claim, "publish "+summary(*want)), nil
	case actuators.Adopting:
		if rules := have.Here.Status.Rules; len(rules) > 0 { // of somebody else's table, where no mark of ours goes
			return one("add", claim, fmt.Sprintf("publish %s as well as %s does, which can be deleted then", summary(*want), strings.Join(rules, " and "))), nil
		}
		claim.Adopt, claim.Want = true, have.Here.Config.elements()
		return one("adopt", claim, "take over "+strings.Join(have.Here.Config.Forwards, ", ")), nil
	case actuators.Update:
		return changes(claim, *want, have.Here.Config)
	case actuators.Retire:
		return one("remove", claim, fmt.Sprintf("stop forwarding %s", strings.Join(have.Here.Config.Forwards, ", "))), nil
	}
	return nil, fmt.Errorf("%w: nat cannot %s", actuators.ErrRefused, d.Action)
}

// changes mend the host's forwarding and then what of the object's own is not as it should be.
func changes(claim nft.Claim, want Spec, live Config) ([]actuators.Step, error) {
	var out []actuators.Step
	if len(live.Forwarding) > 0 {
		out = append(out, nft.UnblockStep(claim.Mark, live.Forwarding))
	}
	own := live
	own.Forwarding, own.Strange = nil, nil
	switch whole := reflect.DeepEqual(own, stateOf(want.elements(), nil).Config); {
	case !whole:
		out = append(out, actuators.NewStep("replace", claim, "publish "+summary(want)))
	case len(out) == 0:
		return nil, nft.Strange(live.Strange)
	}
	return out, nil
}

func one(op string, params any, summary string) []actuators.Step {
	return []actuators.Step{actuators.NewStep(op, params, summary)}
}

func summary(s Spec) string { return strings.Join(stateOf(s.elements(), nil).Config.Forwards, ", ") }
