package firewall

import (
	"context"
	"fmt"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{Spans: true, Spec: importOf}

// importOf says a chain of our table that bears no mark: somebody put it there in our form.
func importOf(l actuators.Live[State], _ actuators.Found) (Spec, error) {
	c := l.State.Config
	switch {
	case l.State.Status.Elsewhere != "":
		return Spec{}, fmt.Errorf("%s", l.State.Status.Elsewhere)
	case len(c.Altered)+len(c.Strange) > 0:
		return Spec{}, fmt.Errorf("it holds more or else than a declaration says: %s", strings.Join(append(c.Altered, c.Strange...), ", "))
	}
	return Spec{On: c.On, Interfaces: c.Interfaces, Default: c.Default, Deny: c.Deny, Allow: c.Allow}, nil
}

// others tells of chains in other tables that filter.
func others(ctx context.Context, h actuators.Host) ([]actuators.Live[State], error) {
	chains, err := nft.Others(ctx, h, false)
	var out []actuators.Live[State]
	for _, c := range chains {
		out = append(out, actuators.Live[State]{ID: schema.MakeID("firewall", c.Name()), State: State{Status: Status{Elsewhere: c.Reason()}}})
	}
	return out, err
}
