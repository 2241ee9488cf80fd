package crash

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/testenv/sim"
)

// planned compares a topology with all that a world shows, as the controller does.
func planned(t testing.TB, w *sim.World, store *journal.Store, want *schema.Graph, id string, atomic bool) *plan.Plan {
	t.Helper()
	inv, err := store.Inventory()
	must(t, err)
	type place struct{ host, kind string }
	targets := map[place][]actuators.Target{}
	for _, n := range want.Nodes {
		at := place{n.Host, n.ID.Kind()}
		targets[at] = append(targets[at], actuators.Target{ID: n.ID, Spec: n.Spec})
	}
	for i, entry := range inv {
		if want.Node(i) == nil {
			at := place{i.Host, i.ID.Kind()}
			targets[at] = append(targets[at], entry.Target())
		}
	}
	seen := diff.NewWorld()
	for at, list := range targets {
		host, err := w.Dial(context.Background(), at.host, "")
		must(t, err)
		found, err := host.Observe(context.Background(), at.kind, actuators.Scope{All: true, Targets: list})
		must(t, err)
		seen.Add(&diff.Look{Host: at.host, Kind: at.kind, All: true, Found: found, At: began})
	}
	result := diff.Compute(diff.Input{
		Want: want, World: seen, Inventory: inv, Kinds: all.Registry(), Installation: store.Installation(), Limits: diff.Limits{Destroys: 1000},
	})
	p, err := plan.Make(plan.Input{ID: id, CreatedAt: began, Want: want, Inventory: inv, Diff: result, Atomic: atomic})
	must(t, err)
	return p
}

// thing is what is there of an instance, and what was set aside.
type thing struct {
	here, retired *actuators.Observed
}

// picture is all things of a world.
type picture map[schema.Instance]thing

// plain is a picture as JSON takes it, with the text of everything.
func (p picture) plain() map[string][2]*actuators.Observed {
	out := map[string][2]*actuators.Observed{}
	for i, th := range p {
		out[i.String()] = [2]*actuators.Observed{th.here, th.retired}
	}
	return out
}

// see looks at everything on the hosts of a plan.
func see(t testing.TB, w *sim.World, p *plan.Plan) picture {
	t.Helper()
	out := picture{}
	for _, name := range hostsOf(p) {
		host, err := w.Dial(context.Background(), name, "")
		must(t, err)
		for _, kind := range all.Registry().Names() {
			if k, _ := all.Registry().Kind(kind); !k.Changes() {
				continue
			}
			found, err := host.Observe(context.Background(), kind, actuators.Scope{All: true})
			must(t, err)
			for n := range found {
				i := found[n].ID.On(name)
				th := out[i]
				if found[n].Retired {
					th.retired = &found[n]
				} else {
					th.here = &found[n]
				}
				out[i] = th
			}
		}
	}
	return out
}

func hostsOf(p *plan.Plan) (names []string) {
	for _, s := range p.Steps {
		names = append(names, s.Host)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// differs tells how a thing is not as in another picture; "" when it is.
func (th thing) differs(other thing) string {
	for _, pair := range []struct {
		what string
		a, b *actuators.Observed
	}{{"", th.here, other.here}, {"what was set aside: ", th.retired, other.retired}} {
		switch {
		case pair.a == nil && pair.b == nil:
		case pair.a == nil:
			return pair.what + "it is not there"
		case pair.b == nil:
			return pair.what + "it is there"
		default:
			if ok, why := actuators.SameConfig(pair.b.State, pair.a.State); !ok {
				return pair.what + why
			}
			if a, b := fmt.Sprint(pair.a.Mark), fmt.Sprint(pair.b.Mark); a != b {
				return pair.what + "its mark is " + a + ", not " + b
			}
		}
	}
	return ""
}
