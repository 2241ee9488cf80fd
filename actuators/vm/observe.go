package vm

import (
	"context"
	"regexp"

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
	wanted := map[schema.ID]bool{}
	for _, target := range sc.Targets {
		wanted[target.ID] = true
	}
	var found []actuators.Live[State]
	for _, d := range domains {
		live, err := identify(d)
		if err != nil {
			return nil, err
		}
		if sc.All || wanted[live.ID] {
			found = append(found, live)
		}
	}
	return found, nil
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
		event := actuators.Event{Time: h.Now(), Text: hint.Text}
		if hint.Domain != "" {
			event.ID = schema.MakeID("vm", retiredName.ReplaceAllString(hint.Domain, ""))
		}
		emit(event)
	})
}
