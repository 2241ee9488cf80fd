package virt

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

// BlockResize grows the disk at a path (or target name) of a running domain to a size in bytes; QEMU resizes the file
// and tells the guest.
func (c *Conn) BlockResize(ctx context.Context, name, path string, size int64) error {
	return c.on(ctx, fmt.Sprintf("resize %s to %d bytes in domain", path, size), name, func(dom libvirt.Domain) error {
		return c.rpc.DomainBlockResize(dom, path, uint64(size), libvirt.DomainBlockResizeBytes)
	})
}

// DomainUsing finds the domain that has the file at path as a disk; the active one if there are several, so that
// State.Active says whether the file is open. ok is false when none has it.
func (c *Conn) DomainUsing(ctx context.Context, path string) (d Domain, ok bool, err error) {
	all, err := c.Domains(ctx, nil)
	if err != nil {
		return Domain{}, false, err
	}
	for _, one := range all {
		if (!ok || one.State.Active() && !d.State.Active()) && one.uses(path) {
			d, ok = one, true
		}
	}
	return d, ok, nil
}

// uses looks into the running domain if there is one, else into the definition.
func (d Domain) uses(path string) bool {
	text := d.Live
	if text == "" {
		text = d.XML
	}
	if !strings.Contains(text, filepath.Base(path)) {
		return false // to take all texts apart takes far longer
	}
	var x libvirtxml.Domain
	if x.Unmarshal(text) != nil || x.Devices == nil {
		return false
	}
	for _, disk := range x.Devices.Disks {
		if DiskPath(disk) == path {
			return true
		}
	}
	return false
}

// DiskPath is the file or block device behind a disk, or "".
func DiskPath(disk libvirtxml.DomainDisk) string {
	switch {
	case disk.Source == nil:
		return ""
	case disk.Source.File != nil:
		return disk.Source.File.File
	case disk.Source.Block != nil:
		return disk.Source.Block.Dev
	}
	return ""
}
