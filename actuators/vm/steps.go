package vm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// steps turns a diff into operations.
func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := &planner{ref: Ref{Domain: sub.Instance.ID.Name(), Mark: sub.Mark}, want: want}
	if have.Here != nil && have.Here.Status.Name != "" {
		p.ref.Domain = have.Here.Status.Name
	}
	switch d.Action {
	case actuators.Create:
		p.create(sub)
	case actuators.Update:
		err := p.update(*have.Here)
		return p.steps, err
	case actuators.Restore:
		err := p.restore(*have.Retired)
		return p.steps, err
	case actuators.Retire:
		p.retire(*have.Here)
	case actuators.Purge:
		p.ref.Domain = have.Retired.Status.Name
		p.add(actuators.OpPurge, p.ref, "undefine "+p.ref.Domain+" for good; its disks stay")
	case actuators.Adopting:
		if have.Here.Config.Transient {
			return nil, fmt.Errorf("%w: cannot adopt domain %s: it runs without a definition; give it one (virsh dumpxml --inactive, virsh define)", actuators.ErrRefused, p.ref.Domain)
		}
		p.add("adopt", Adoption{Ref: p.ref, UUID: have.Here.Config.UUID}, "write our mark into its metadata")
	case actuators.Migrate:
		return nil, p.refuseMove(sub, have)
	}
	return p.steps, nil
}

type planner struct {
	ref   Ref
	want  *Spec
	steps []actuators.Step
}

func (p *planner) add(op string, params any, summary string) *actuators.Step {
	p.steps = append(p.steps, actuators.NewStep(op, params, summary))
	return &p.steps[len(p.steps)-1]
}

func (p *planner) create(sub actuators.Subject) {
	c := p.wanted(deriveUUID(sub.Mark.Installation, sub.Instance.ID))
	p.add("define", Definition{Ref: p.ref, Config: c, NICs: p.want.Resolved.NICs, Model: p.want.CPU.Model, Machine: cmp.Or(p.want.Machine, "q35"), Accel: cmp.Or(p.want.Accel, "auto")},
		fmt.Sprintf("define with %d of %d CPUs, %s of %s", c.CPU.Now, c.CPU.Max, schema.FormatSize(c.Memory.Now), schema.FormatSize(c.Memory.Max)))
	if p.want.Autostart {
		p.autostart(true)
	}
	if p.want.Power == running {
		p.start()
	}
}

// wanted is the state of a new domain that does not run yet.
func (p *planner) wanted(uuid string) Config {
	c := Config{
		UUID: uuid, CPU: CPU{Now: p.want.CPU.Now, Max: p.want.CPU.Max}, Memory: p.want.Resolved.Memory,
		Disks: slices.Clone(p.want.Resolved.Disks), NICs: slices.Clone(p.want.Resolved.NICs),
		Guest: p.want.Resolved.Guest, Serial: p.want.Serial, Power: stopped, Stop: p.want.stopTimeout().String(),
	}
	slices.SortFunc(c.Disks, compareDisks)
	slices.SortFunc(c.NICs, compareNICs)
	return c
}

func (p *planner) redefine() {
	p.add("redefine", p.ref, "define again as it runs; the guest goes on")
}

func (p *planner) autostart(on bool) {
	summary := "do not start with the host"
	if on {
		summary = "start with the host"
	}
	p.add("set-autostart", Autostart{Ref: p.ref, On: on}, summary)
}

func (p *planner) start() {
	p.add("start", Power{Ref: p.ref, Timeout: p.want.stopTimeout()}, "start")
	if probe := p.want.probe(); probe != nil {
		p.add("ready", *probe, fmt.Sprintf("wait until tcp %s:%d answers, at most %s", probe.Address, probe.Port, probe.Timeout))
	}
}

func (p *planner) stop(why string, limit time.Duration) {
	summary := fmt.Sprintf("shut down, forced off after %s", limit)
	p.add("stop", Power{Ref: p.ref, Timeout: limit}, summary).Disruptive = why
}

// update changes what can change. A guest that has to restart is stopped first, changed, and started again.
func (p *planner) update(l State) error {
	w := compare(*p.want, l)
	if len(w.never) > 0 {
		return fmt.Errorf("%w: cannot change %s of a VM that exists; take the change back, or remove the VM and declare it under a new name", actuators.ErrRefused, strings.Join(w.never, ", "))
	}
	stays := p.want.Power == running
	down := !w.live
	if w.define {
		p.redefine() // first, for libvirt changes no definition that is not there
	}
	if w.autostart {
		p.autostart(p.want.Autostart)
	}
	if w.stop {
		p.add("set-stop", StopChange{Ref: p.ref, Stop: p.want.stopTimeout().String()}, "note that its guest has "+p.want.stopTimeout().String()+" to shut down")
	}
	switch {
	case w.live && !stays:
		p.stop("down", p.want.stopTimeout())
		down = true
	case w.live && len(w.restart) > 0:
		p.stop("restart, for "+strings.Join(w.restart, ", "), p.want.stopTimeout())
		down = true
	}
	p.devicesAway(w)
	p.tune(w, l, !down)
	p.devicesIn(w, !down)
	if stays && (down || w.power) {
		p.start()
	}
	return nil
}

func (p *planner) devicesAway(w work) {
	for _, d := range w.detach {
		if !d.Extra { // the restart alone takes away what only the running domain had
			p.add("detach-disk", DiskChange{Ref: p.ref, Disk: d}, "detach "+d.Target+" "+d.Path)
		}
	}
	for _, n := range w.unplug {
		if !n.Extra {
			p.add("detach-nic", NICChange{Ref: p.ref, NIC: n}, "detach "+n.MAC+" from "+n.Network+n.Bridge)
		}
	}
}

func (p *planner) tune(w work, l State, live bool) {
	if w.cpu {
		to := CPU{Now: p.want.CPU.Now, Max: p.want.CPU.Max}
		p.add("set-cpu", CPUChange{Ref: p.ref, CPU: to, Live: live && w.liveCPU}, fmt.Sprintf("CPUs %d of %d → %d of %d", l.Config.CPU.Now, l.Config.CPU.Max, to.Now, to.Max))
	}
	if w.memory {
		to, from := p.want.Resolved.Memory, l.Config.Memory
		p.add("set-memory", MemoryChange{Ref: p.ref, Memory: to}, fmt.Sprintf("memory %s of %s → %s of %s",
			schema.FormatSize(from.Now), schema.FormatSize(from.Max), schema.FormatSize(to.Now), schema.FormatSize(to.Max)))
	}
	if w.guest {
		p.add("set-guest", GuestChange{Ref: p.ref, Guest: p.want.Resolved.Guest}, "tell the guest "+strings.Join(p.want.Resolved.Guest, " "))
	}
}

func (p *planner) devicesIn(w work, live bool) {
	for _, d := range w.attach {
		d.Live = live
		p.add("attach-disk", DiskChange{Ref: p.ref, Disk: d}, "attach "+d.Path+" as "+d.Target)
	}
	for _, n := range w.plug {
		n.Live = live
		p.add("attach-nic", NICChange{Ref: p.ref, NIC: n}, "attach "+n.MAC+" to "+n.Network+n.Bridge)
	}
	for _, n := range w.replug {
		if live { // a restart plugs it in
			p.add("plug", NICChange{Ref: p.ref, NIC: NIC{MAC: n.MAC, Network: n.Network, Bridge: n.Bridge}}, "plug "+n.MAC+" into "+n.Network+n.Bridge+" again")
		}
	}
}

// retire takes the domain out of use and keeps it.
func (p *planner) retire(l State) {
	if l.Config.Transient {
		p.redefine() // or it would be gone when it stops
	}
	if l.Config.Autostart {
		p.autostart(false)
	}
	if l.Config.active() {
		p.stop("down", seconds(l.Config.Stop, usualStop))
	}
	p.add("retire", p.ref, "rename to "+p.ref.Domain+".plumb-retired-TIME; its disks stay")
}

func (p *planner) restore(l State) error {
	p.add("restore", Restoration{Ref: p.ref, From: l.Status.Name, Config: l.Config}, "rename "+l.Status.Name+" back to "+p.ref.Domain)
	return p.update(l)
}

func (p *planner) refuseMove(sub actuators.Subject, have actuators.Have[State]) error {
	from := slices.Sorted(maps.Keys(have.Elsewhere))
	return fmt.Errorf("%w: cannot move %s from %s to %s yet; declare it on %s again", actuators.ErrRefused, sub.Instance.ID, strings.Join(from, ", "), sub.Instance.Host, from[0])
}
