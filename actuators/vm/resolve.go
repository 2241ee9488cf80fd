package vm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// guestPrefix begins the SMBIOS OEM strings that tell a guest its name and addresses.
const guestPrefix = "plumb."

type resolver struct {
	id       schema.ID
	at       schema.Place
	look     actuators.Lookup
	problems []schema.Problem
}

func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) []schema.Problem {
	r := &resolver{id: id, at: at, look: look}
	r.name()
	r.memory(s)
	if s.CPU.Max == 0 {
		s.CPU.Max = s.CPU.Now
	}
	s.Resolved.Disks, s.Resolved.NICs = nil, nil
	for i, disk := range s.Disks {
		s.Resolved.Disks = append(s.Resolved.Disks, r.disk(i, disk.Volume))
	}
	guest := []string{guestPrefix + "hostname=" + id.Name()}
	for i, nic := range s.NICs {
		card, told := r.nic(i, s.NICs)
		s.Resolved.NICs = append(s.Resolved.NICs, card)
		if nic.Address != "" && told != "" {
			guest = append(guest, told)
		}
	}
	r.durations(s)
	slices.Sort(guest)
	s.Resolved.Guest = guest
	if s.Ready != nil && s.probe() == nil {
		r.problem("ready", "no network card has an address to probe", "give a card an address or remove ready")
	}
	if s.Serial != "" && !strings.HasPrefix(filepath.Clean(s.Serial), consoles) {
		r.problem("serial", s.Serial+" is not below "+consoles+": what a guest says is written there as root", "choose a file below "+consoles)
	}
	return r.problems
}

// consoles is where files of serial ports may lie. Elsewhere a guest could overwrite what the host needs.
const consoles = "/var/log/"

func (r *resolver) problem(path, text, remedy string) {
	r.problems = append(r.problems, schema.Problem{Object: r.id, Path: path, Text: text, Remedy: remedy})
}

// maxName leaves room in a file name (255 bytes) for what a removal appends: libvirt keeps each domain in a file of its name.
const maxName = 200

func (r *resolver) name() {
	switch name := r.id.Name(); {
	case len(name) > maxName:
		r.problem("", fmt.Sprintf("the name is longer than %d characters, and the VM could never be removed", maxName), "choose a shorter one")
	case retiredName.MatchString(name):
		r.problem("", "a domain of this name is one that was set aside by a removal", "choose another name")
	}
}

func (r *resolver) memory(s *Spec) {
	if s.Memory.Max == "" {
		s.Memory.Max = s.Memory.Now
	}
	now, err := schema.ParseSize(s.Memory.Now)
	if err != nil {
		r.problem("memory.now", err.Error(), "")
	}
	most, err := schema.ParseSize(s.Memory.Max)
	if err != nil {
		r.problem("memory.max", err.Error(), "")
	}
	if (now|most)%(1<<20) != 0 {
		r.problem("memory", "QEMU counts a guest's memory in whole Mi", "write now and max in Mi or Gi")
	}
	if now > most {
		r.problem("memory.now", fmt.Sprintf("it is above memory.max, which is %s", s.Memory.Max), "raise memory.max")
	}
	s.Resolved.Memory = Memory{Now: now, Max: most}
}

// durations must end within the timeouts of the ops that wait.
func (r *resolver) durations(s *Spec) {
	check := func(path, text string) {
		if d, err := time.ParseDuration(text); text != "" && (err != nil || d <= 0 || d > longest) {
			r.problem(path, fmt.Sprintf("%s is not a time between 0 and %s", text, longest), "shorten it")
		}
	}
	check("stop.timeout", s.Stop.Timeout)
	if s.Ready != nil {
		check("ready.timeout", s.Ready.Timeout)
	}
}

// disk finds the file of a volume: the same rule as the volume kind's.
func (r *resolver) disk(i int, name string) Disk {
	var volume struct {
		Pool   string `json:"pool"`
		Format string `json:"format"`
		File   string `json:"file"`
	}
	var pool struct {
		Dir string `json:"dir"`
	}
	path := fmt.Sprintf("disks.%d.volume", i)
	hosts, ok := r.look.Into(schema.MakeID("volume", name), &volume)
	if !ok {
		return Disk{Target: target(i)}
	}
	if !slices.Contains(hosts, r.at.Host) {
		r.problem(path, fmt.Sprintf("volume/%s is not on %s", name, r.at.Host), "name a volume of a pool of this host")
	}
	r.look.Into(schema.MakeID("pool", volume.Pool), &pool)
	if volume.Format == "" {
		volume.Format = "qcow2"
	}
	return Disk{Target: target(i), Path: filepath.Join(pool.Dir, cmp.Or(volume.File, name+"."+volume.Format)), Format: volume.Format}
}

// target names the disk of an index: vda … vdz, vdaa ….
func target(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('a'+(i-1)%26)) + name
	}
	return "vd" + name
}

// nic resolves a card, and what its guest is told about it.
func (r *resolver) nic(i int, all []NICSpec) (card NIC, told string) {
	var network struct {
		CIDR    string `json:"cidr"`
		Gateway string `json:"gateway"`
	}
	spec := all[i]
	card = NIC{Network: spec.Network, MAC: strings.ToLower(spec.MAC)}
	if card.MAC == "" {
		card.MAC = deriveMAC(r.id, spec.Network+spec.Bridge, ordinal(i, all))
	}
	path := fmt.Sprintf("nics.%d", i)
	switch {
	case (spec.Network == "") == (spec.Bridge == ""):
		r.problem(path, "a card is plugged into a network or into a bridge", "name one of the two")
		return card, ""
	case spec.Bridge != "":
		return r.bridged(path, spec, card), ""
	}
	hosts, ok := r.look.Into(schema.MakeID("network", spec.Network), &network)
	if !ok {
		return card, ""
	}
	if !slices.Contains(hosts, r.at.Host) {
		r.problem(path+".network", fmt.Sprintf("network/%s is not on %s", spec.Network, r.at.Host), "add the host to the network, or choose another network")
	}
	if spec.Address == "" {
		return card, ""
	}
	address, err1 := netip.ParseAddr(spec.Address)
	prefix, err2 := netip.ParsePrefix(network.CIDR)
	if err1 != nil || err2 != nil {
		return card, ""
	}
	if !prefix.Contains(address) {
		r.problem(path+".address", fmt.Sprintf("%s is not within %s of network/%s", address, prefix, spec.Network), "choose an address of the network")
	}
	told = fmt.Sprintf("%snic.%s=%s/%d", guestPrefix, card.MAC, address, prefix.Bits())
	if network.Gateway != "" {
		told += ",gw=" + network.Gateway
	}
	return card, told
}

// bridged resolves a card that is plugged into a bridge of the host.
func (r *resolver) bridged(path string, spec NICSpec, card NIC) NIC {
	var bridge struct {
		Interface string `json:"interface"`
	}
	hosts, ok := r.look.Into(schema.MakeID("bridge", spec.Bridge), &bridge)
	if ok && !slices.Contains(hosts, r.at.Host) {
		r.problem(path+".bridge", fmt.Sprintf("bridge/%s is not on %s", spec.Bridge, r.at.Host), "add the host to the bridge, or choose another bridge")
	}
	if spec.Address != "" {
		r.problem(path+".address", "the addresses of guests belong to a network", "plug the card into a network, or take the address out")
	}
	card.Bridge = cmp.Or(bridge.Interface, spec.Bridge)
	return card
}

// ordinal counts the earlier cards in the same network or bridge.
func ordinal(i int, all []NICSpec) int {
	n := 0
	for _, other := range all[:i] {
		if other.Network == all[i].Network && other.Bridge == all[i].Bridge {
			n++
		}
	}
	return n
}

// deriveMAC makes a locally administered unicast address (IEEE 802, U/L bit set) from 40 bits of a hash: QEMU's own
// prefix would leave 24, which collide by chance among a few thousand cards.
func deriveMAC(id schema.ID, network string, ordinal int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "mac\x00%s\x00%s\x00%d", id, network, ordinal))
	return fmt.Sprintf("52:%02x:%02x:%02x:%02x:%02x", sum[0], sum[1], sum[2], sum[3], sum[4])
}

// deriveUUID gives a VM of an installation the same UUID whenever it is planned (RFC 9562, version 8: made by us).
func deriveUUID(installation string, id schema.ID) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "uuid\x00%s\x00%s", installation, id))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
