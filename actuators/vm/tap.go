package vm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/actuators/internal/source"
	"plumbline/actuators/internal/virt"
)

// tap is the device behind a running card, and the bridge that libvirt plugged it into. Nobody plugs it in again when the
// bridge is made anew.
type tap struct{ mac, dev, bridge string }

// wire is a tap of the host as the kernel tells it, and the name of the bridge that it is in.
type wire struct {
	link.Link
	master string
}

// wiring gives the taps of the host by name.
func wiring(links link.Links) map[string]wire {
	names := make(map[int]string, len(links))
	for _, one := range links {
		names[one.Index] = one.Name
	}
	taps := map[string]wire{}
	for _, one := range links {
		if one.Kind == "tun" {
			taps[one.Name] = wire{one, names[one.Master]}
		}
	}
	return taps
}

func (t tap) cut(taps map[string]wire) string {
	w, there := taps[t.dev]
	switch {
	case !there:
		return gone
	case w.master != t.bridge:
		return unplugged
	case !w.Up:
		return off
	}
	return ""
}

// tellCuts says of running cards which are cut off, after one look at the host's interfaces.
func tellCuts(ctx context.Context, c *virt.Conn, domains []virt.Domain, found []actuators.Live[State]) error {
	var taps map[string]wire
	for i, d := range domains {
		p, err := takeApart(d)
		if err != nil {
			return err
		}
		if len(p.taps) == 0 {
			continue
		}
		if taps == nil {
			links, err := link.List(ctx)
			if err != nil {
				return err
			}
			taps = wiring(links)
		}
		lost := slices.ContainsFunc(p.taps, func(t tap) bool { return t.cut(taps) == gone })
		if lost && ends(ctx, c, d.Name) {
			continue
		}
		config := &found[i].State.Config
		config.NICs = slices.Clone(config.NICs) // they are kept for the next look
		for _, t := range p.taps {
			if why := t.cut(taps); why != "" {
				config.cut(t.mac, why)
			}
		}
	}
	return nil
}

func (c *Config) cut(mac, why string) {
	for i := range c.NICs {
		if n := &c.NICs[i]; n.MAC == mac && n.Live {
			n.Cut = why
		}
	}
}

// endLimit is how long libvirtd may take to notice that a guest has ended: its taps go with it, a moment earlier.
const endLimit = 500 * time.Millisecond

// ends tells whether a domain whose tap is no more is one that ends.
func ends(ctx context.Context, c *virt.Conn, name string) bool {
	for deadline := time.Now().Add(endLimit); time.Now().Before(deadline); {
		if state, err := c.State(ctx, name); err != nil || !state.Active() {
			return true // the next look tells what it is
		}
		select {
		case <-ctx.Done():
			return true
		case <-time.After(endLimit / 10):
		}
	}
	return false
}

// stamp is that of the domains, with what their taps are plugged into.
func stamp(ctx context.Context, h actuators.Host, sc actuators.Scope) (string, error) {
	word, err := virt.Stamp(ctx, h, sc)
	if err != nil || word == "" {
		return "", err
	}
	links, err := link.List(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	taps := wiring(links)
	for _, one := range links { // in order of their names
		if w, is := taps[one.Name]; is {
			fmt.Fprintln(sum, w.Name, w.Index, w.master, w.Up)
		}
	}
	return word + " " + hex.EncodeToString(sum.Sum(nil)), nil
}

// watch hears libvirt and, for what becomes of taps and bridges, the kernel, which names no VM.
var watch = source.Join(watchDomains, link.Watch)
