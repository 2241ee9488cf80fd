package vm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// diff compares a VM with what is there. A foreign domain reaches it only when the object says manage: "adopt".
func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	switch {
	case want == nil && have.Here == nil:
		return actuators.Diff{}
	case want == nil:
		return actuators.Diff{Action: actuators.Retire}
	case have.Here == nil && len(have.Elsewhere) > 0:
		return actuators.Diff{Action: actuators.Migrate}
	case have.Here == nil && have.Retired != nil:
		w := compare(*want, *have.Retired)
		w.Action = actuators.Restore
		return w.Diff
	case have.Here == nil:
		return actuators.Diff{Action: actuators.Create}
	case !have.Owned:
		return actuators.Diff{Action: actuators.Adopting}
	}
	w := compare(*want, *have.Here)
	for _, other := range slices.Sorted(maps.Keys(have.Elsewhere)) {
		w.Notes = append(w.Notes, "it is also on "+other+": two of it must never run on the same disks")
	}
	return w.Settle()
}

// work is a diff together with what it takes to end it.
type work struct {
	actuators.Diff
	cpu, memory, guest, autostart, power, stop bool
	define                                     bool // it has no definition
	liveCPU                                    bool // plug CPUs into the running guest
	attach, detach                             []Disk
	plug, unplug, replug                       []NIC
	never                                      []string
	restart                                    []string // the fields that want one
	live                                       bool     // the domain runs
}

func compare(want Spec, l State) work {
	w := work{live: l.Config.active()}
	w.define = w.field("defined", !l.Config.Transient, true, actuators.EffectLive)
	w.cpus(want, l.Config.CPU, l.Status.CPUs)
	w.sizes(want.Resolved.Memory, l)
	w.disks(want.Resolved.Disks, l.Config.Disks)
	w.nics(want.Resolved.NICs, l.Config.NICs)
	if len(l.Config.Guest) > 0 || want.addressed() { // one that was made without them, and has no address to learn, is left alone
		w.strings(l.Config.Guest, want.Resolved.Guest)
	}
	w.stop = w.field("stop.timeout", cmp.Or(l.Config.Stop, usualStop.String()), want.stopTimeout().String(), actuators.EffectLive)
	w.autostart = w.field("autostart", l.Config.Autostart, want.Autostart, actuators.EffectLive)
	if !(l.Config.Power == "suspended" && want.Power == running) { // a guest that sleeps by its own choice
		w.power = w.field("power", l.Config.Power, want.Power, actuators.EffectLive)
	}
	if want.Serial != "" {
		w.fixed("serial", l.Config.Serial, want.Serial)
	}
	if want.Accel != "auto" && want.Accel != "" {
		w.fixed("accel", l.Status.Accel, want.Accel)
	}
	if want.Machine != "" {
		w.fixed("machine", l.Status.Machine, want.Machine)
	}
	if want.CPU.Model != "" {
		w.fixed("cpu.model", l.Status.Model, want.CPU.Model)
	}
	if l.Status.Saved {
		w.Notes = append(w.Notes, "a saved image waits; its next start resumes that image, and changes to the definition take hold after a stop")
	}
	return w
}

// field records a difference and tells whether there is one.
func (w *work) field(path string, from, to any, effect actuators.Effect) bool {
	before := len(w.Changes)
	w.Field(path, from, to, effect)
	if len(w.Changes) == before {
		return false
	}
	if effect == actuators.EffectRestart {
		w.restart = append(w.restart, path)
	}
	return true
}

// fixed compares what cannot change once the domain is defined.
func (w *work) fixed(path, from, to string) {
	if w.field(path, from, to, actuators.EffectNever) {
		w.never = append(w.never, path)
	}
}

// atRestart is the effect of what a running guest cannot take: none is needed when it does not run.
func (w *work) atRestart() actuators.Effect {
	if w.live {
		return actuators.EffectRestart
	}
	return actuators.EffectLive
}

// strings compares what the guest is told: of the address of a card by its MAC, and of anything else together.
func (w *work) strings(have, want []string) {
	effect := w.told(have)
	haveCards, haveRest := cardStrings(have)
	wantCards, wantRest := cardStrings(want)
	if len(have) == 0 { // it was made without any
		w.guest = w.field("guest", have, want, effect)
		return
	}
	macs := maps.Clone(haveCards)
	maps.Copy(macs, wantCards)
	for _, mac := range slices.Sorted(maps.Keys(macs)) {
		w.guest = w.field("nics."+mac+".address", orNil(haveCards[mac]), orNil(wantCards[mac]), effect) || w.guest
	}
	w.guest = w.field("guest", haveRest, wantRest, effect) || w.guest
}

// cardStrings parts what a guest is told into that about cards, by MAC, and the rest.
func cardStrings(all []string) (cards map[string]string, rest []string) {
	cards = map[string]string{}
	for _, entry := range all {
		mac, address, ok := strings.Cut(strings.TrimPrefix(entry, guestPrefix+"nic."), "=")
		if _, twice := cards[mac]; !ok || twice || !strings.HasPrefix(entry, guestPrefix+"nic.") {
			rest = append(rest, entry)
			continue
		}
		cards[mac] = address
	}
	return cards, rest
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// told is the effect of new OEM strings: a guest that already lives by them has to read them again; one that was made
// without them is not restarted for their sake.
func (w *work) told(have []string) actuators.Effect {
	if w.live && len(have) == 0 {
		return actuators.EffectNextBoot
	}
	return w.atRestart()
}

// cpus compares the definition. A running guest that has fewer gets them; one that has more keeps them until its next boot.
func (w *work) cpus(want Spec, have CPU, live int) {
	most := w.field("cpu.max", have.Max, want.CPU.Max, w.atRestart())
	effect := actuators.EffectLive
	switch {
	case w.live && want.CPU.Now < have.Now:
		effect = actuators.EffectNextBoot // taking CPUs away needs the guest's consent
	case w.live && want.CPU.Now > have.Max:
		effect = actuators.EffectRestart
	}
	now := w.field("cpu.now", have.Now, want.CPU.Now, effect)
	w.cpu = most || now
	if !w.live || live == 0 || want.CPU.Now == live {
		return
	}
	if want.CPU.Now < live {
		w.Notes = append(w.Notes, fmt.Sprintf("the guest keeps %d CPUs until its next boot", live))
		return
	}
	w.liveCPU = want.CPU.Now <= have.Max
	if !now {
		w.cpu = w.field("cpu.running", live, want.CPU.Now, actuators.EffectLive) || w.cpu
	}
}

func (w *work) sizes(want Memory, l State) {
	have := l.Config.Memory
	most := w.field("memory.max", have.Max, want.Max, w.atRestart())
	effect := actuators.EffectLive
	if w.live && want.Now > have.Max {
		effect = actuators.EffectRestart
	}
	w.memory = w.field("memory.now", have.Now, want.Now, effect) || most
	if w.live && !w.memory && l.Status.Memory != 0 && l.Status.Memory != want.Now { // 0: nobody told
		w.Notes = append(w.Notes, fmt.Sprintf("the guest's balloon holds it at %s of the declared %s", schema.FormatSize(l.Status.Memory), schema.FormatSize(want.Now)))
	}
}

// disks compares by file: the target is chosen once and kept.
func (w *work) disks(want, have []Disk) {
	used := map[string]bool{}
	for _, h := range have {
		used[h.Target] = h.Extra || slices.ContainsFunc(want, func(d Disk) bool { return d.Path == h.Path })
	}
	swapped := map[string]bool{}
	for _, d := range want {
		at := slices.IndexFunc(have, func(h Disk) bool { return h.Path == d.Path && !h.Extra })
		switch {
		case at < 0:
			d.Target = free(d.Target, used)
			used[d.Target] = true
			w.attach = append(w.attach, d)
			if old := slices.IndexFunc(have, func(h Disk) bool { return h.Target == d.Target }); old >= 0 {
				swapped[d.Target] = true
				w.field("disks."+d.Target, have[old].Path, d.Path, w.atRestart())
				continue
			}
			w.field("disks."+d.Target, nil, d.Path, actuators.EffectLive)
		case have[at].Format != d.Format:
			w.never = append(w.never, "disks."+have[at].Target+".format")
			w.field("disks."+have[at].Target+".format", have[at].Format, d.Format, actuators.EffectNever)
		case w.live && !have[at].Live:
			w.attach = append(w.attach, have[at])
			w.field("disks."+have[at].Target+".live", false, true, actuators.EffectLive)
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(d Disk) bool { return d.Path == h.Path }) {
			w.detach = append(w.detach, h)
			if !swapped[h.Target] {
				w.field("disks."+h.Target, h.Path, nil, w.atRestart())
			}
		}
	}
}

// free is the wished target, or the first that no disk has.
func free(wished string, used map[string]bool) string {
	if !used[wished] {
		return wished
	}
	for i := 0; ; i++ {
		if name := target(i); !used[name] {
			return name
		}
	}
}

func (w *work) nics(want, have []NIC) {
	same := func(a, b NIC) bool { return a.MAC == b.MAC && a.Network == b.Network && a.Bridge == b.Bridge }
	replugged := map[string]bool{}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(n NIC) bool { return same(n, h) }) {
			w.unplug = append(w.unplug, h)
			to := any(nil)
			if n := slices.IndexFunc(want, func(n NIC) bool {
				return n.MAC == h.MAC && !slices.ContainsFunc(have, func(h NIC) bool { return same(n, h) })
			}); n >= 0 && !replugged[h.MAC] {
				to, replugged[h.MAC] = want[n].Network+want[n].Bridge, true
			}
			w.field("nics."+h.MAC, h.Network+h.Bridge, to, w.atRestart())
		}
	}
	for _, n := range want {
		at := slices.IndexFunc(have, func(h NIC) bool { return same(n, h) && !h.Extra })
		switch {
		case at < 0:
			w.plug = append(w.plug, n)
			if !replugged[n.MAC] {
				w.field("nics."+n.MAC, nil, n.Network+n.Bridge, actuators.EffectLive)
			}
		case w.live && !have[at].Live:
			w.plug = append(w.plug, have[at])
			w.field("nics."+n.MAC+".live", false, true, actuators.EffectLive)
		case w.live && have[at].Cut == gone:
			w.field("nics."+n.MAC+".plugged", false, true, actuators.EffectRestart)
		case w.live && have[at].Cut != "":
			w.replug = append(w.replug, have[at])
			w.field("nics."+n.MAC+".plugged", false, true, actuators.EffectLive)
		}
	}
}
