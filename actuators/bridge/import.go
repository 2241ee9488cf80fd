package bridge

import (
	"context"
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

var imports = actuators.Import[Spec, State]{Renames: true, Spans: true, Spec: importOf}

// importOf leaves the MTU out, which follows the ports, unless it is declared: then a look tells it.
func importOf(l actuators.Live[State], _ actuators.Found) (Spec, error) {
	c := l.State.Config
	s := Spec{Interface: c.Interface, Ports: append([]string{}, c.Ports...), MTU: c.MTU}
	switch {
	case l.State.Status.Of != "":
		return s, fmt.Errorf("libvirt makes it for its network %s", l.State.Status.Of)
	case len(c.Down) > 0:
		return s, fmt.Errorf("%s is switched off, and a declared bridge and its ports are on", strings.Join(c.Down, ", "))
	}
	if c.Interface == l.ID.Name() {
		s.Interface = ""
	}
	return s, nil
}

// tellNetworks notes which bridges are libvirt's own.
func tellNetworks(ctx context.Context, h actuators.Host, lives []actuators.Live[State]) error {
	if virt.Absent(h) {
		return nil
	}
	c, err := virt.Open(ctx, h)
	if err != nil {
		return err
	}
	defer c.Close()
	networks, err := c.Networks(ctx)
	if err != nil {
		return err
	}
	of := map[string]string{}
	for _, n := range networks {
		var x libvirtxml.Network
		if x.Unmarshal(n.XML) == nil && x.Bridge != nil && (x.Forward == nil || x.Forward.Mode != "bridge") {
			of[x.Bridge.Name] = n.Name
		}
	}
	for i := range lives {
		lives[i].State.Status.Of = of[lives[i].State.Config.Interface]
	}
	return nil
}
