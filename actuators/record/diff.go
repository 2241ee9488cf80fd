package record

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
)

// maxHold bounds how long a plan waits for caches. Who lives with longer TTLs lowers them in an earlier commit.
const maxHold = time.Hour

func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	d := actuators.Diff{}
	switch {
	case want == nil && have.Here != nil:
		d.Action = actuators.Retire
	case want == nil:
	case have.Here != nil && !have.Owned:
		d.Action = actuators.Adopting
	case have.Here == nil:
		d.Action = actuators.Create
		compare(&d, want, Config{})
	default:
		compare(&d, want, have.Here.Config)
	}
	return d.Settle()
}

func compare(d *actuators.Diff, want *Spec, have Config) {
	d.Field("a", some(have.A), some(want.A), "")
	d.Field("aaaa", some(have.AAAA), some(want.AAAA), "")
	d.Field("cname", some([]string{have.CNAME}), some([]string{want.CNAME}), "")
	d.Field("txt", some(have.TXT), some(want.TXT), "")
	switch {
	case have.TTLs != nil:
		d.Field("ttl", have.TTLs, want.TTL, "")
	case have.TTL != want.TTL:
		d.Field("ttl", have.TTL, want.TTL, "")
	}
}

// some is a list as a change shows it: nil when it holds nothing, one value alone.
func some(list []string) any {
	switch {
	case len(list) == 0 || len(list) == 1 && list[0] == "":
		return nil
	case len(list) == 1:
		return list[0]
	}
	return list
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	name := plain(sub.Instance.ID.Name())
	switch d.Action {
	case actuators.Create, actuators.Update:
		return setSteps(sub, name, want, have)
	case actuators.Adopting:
		p := params{Mark: sub.Mark, Server: want.Resolved.Server, Name: name, After: []dns.RRset{markSet(name, sub.Mark, have.Here.Status.Types)}}
		return []actuators.Step{actuators.NewStep("adopt", p, "mark "+name)}, nil
	case actuators.Retire:
		return removeSteps(sub, name, want, have)
	}
	return nil, nil
}

func setSteps(sub actuators.Subject, name string, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	after := want.sets(name)
	declared := typesOf(after)
	p := params{Mark: sub.Mark, Server: want.Resolved.Server, Name: name, After: after}
	var hold time.Duration
	if have.Here != nil {
		if err := mayWrite(name, declared, typesOf(have.Here.Status.Others)); err != nil {
			return nil, err
		}
		for _, typ := range have.Here.Status.Types {
			if !slices.Contains(declared, typ) {
				p.After = append(p.After, dns.RRset{Name: name, Type: typ})
			}
		}
		hold = holdOf(have.Here.Config)
	}
	p.After = append(p.After, markSet(name, sub.Mark, declared))
	step := actuators.NewStep("set", p, "set "+summary(after))
	step.Hold = hold
	return []actuators.Step{step}, nil
}

// mayWrite refuses a type that somebody else made, and a CNAME beside anything: servers would drop it without a word (RFC
// 2136, section 3.4.2.2).
func mayWrite(name string, declared, others []string) error {
	for _, typ := range others {
		if slices.Contains(declared, typ) {
			return actuators.Foreign(typ + " records of " + name)
		}
		if slices.Contains(declared, "CNAME") || typ == "CNAME" {
			return fmt.Errorf("%w: %s has %s records that are not ours, and a CNAME record stands alone", actuators.ErrRefused, name, typ)
		}
	}
	return nil
}

// removeSteps takes our types away. Where is told by the spec last applied, which the live state repeats.
func removeSteps(sub actuators.Subject, name string, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark, Server: have.Here.Status.Server, Name: name, Stays: have.Here.Status.Others}
	for _, typ := range have.Here.Status.Types {
		p.After = append(p.After, dns.RRset{Name: name, Type: typ})
	}
	p.After = append(p.After, dns.RRset{Name: markLabel + name, Type: "TXT"})
	step := actuators.NewStep("remove", p, "remove "+strings.Join(have.Here.Status.Types, ", "))
	step.Hold = holdOf(have.Here.Config)
	return []actuators.Step{step}, nil
}

// holdOf is how long caches may still answer what was there.
func holdOf(c Config) time.Duration {
	ttl := c.TTL
	for _, one := range c.TTLs {
		ttl = max(ttl, one)
	}
	return min(time.Duration(ttl)*time.Second, maxHold)
}

func typesOf(sets []dns.RRset) []string {
	var out []string
	for _, set := range sets {
		out = append(out, set.Type)
	}
	return out
}

func summary(sets []dns.RRset) string {
	var parts []string
	for _, set := range sets {
		parts = append(parts, set.Type+" "+strings.Join(set.Data, " "))
	}
	return strings.Join(parts, ", ")
}
