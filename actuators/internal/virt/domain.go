package virt

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
)

// State is what a domain does, in libvirt's words as virsh prints them.
type State string

// The states of a domain (virDomainState).
const (
	Running   State = "running"
	Blocked   State = "blocked"
	Paused    State = "paused"
	Stopping  State = "in shutdown"
	Stopped   State = "shut off"
	Crashed   State = "crashed"
	Suspended State = "pmsuspended"
	NoState   State = "no state"
)

var states = [...]State{NoState, Running, Blocked, Paused, Stopping, Stopped, Crashed, Suspended}

// Active tells whether a process stands behind the domain.
func (s State) Active() bool { return s != Stopped && s != Crashed && s != NoState }

// Domain is one domain as libvirt tells it.
type Domain struct {
	Name      string
	UUID      string
	State     State
	Autostart bool
	Saved     bool   // a managed save image waits: starting it resumes that image
	XML       string // of the next start; of the running one when the domain is transient
	Live      string // of the running one; empty when it is not active
}

// calls is how many calls wait on one connection at a time.
const calls = 16

// Domains lists all domains, active or not, sorted by name. One that vanishes while it is read is absent.
func (c *Conn) Domains(ctx context.Context) ([]Domain, error) {
	all, err := c.list(ctx, 0)
	if err != nil {
		return nil, err
	}
	autostart, err := c.names(ctx, libvirt.ConnectListDomainsAutostart)
	if err != nil {
		return nil, err
	}
	saved, err := c.names(ctx, libvirt.ConnectListDomainsManagedsave)
	if err != nil {
		return nil, err
	}
	found := make([]*Domain, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(calls)
	for i, dom := range all {
		group.Go(func() error {
			d, err := c.read(ctx, dom)
			if errors.Is(err, actuators.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			d.Autostart, d.Saved = autostart[d.Name], saved[d.Name]
			found[i] = &d
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	domains := make([]Domain, 0, len(found))
	for _, d := range found {
		if d != nil {
			domains = append(domains, *d)
		}
	}
	slices.SortFunc(domains, func(a, b Domain) int { return cmp.Compare(a.Name, b.Name) })
	return domains, nil
}

// Domain reads one domain by name, or fails with ErrNotFound.
func (c *Conn) Domain(ctx context.Context, name string) (Domain, error) {
	dom, err := c.find(ctx, name)
	if err != nil {
		return Domain{}, err
	}
	d, err := c.read(ctx, dom)
	if err != nil {
		return Domain{}, err
	}
	err = c.call(ctx, "read autostart of domain "+name, func() error {
		on, err := c.rpc.DomainGetAutostart(dom)
		d.Autostart = on != 0
		return err
	})
	if err != nil {
		return Domain{}, err
	}
	err = c.call(ctx, "look for a saved image of domain "+name, func() error {
		has, err := c.rpc.DomainHasManagedSaveImage(dom, 0)
		d.Saved = has != 0
		return err
	})
	return d, err
}

// State reads only what a domain does, or fails with ErrNotFound.
func (c *Conn) State(ctx context.Context, name string) (State, error) {
	dom, err := c.find(ctx, name)
	if err != nil {
		return "", err
	}
	return c.state(ctx, dom)
}

func (c *Conn) find(ctx context.Context, name string) (dom libvirt.Domain, err error) {
	err = c.call(ctx, "find domain "+name, func() error {
		dom, err = c.rpc.DomainLookupByName(name)
		return err
	})
	return dom, err
}

func (c *Conn) list(ctx context.Context, filter libvirt.ConnectListAllDomainsFlags) (doms []libvirt.Domain, err error) {
	err = c.call(ctx, "list domains", func() error {
		doms, _, err = c.rpc.ConnectListAllDomains(1, filter)
		return err
	})
	return doms, err
}

func (c *Conn) names(ctx context.Context, filter libvirt.ConnectListAllDomainsFlags) (map[string]bool, error) {
	doms, err := c.list(ctx, filter)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(doms))
	for _, dom := range doms {
		names[dom.Name] = true
	}
	return names, nil
}

func (c *Conn) read(ctx context.Context, dom libvirt.Domain) (Domain, error) {
	d := Domain{Name: dom.Name, UUID: FormatUUID(dom.UUID)}
	var err error
	if d.State, err = c.state(ctx, dom); err != nil {
		return d, err
	}
	if d.XML, err = c.xml(ctx, dom, libvirt.DomainXMLInactive); err != nil || !d.State.Active() {
		return d, err
	}
	d.Live, err = c.xml(ctx, dom, 0)
	return d, err
}

func (c *Conn) state(ctx context.Context, dom libvirt.Domain) (State, error) {
	state := NoState
	err := c.call(ctx, "read the state of domain "+dom.Name, func() error {
		n, _, err := c.rpc.DomainGetState(dom, 0)
		if n >= 0 && int(n) < len(states) {
			state = states[n]
		}
		return err
	})
	return state, err
}

func (c *Conn) xml(ctx context.Context, dom libvirt.Domain, flags libvirt.DomainXMLFlags) (text string, err error) {
	err = c.call(ctx, "read domain "+dom.Name, func() error {
		text, err = c.rpc.DomainGetXMLDesc(dom, flags)
		return err
	})
	return text, err
}

// FormatUUID writes a UUID as libvirt does.
func FormatUUID(u [16]byte) string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
