package nat

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{Renames: true, Spec: importOf}

// importOf says elements of our table that bear no mark: they were put there by hand in our form.
func importOf(l actuators.Live[State], _ actuators.Found) (Spec, error) {
	c := l.State.Config
	var s Spec
	if elsewhere := l.State.Status.Elsewhere; elsewhere != "" {
		return s, fmt.Errorf("%s", elsewhere)
	}
	for _, wrong := range [][]string{c.Broken, c.Forwarding, c.Strange} {
		if len(wrong) > 0 {
			return s, fmt.Errorf("it does not work as declared ones do: %s", strings.Join(wrong, ", "))
		}
	}
	for _, line := range c.Forwards {
		if err := s.add(line); err != nil {
			return s, err
		}
	}
	s.Masquerade = len(c.Masquerade) > 0
	if n := len(c.Masquerade); len(s.Ports) == 0 || n != 0 && n != len(s.Ports) {
		return s, fmt.Errorf("it forwards %v and masquerades %v, which no declaration says", c.Forwards, c.Masquerade)
	}
	return s, nil
}

// add takes in one line of Config.Forwards.
func (s *Spec) add(line string) error {
	service, target, _ := strings.Cut(line, arrow)
	endpoint, proto, _ := strings.Cut(service, "/")
	public, err1 := netip.ParseAddrPort(endpoint)
	to, err2 := netip.ParseAddrPort(target)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%q cannot be read", line)
	}
	if len(s.Ports) > 0 && (s.Public != public.Addr().String() || s.To != to.Addr().String()) {
		return fmt.Errorf("it forwards between several addresses")
	}
	s.Public, s.To = public.Addr().String(), to.Addr().String()
	s.Ports = append(s.Ports, Port{Public: int(public.Port()), To: int(to.Port()), Proto: proto})
	return nil
}

// others tells of chains in other tables that change addresses.
func others(ctx context.Context, h actuators.Host) ([]actuators.Live[State], error) {
	chains, err := nft.Others(ctx, h, true)
	var out []actuators.Live[State]
	for _, c := range chains {
		out = append(out, actuators.Live[State]{ID: schema.MakeID("nat", c.Name()), State: State{Status: Status{Elsewhere: c.Reason()}}})
	}
	return out, err
}
