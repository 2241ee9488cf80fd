package vm

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

// retiredName is the name of a domain that was set aside.
var retiredName = regexp.MustCompile(`\.plumb-retired-[0-9]+$`)

// observe reads all domains of the host, foreign and retired ones included.
func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	domains, err := c.Domains(ctx)
	if err != nil {
		return nil, err
	}
	var found []actuators.Live[State]
	for _, d := range domains {
		if !mayBe(d, sc) {
			continue
		}
		live, err := identify(d)
		if err != nil {
			return nil, err
		}
		if sc.All || slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == live.ID }) {
			found = append(found, live)
		}
	}
	return found, nil
}

// mayBe tells from name and text alone whether a domain can belong to the scope: taking texts apart costs three times as
// much as reading them, and after each step the engine looks at one VM among all.
func mayBe(d virt.Domain, sc actuators.Scope) bool {
	return sc.All || slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool {
		return t.ID.Name() == d.Name || strings.Contains(d.XML, string(t.ID))
	})
}

func identify(d virt.Domain) (actuators.Live[State], error) {
	l, x, err := read(d)
	live := actuators.Live[State]{ID: schema.MakeID("vm", d.Name), State: l}
	if err != nil {
		return live, err
	}
	if x.Metadata != nil {
		live.Mark, live.State.Config.Stop = readMark(x.Metadata.XML, d.UUID)
	}
	if live.Mark != nil {
		live.ID, live.Retired = live.Mark.ID, retiredName.MatchString(d.Name)
	}
	return live, nil
}

func watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	return virt.Watch(ctx, h, func(hint virt.Hint) {
		event := actuators.Event{Time: h.Now(), Text: hint.Text, Standing: hint.Standing}
		if hint.Domain != "" {
			event.ID = schema.MakeID("vm", retiredName.ReplaceAllString(hint.Domain, ""))
		}
		emit(event)
	})
}
