package address

import (
	"fmt"

	"plumbline/actuators"
)

var imports = actuators.Import[Spec, State]{After: []string{"bridge", "vip"}, Renames: true, Spec: importOf}

func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c := l.State.Config
	s := Spec{Interface: c.Interface, Address: c.Address}
	vip, shared := found.Provider("addr", s.place().Address.Addr().String())
	bridge, bridged := found.Provider("dev", c.Interface)
	switch {
	case l.State.Status.Dynamic:
		return s, fmt.Errorf("it is given for a time only, by DHCP or a router")
	case c.Down:
		return s, fmt.Errorf("its interface %s is switched off", c.Interface)
	case shared && vip.Kind() == "vip":
		return s, fmt.Errorf("it is the virtual address of %s, which this host holds at present", vip)
	case bridged && !found.Into(bridge, nil):
		return s, fmt.Errorf("its interface %s is not declared", c.Interface)
	}
	return s, nil
}
