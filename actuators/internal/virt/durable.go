package virt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators/internal/files"
)

// Where libvirtd keeps what outlives it. It syncs each file that it writes there, and not the directory: for seconds after it
// has answered, a power loss takes a definition away or brings one back (virFileRewrite of libvirt 9.0).
const (
	domains         = "/etc/libvirt/qemu"
	startedDomains  = domains + "/autostart"
	networks        = domains + "/networks"
	startedNetworks = networks + "/autostart"
)

// stored is call for what changes a directory that libvirtd keeps: what was answered outlives a power loss.
func (c *Conn) stored(ctx context.Context, what, dir string, f func() error) error {
	if err := c.call(ctx, what, f); err != nil {
		return err
	}
	if err := files.Sync(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // libvirt's test driver keeps nothing
		return fmt.Errorf("%s: it is done, and may not outlive a power loss: %w", what, err)
	}
	return nil
}

// onStored is on for such calls.
func (c *Conn) onStored(ctx context.Context, what, name, dir string, f func(libvirt.Domain) error) error {
	dom, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	return c.stored(ctx, what+" "+name, dir, func() error { return f(dom) })
}
