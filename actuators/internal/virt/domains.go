package virt

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
)

const (
	// calls is how many calls wait on one connection at a time.
	calls = 16
	// few is up to how many domains are asked one by one for what a list of all tells too.
	few = 8
)

// stub is a domain as the one call for all of them tells it.
type stub struct {
	libvirt.Domain
	uuid  string
	state State
}

// Domains gives the domains, active or not, sorted by name, that asked says yes to (nil = to all), knowing all of the domain but
// Live, Autostart, Transient and Saved. One that vanishes while it is read is absent. Texts are asked for only when the files in which
// libvirtd keeps them changed since the last time.
func (c *Conn) Domains(ctx context.Context, asked func(Domain) bool) ([]Domain, error) {
	all, err := c.stubs(ctx)
	if err != nil {
		return nil, err
	}
	kept.prune(all)
	found := make([]*Domain, len(all))
	group, one := errgroup.WithContext(ctx)
	group.SetLimit(calls)
	for i, s := range all {
		group.Go(func() error {
			d, err := c.readStub(one, s, asked)
			if errors.Is(err, actuators.ErrNotFound) {
				return nil
			}
			found[i] = d
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var domains []Domain
	for _, d := range found {
		if d != nil {
			domains = append(domains, *d)
		}
	}
	slices.SortFunc(domains, func(a, b Domain) int { return cmp.Compare(a.Name, b.Name) })
	return c.flags(ctx, all, domains)
}

// stubs asks for all domains and their states at once. It enters no monitor, so that a guest that hangs holds nobody up.
func (c *Conn) stubs(ctx context.Context) ([]stub, error) {
	var records []libvirt.DomainStatsRecord
	err := c.call(ctx, "list domains", func() (err error) {
		records, err = c.rpc.ConnectGetAllDomainStats(nil, uint32(libvirt.DomainStatsState), 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := make([]stub, 0, len(records))
	for _, r := range records {
		s := stub{Domain: r.Dom, uuid: FormatUUID(r.Dom.UUID), state: NoState}
		for _, p := range r.Params {
			if n, ok := p.Value.I.(int32); ok && p.Field == "state.state" && n >= 0 && int(n) < len(states) {
				s.state = states[n]
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func (c *Conn) readStub(ctx context.Context, s stub, asked func(Domain) bool) (_ *Domain, err error) {
	d := Domain{Name: s.Name, UUID: s.uuid, State: s.state, entry: kept.entry(s.uuid)}
	if d.XML, err = c.text(ctx, s, &d.entry.defined, definitions, libvirt.DomainXMLInactive); err != nil {
		return nil, err
	}
	if asked != nil && !asked(d) {
		return nil, nil
	}
	if d.State.Active() {
		d.Live, err = c.text(ctx, s, &d.entry.live, running, 0)
	}
	return &d, err
}

// text gives one of a domain's texts. The file is looked at before libvirtd is asked: what changes in between is seen by the
// next look.
func (c *Conn) text(ctx context.Context, s stub, one *text, dir string, flags libvirt.DomainXMLFlags) (string, error) {
	path := filepath.Join(dir, s.Name+".xml")
	now := printOf(path)
	if body, ok := kept.recall(one, now); ok {
		return body, nil
	}
	body, err := c.xml(ctx, s.Domain, flags)
	if err == nil {
		kept.remember(one, now, path, s.uuid, body)
	}
	return body, err
}

// flags fills in what libvirt tells beside states and texts.
func (c *Conn) flags(ctx context.Context, all []stub, domains []Domain) ([]Domain, error) {
	if len(domains) > few {
		return domains, c.flagsOfAll(ctx, domains)
	}
	byUUID := map[string]libvirt.Domain{}
	for _, s := range all {
		byUUID[s.uuid] = s.Domain
	}
	here := domains[:0]
	for _, d := range domains {
		err := c.flagsOfOne(ctx, byUUID[d.UUID], &d)
		if errors.Is(err, actuators.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		here = append(here, d)
	}
	return here, nil
}

func (c *Conn) flagsOfAll(ctx context.Context, domains []Domain) error {
	autostart, err := c.names(ctx, libvirt.ConnectListDomainsAutostart)
	if err != nil {
		return err
	}
	transient, err := c.names(ctx, libvirt.ConnectListDomainsTransient)
	if err != nil {
		return err
	}
	saved, err := c.names(ctx, libvirt.ConnectListDomainsManagedsave)
	for i := range domains {
		d := &domains[i]
		d.Autostart, d.Saved, d.Transient = autostart[d.Name], saved[d.Name], transient[d.Name]
	}
	return err
}

func (c *Conn) flagsOfOne(ctx context.Context, dom libvirt.Domain, d *Domain) error {
	err := c.call(ctx, "read autostart of domain "+d.Name, func() error {
		on, err := c.rpc.DomainGetAutostart(dom)
		d.Autostart = on != 0
		return err
	})
	if err != nil {
		return err
	}
	err = c.call(ctx, "ask for a definition of domain "+d.Name, func() error {
		persistent, err := c.rpc.DomainIsPersistent(dom)
		d.Transient = persistent == 0
		return err
	})
	if err != nil {
		return err
	}
	return c.call(ctx, "look for a saved image of domain "+d.Name, func() error {
		has, err := c.rpc.DomainHasManagedSaveImage(dom, 0)
		d.Saved = has != 0
		return err
	})
}

func (c *Conn) names(ctx context.Context, filter libvirt.ConnectListAllDomainsFlags) (map[string]bool, error) {
	var doms []libvirt.Domain
	err := c.call(ctx, "list domains", func() (err error) {
		doms, _, err = c.rpc.ConnectListAllDomains(1, filter)
		return err
	})
	names := make(map[string]bool, len(doms))
	for _, dom := range doms {
		names[dom.Name] = true
	}
	return names, err
}
