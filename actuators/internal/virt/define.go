package virt

import (
	"context"

	"github.com/digitalocean/go-libvirt"
)

// Define stores a domain after checking the text against libvirt's schema; a domain of the same name and UUID is
// replaced, one of the same name or UUID alone is an error.
func (c *Conn) Define(ctx context.Context, xml string) error {
	return c.stored(ctx, "define domain", domains, func() error {
		_, err := c.rpc.DomainDefineXMLFlags(xml, libvirt.DomainDefineValidate)
		return err
	})
}

// Secure reads the definition for the next start with the secrets in it, which Domain leaves out. It must go nowhere
// but back into Define.
func (c *Conn) Secure(ctx context.Context, name string) (string, error) {
	dom, err := c.find(ctx, name)
	if err != nil {
		return "", err
	}
	return c.xml(ctx, dom, libvirt.DomainXMLInactive|libvirt.DomainXMLSecure)
}

// Undefine forgets a domain together with its saved image and its firmware variables. Its disks stay. A running one
// goes on as a transient domain.
func (c *Conn) Undefine(ctx context.Context, name string) error {
	const flags = libvirt.DomainUndefineManagedSave | libvirt.DomainUndefineNvram | libvirt.DomainUndefineSnapshotsMetadata | libvirt.DomainUndefineCheckpointsMetadata
	return c.onStored(ctx, "undefine domain", name, domains, func(dom libvirt.Domain) error { return c.rpc.DomainUndefineFlags(dom, flags) })
}

// Release forgets the definition of a running domain, which goes on as a transient one, and nothing beside it.
func (c *Conn) Release(ctx context.Context, name string) error {
	return c.onStored(ctx, "undefine running domain", name, domains, func(dom libvirt.Domain) error {
		return c.rpc.DomainUndefineFlags(dom, libvirt.DomainUndefineKeepNvram)
	})
}

// Rename renames a domain that does not run and has no saved image.
func (c *Conn) Rename(ctx context.Context, name, to string) error {
	return c.onStored(ctx, "rename to "+to+" domain", name, domains, func(dom libvirt.Domain) error {
		_, err := c.rpc.DomainRename(dom, libvirt.OptString{to}, 0)
		return err
	})
}

// metadataElement is VIR_DOMAIN_METADATA_ELEMENT.
const metadataElement = 2

// SetMetadata puts an element of a namespace into the domain's metadata, running or not; an empty one takes it away.
// Prefix is the name space's prefix in the text.
func (c *Conn) SetMetadata(ctx context.Context, name, prefix, uri, element string) error {
	return c.modify(ctx, "write metadata of domain", name, func(dom libvirt.Domain, where libvirt.DomainModificationImpact) error {
		var text libvirt.OptString
		if element != "" {
			text = libvirt.OptString{element}
		}
		return c.rpc.DomainSetMetadata(dom, metadataElement, text, libvirt.OptString{prefix}, libvirt.OptString{uri}, where)
	})
}

// on runs a call on a domain found by name.
func (c *Conn) on(ctx context.Context, what, name string, f func(libvirt.Domain) error) error {
	dom, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	return c.call(ctx, what+" "+name, func() error { return f(dom) })
}

// modify runs a call on a domain's definition, and on the running domain too if it is active.
func (c *Conn) modify(ctx context.Context, what, name string, f func(libvirt.Domain, libvirt.DomainModificationImpact) error) error {
	dom, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	state, err := c.state(ctx, dom)
	if err != nil {
		return err
	}
	where := libvirt.DomainAffectConfig
	if state.Active() {
		where |= libvirt.DomainAffectLive
	}
	return c.stored(ctx, what+" "+name, domains, func() error { return f(dom, where) })
}

// Snapshots counts the snapshots of a domain, which then cannot be renamed.
func (c *Conn) Snapshots(ctx context.Context, name string) (n int, err error) {
	err = c.on(ctx, "count snapshots of domain", name, func(dom libvirt.Domain) error {
		found, err := c.rpc.DomainSnapshotNum(dom, 0)
		n = int(found)
		return err
	})
	return n, err
}
