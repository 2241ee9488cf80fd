package virt

import (
	"context"
	"encoding/hex"

	"github.com/digitalocean/go-libvirt"
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
	Transient bool   // it runs without a definition, and is gone when it stops
	Saved     bool   // a managed save image waits: starting it resumes that image
	XML       string // of the next start; of the running one when the domain is transient
	Live      string // of the running one; empty when it is not active

	entry *entry // what is kept of it; nil for one that was read by name
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
	return d, c.flagsOfOne(ctx, dom, &d)
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
