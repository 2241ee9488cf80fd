package virt

import (
	"context"

	"github.com/digitalocean/go-libvirt"
)

// Create starts a defined domain; from its saved image if it has one.
func (c *Conn) Create(ctx context.Context, name string) error {
	return c.on(ctx, "start domain", name, func(dom libvirt.Domain) error { return c.rpc.DomainCreate(dom) })
}

// Shutdown asks the guest to shut down and does not wait for it.
func (c *Conn) Shutdown(ctx context.Context, name string) error {
	return c.on(ctx, "ask for shutdown of domain", name, func(dom libvirt.Domain) error {
		return c.rpc.DomainShutdownFlags(dom, libvirt.DomainShutdownDefault)
	})
}

// Destroy ends a running domain at once, as pulling its plug does.
func (c *Conn) Destroy(ctx context.Context, name string) error {
	return c.on(ctx, "end domain", name, func(dom libvirt.Domain) error {
		return c.rpc.DomainDestroyFlags(dom, libvirt.DomainDestroyDefault)
	})
}

// SetAutostart says whether libvirtd starts the domain when the host boots.
func (c *Conn) SetAutostart(ctx context.Context, name string, on bool) error {
	return c.onStored(ctx, "set autostart of domain", name, startedDomains, func(dom libvirt.Domain) error {
		return c.rpc.DomainSetAutostart(dom, number(on))
	})
}

func number(on bool) int32 {
	if on {
		return 1
	}
	return 0
}

// Resume lets a paused domain go on.
func (c *Conn) Resume(ctx context.Context, name string) error {
	return c.on(ctx, "resume domain", name, func(dom libvirt.Domain) error { return c.rpc.DomainResume(dom) })
}

// Suspend pauses a running domain.
func (c *Conn) Suspend(ctx context.Context, name string) error {
	return c.on(ctx, "pause domain", name, func(dom libvirt.Domain) error { return c.rpc.DomainSuspend(dom) })
}
