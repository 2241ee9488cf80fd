package virt

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators"
)

// Network is one virtual network as libvirt tells it.
type Network struct {
	Name      string
	UUID      string
	Active    bool
	Autostart bool
	XML       string // of the definition, with its metadata
}

// Networks lists all networks, active or not, sorted by name. One that vanishes while it is read is absent.
func (c *Conn) Networks(ctx context.Context) ([]Network, error) {
	var nets []libvirt.Network
	err := c.call(ctx, "list networks", func() (err error) {
		nets, _, err = c.rpc.ConnectListAllNetworks(1, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	found := make([]Network, 0, len(nets))
	for _, net := range nets {
		n, err := c.readNetwork(ctx, net)
		if errors.Is(err, actuators.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	slices.SortFunc(found, func(a, b Network) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// Network reads one network by name, or fails with ErrNotFound.
func (c *Conn) Network(ctx context.Context, name string) (Network, error) {
	net, err := c.findNetwork(ctx, name)
	if err != nil {
		return Network{}, err
	}
	return c.readNetwork(ctx, net)
}

// NetworkDefine stores a network after checking the text against libvirt's schema.
func (c *Conn) NetworkDefine(ctx context.Context, xml string) error {
	return c.stored(ctx, "define network", networks, func() error {
		_, err := c.rpc.NetworkDefineXMLFlags(xml, uint32(libvirt.NetworkDefineValidate))
		return err
	})
}

// NetworkCreate starts a defined network.
func (c *Conn) NetworkCreate(ctx context.Context, name string) error {
	return c.onNetwork(ctx, "start network", name, func(net libvirt.Network) error { return c.rpc.NetworkCreate(net) })
}

// NetworkDestroy stops an active network. Guests that use it keep running without it.
func (c *Conn) NetworkDestroy(ctx context.Context, name string) error {
	return c.onNetwork(ctx, "stop network", name, func(net libvirt.Network) error { return c.rpc.NetworkDestroy(net) })
}

// NetworkUndefine forgets a network.
func (c *Conn) NetworkUndefine(ctx context.Context, name string) error {
	return c.onNetworkStored(ctx, "undefine network", name, networks, func(net libvirt.Network) error { return c.rpc.NetworkUndefine(net) })
}

// NetworkSetAutostart says whether libvirtd starts the network when it starts itself.
func (c *Conn) NetworkSetAutostart(ctx context.Context, name string, on bool) error {
	return c.onNetworkStored(ctx, "set autostart of network", name, startedNetworks, func(net libvirt.Network) error {
		return c.rpc.NetworkSetAutostart(net, number(on))
	})
}

func (c *Conn) onNetwork(ctx context.Context, what, name string, f func(libvirt.Network) error) error {
	net, err := c.findNetwork(ctx, name)
	if err != nil {
		return err
	}
	return c.call(ctx, what+" "+name, func() error { return f(net) })
}

func (c *Conn) onNetworkStored(ctx context.Context, what, name, dir string, f func(libvirt.Network) error) error {
	net, err := c.findNetwork(ctx, name)
	if err != nil {
		return err
	}
	return c.stored(ctx, what+" "+name, dir, func() error { return f(net) })
}

func (c *Conn) findNetwork(ctx context.Context, name string) (net libvirt.Network, err error) {
	err = c.call(ctx, "find network "+name, func() error {
		net, err = c.rpc.NetworkLookupByName(name)
		return err
	})
	return net, err
}

func (c *Conn) readNetwork(ctx context.Context, net libvirt.Network) (Network, error) {
	n := Network{Name: net.Name, UUID: FormatUUID(net.UUID)}
	err := c.call(ctx, "read network "+net.Name, func() error {
		active, err := c.rpc.NetworkIsActive(net)
		if err != nil {
			return err
		}
		autostart, err := c.rpc.NetworkGetAutostart(net)
		if err != nil {
			return err
		}
		n.Active, n.Autostart = active != 0, autostart != 0
		n.XML, err = c.rpc.NetworkGetXMLDesc(net, uint32(libvirt.NetworkXMLInactive))
		return err
	})
	return n, err
}
