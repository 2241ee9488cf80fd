package balancer

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
)

var imports = actuators.Import[Spec, State]{Spec: importOf}

// importOf says what a balancer of ours became. One that nobody declared does not tell the network of its backends.
func importOf(l actuators.Live[State], _ actuators.Found) (Spec, error) {
	c := l.State.Config
	service := parts(c.Service)
	s := Spec{Public: service[0], Proto: service[2], By: c.By, Masquerade: c.Masquerade, Backends: []Backend{}}
	for _, wrong := range [][]string{c.Broken, c.Stray, c.Forwarding, c.Strange} {
		if len(wrong) > 0 {
			return s, fmt.Errorf("it does not work as declared ones do: %s", strings.Join(wrong, ", "))
		}
	}
	for _, text := range c.Backends {
		endpoint, err := netip.ParseAddrPort(text)
		if err != nil {
			return s, fmt.Errorf("the backend %q cannot be read", text)
		}
		s.Backends = append(s.Backends, Backend{endpoint.Addr().String(), int(endpoint.Port())})
	}
	var err error
	switch s.Port, err = strconv.Atoi(service[1]); {
	case err != nil || len(s.Backends) == 0:
		return s, fmt.Errorf("it serves %s with %d backends, which no declaration says", c.Service, len(s.Backends))
	case !slices.Contains([]string{"chance", bySource}, s.By):
		return s, fmt.Errorf("it chooses by %s, which no declaration says", s.By)
	case l.Mark == nil:
		return s, errors.New(`the network of its backends cannot be told: declare it by hand, with manage: "adopt"`)
	}
	return s, nil
}
