package network

import (
	"fmt"

	"plumbline/actuators"
)

var imports = actuators.Import[Spec, State]{After: []string{"bridge"}, Spans: true, Spec: importOf}

// importOf leaves the addresses out: libvirt does not know them, and nobody compares them.
func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c := l.State.Config
	bridge, ok := found.Provider("dev", c.Bridge)
	switch {
	case c.Mode != mode:
		return Spec{}, fmt.Errorf("%s", modeText(c.Mode))
	case !c.Active || !c.Autostart:
		return Spec{}, fmt.Errorf("it is not both active and started with its host, as a declared network is: say virsh net-start and virsh net-autostart, or do without it")
	case !ok || !found.Into(bridge, nil):
		return Spec{}, fmt.Errorf("its bridge %s is not declared", c.Bridge)
	}
	return Spec{Bridge: bridge.Name()}, nil
}

func modeText(have string) string {
	if have == "" {
		return "it is isolated, and only networks that name a bridge of the host are managed"
	}
	return fmt.Sprintf("libvirt forwards it in mode %q, and only networks that name a bridge of the host are managed", have)
}
