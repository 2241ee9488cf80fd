package vm

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

// retiredName is the name of a domain that was set aside.
var retiredName = regexp.MustCompile(`\.plumb-retired-[0-9]+$`)

// retiredAt is when a domain of such a name was set aside.
func retiredAt(name string) time.Time {
	seconds, err := strconv.ParseInt(name[strings.LastIndexByte(name, '-')+1:], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// observe reads all domains of the host, foreign and retired ones included.
func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	if sc.Discover && virt.Absent(h) {
		return nil, nil
	}
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	domains, err := c.Domains(ctx, func(d virt.Domain) bool { return mayBe(d, sc) })
	if err != nil {
		return nil, err
	}
	var found []actuators.Live[State]
	var theirs []virt.Domain
	for _, d := range domains {
		live, err := identify(d)
		if err != nil {
			return nil, err
		}
		if sc.All || slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == live.ID }) {
			found, theirs = append(found, live), append(theirs, d)
		}
	}
	return found, tellCuts(ctx, c, theirs, found)
}

// mayBe tells from name and text alone whether a domain can belong to the scope: taking texts apart costs three times as
// much as reading them, and after each step the engine looks at one VM among all.
func mayBe(d virt.Domain, sc actuators.Scope) bool {
	return sc.All || slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool {
		return t.ID.Name() == d.Name || strings.Contains(d.XML, string(t.ID))
	})
}

func identify(d virt.Domain) (actuators.Live[State], error) {
	p, err := takeApart(d)
	live := actuators.Live[State]{ID: schema.MakeID("vm", d.Name), Mark: p.mark, State: asItIs(p.state, d)}
	if live.Mark != nil {
		live.ID, live.Retired = live.Mark.ID, retiredName.MatchString(d.Name)
		if live.Retired {
			live.Aside = actuators.Aside{Name: d.Name, Since: retiredAt(d.Name)}
		}
	}
	return live, err
}

// takeApart gives what a domain's texts say, which nobody may change.
func takeApart(d virt.Domain) (parts, error) {
	return virt.Parts(d, func() (parts, error) { return read(d) })
}

func watchDomains(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	return virt.Watch(ctx, h, func(hint virt.Hint) {
		event := actuators.Event{Time: h.Now(), Text: hint.Text, Standing: hint.Standing}
		if hint.Domain != "" {
			event.ID = schema.MakeID("vm", retiredName.ReplaceAllString(hint.Domain, ""))
		}
		emit(event)
	})
}
