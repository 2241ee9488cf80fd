package virt

import (
	"context"

	"libvirt.org/go/libvirtxml"
)

// HasKVM asks libvirt whether x86-64 guests can run with the host's virtualization.
func (c *Conn) HasKVM(ctx context.Context) (bool, error) {
	var text string
	err := c.call(ctx, "read capabilities", func() (err error) {
		text, err = c.rpc.ConnectGetCapabilities()
		return err
	})
	if err != nil {
		return false, err
	}
	return kvmIn(text)
}

func kvmIn(text string) (bool, error) {
	var caps libvirtxml.Caps
	if err := caps.Unmarshal(text); err != nil {
		return false, err
	}
	for _, guest := range caps.Guests {
		for _, domain := range guest.Arch.Domains {
			if guest.Arch.Name == "x86_64" && domain.Type == "kvm" {
				return true, nil
			}
		}
	}
	return false, nil
}
