package virt

import (
	"context"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// Scope says which half of a domain a change reaches.
type Scope int

// The halves of a domain.
const (
	Config Scope = 1 << iota // the definition, for the next start
	Live                     // the running domain
)

func (s Scope) impact() libvirt.DomainModificationImpact {
	var where libvirt.DomainModificationImpact
	if s&Config != 0 {
		where |= libvirt.DomainAffectConfig
	}
	if s&Live != 0 {
		where |= libvirt.DomainAffectLive
	}
	return where
}

// SetVCPUs sets how many of its CPUs the guest has.
func (c *Conn) SetVCPUs(ctx context.Context, name string, n int, where Scope) error {
	return c.onStored(ctx, fmt.Sprintf("give %d CPUs to domain", n), name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainSetVcpusFlags(dom, uint32(n), uint32(where.impact()))
	})
}

// SetMaxVCPUs sets how many CPUs the guest can have after its next start.
func (c *Conn) SetMaxVCPUs(ctx context.Context, name string, n int) error {
	const flags = uint32(libvirt.DomainAffectConfig) | uint32(libvirt.DomainVCPUMaximum)
	return c.onStored(ctx, fmt.Sprintf("set %d CPUs as most of domain", n), name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainSetVcpusFlags(dom, uint32(n), flags)
	})
}

// SetMemory sets the guest's memory in bytes, in the running domain through its balloon: the guest decides when it
// follows.
func (c *Conn) SetMemory(ctx context.Context, name string, bytes int64, where Scope) error {
	return c.onStored(ctx, fmt.Sprintf("give %d KiB to domain", bytes>>10), name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainSetMemoryFlags(dom, uint64(bytes>>10), uint32(where.impact()))
	})
}

// SetMaxMemory sets the memory in bytes that the guest can have after its next start.
func (c *Conn) SetMaxMemory(ctx context.Context, name string, bytes int64) error {
	const flags = uint32(libvirt.DomainAffectConfig) | uint32(libvirt.DomainMemMaximum)
	return c.onStored(ctx, fmt.Sprintf("set %d KiB as most of domain", bytes>>10), name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainSetMemoryFlags(dom, uint64(bytes>>10), flags)
	})
}

// Attach adds a device.
func (c *Conn) Attach(ctx context.Context, name, device string, where Scope) error {
	return c.onStored(ctx, "attach a device to domain", name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainAttachDeviceFlags(dom, device, uint32(where.impact()))
	})
}

// Detach takes away a device. From a running domain it goes when the guest lets go of it, so look afterwards.
func (c *Conn) Detach(ctx context.Context, name, device string, where Scope) error {
	return c.onStored(ctx, "detach a device from domain", name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainDetachDeviceFlags(dom, device, uint32(where.impact()))
	})
}
