// Package who says who may have changed something on a host beside us, and how sure that is. It reads what the host writes
// down anyway (audit, libvirt, sudo, sessions), never what people typed, and never proves more than its sources say. It imports
// nothing of ours but schema; exec reads with it on the host, drift decides with it.
package who

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/schema"
)

// Confidence is how sure it is.
type Confidence string

// The confidences. Certain: a record names the one who did this. Likely: it fits by time, and by nothing else.
const (
	Certain Confidence = "certain"
	Likely  Confidence = "likely"
	Unknown Confidence = "unknown"
)

// Who is who changed something, and how. Several actors: one of them.
type Who struct {
	Actors []string   `json:"actors,omitempty"` // "alice", "process firewalld (812)"
	How    string     `json:"how,omitempty"`    // "virsh", "libvirt stopped it: destroyed"
	Source string     `json:"source,omitempty"` // "nftables", "audit", "libvirt", "sudo", "sessions"
	Sure   Confidence `json:"sure"`
}

// String is one line for people, "unknown" when nothing is known, "" when nobody was asked: "alice, by virsh (certain: audit)", "one of alice, bob (likely: sessions)".
func (w *Who) String() string {
	if w == nil {
		return ""
	}
	var parts []string
	switch len(w.Actors) {
	case 0:
		return strings.TrimSuffix("unknown, "+w.How, ", ")
	case 1:
		parts = append(parts, w.Actors[0])
	default:
		parts = append(parts, "one of "+strings.Join(w.Actors, ", "))
	}
	if w.How != "" {
		parts = append(parts, w.How)
	}
	if w.Source == "" {
		return fmt.Sprintf("%s (%s)", strings.Join(parts, ", "), w.Sure)
	}
	return fmt.Sprintf("%s (%s: %s)", strings.Join(parts, ", "), w.Sure, w.Source)
}

// Trace is one thing that a record of a host says.
type Trace struct {
	At     time.Time `json:"at"`              // of a session: when it began
	Until  time.Time `json:"until,omitzero"`  // of a session that ended
	Actor  string    `json:"actor,omitempty"` // a person's name or number; "" = it tells only how
	Tool   string    `json:"tool,omitempty"`  // base name of the program
	How    string    `json:"how,omitempty"`   // what it tells of how; never arguments of a command, which may hold secrets
	Source string    `json:"source"`
	PID    int       `json:"pid,omitempty"`
	Names  []string  `json:"names,omitempty"` // which of the names that were asked for are among its words
	Files  []string  `json:"files,omitempty"` // which of them are files that it touched
}

// Query is what is asked of a host.
type Query struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Names []string  `json:"names"` // of things that changed, as tools call them; at most MostNames are heeded
}

// MostNames bounds a question, MostTraces an answer.
const (
	MostNames  = 64
	MostTraces = 256
)

// Change is what is to be explained.
type Change struct {
	Object  schema.Instance
	Names   []string  // as tools call it
	Since   time.Time // it was as applied then
	Until   time.Time // it was not then
	Process []string  // those that the event's source named, "nft (4711)": what it told was of this thing alone
	Nearby  []string  // the same, of what may have been something else of the kind
}

// tools are the programs that change what a kind is. A program that is not among them is believed only about files that it touched.
var tools = map[string][]string{
	"vm": slices.Concat(libvirt, []string{"virt-install", "virt-xml", "kill", "pkill", "killall"}), "network": libvirt,
	"nat": filters, "balancer": filters, "firewall": filters, "address": cards, "bridge": cards,
	"vip": slices.Concat(editors, []string{"keepalived"}), "record": nameServers, "zone": slices.Concat(editors, nameServers),
	"volume": slices.Concat(editors, []string{"qemu-img", "virsh"}), "pool": slices.Concat(editors, []string{"virsh"}), "image": editors,
}

var (
	libvirt     = []string{"virsh", "virt-manager"}
	filters     = []string{"nft", "iptables", "iptables-restore", "firewalld", "firewall-cmd", "ufw", "dockerd"}
	cards       = []string{"ip", "ifconfig", "brctl", "bridge", "nmcli", "NetworkManager", "dhclient", "ifup", "ifdown", "netplan"}
	nameServers = []string{"nsupdate", "knsupdate", "rndc", "knotc"}
	editors     = []string{"vi", "vim", "nano", "emacs", "mcedit", "ed", "sed", "tee", "cp", "mv", "rm", "install", "dd", "truncate"}
)

// slack is how far clocks of sources and looks may be apart.
const slack = 2 * time.Second

// Decide explains a change by what sources said.
func Decide(c Change, traces []Trace) Who {
	traces = slices.DeleteFunc(slices.Clone(traces), func(t Trace) bool { return !t.fits(c) })
	how := howOf(c, traces)
	for _, rule := range []func(Change, []Trace) Who{byProcess, byName, byTool, bySession} {
		if w := rule(c, traces); w.Sure != "" {
			w.How = cmp.Or(w.How, how)
			return w
		}
	}
	return Who{Sure: Unknown, How: how}
}

// fits tells whether a trace is of the time between the last good look and the first bad one.
func (t Trace) fits(c Change) bool {
	if t.Source == Sessions {
		return !t.At.After(c.Until.Add(slack)) && (t.Until.IsZero() || !t.Until.Before(c.Since.Add(-slack)))
	}
	return !t.At.Before(c.Since.Add(-slack)) && !t.At.After(c.Until.Add(slack))
}

// about tells whether a trace names the thing.
func (t Trace) about(c Change) bool {
	return slices.ContainsFunc(slices.Concat(t.Names, t.Files), func(n string) bool { return slices.Contains(c.Names, n) })
}

// byProcess believes the source of the event itself: the kernel names the process of each commit of nftables.
func byProcess(c Change, traces []Trace) Who {
	named, sure := c.Process, Certain
	if len(named) == 0 {
		named, sure = c.Nearby, Likely
	}
	if len(named) == 0 {
		return Who{}
	}
	w := Who{Source: "nftables", Sure: sure}
	for _, process := range named {
		actor := "process " + process
		for _, t := range traces {
			if t.PID != 0 && t.Actor != "" && strings.HasSuffix(process, fmt.Sprintf("(%d)", t.PID)) && strings.HasPrefix(process, t.Tool+" ") {
				actor, w.Source = t.Actor+" by process "+process, "nftables, "+t.Source
			}
		}
		w.Actors = append(w.Actors, actor)
	}
	if len(w.Actors) > 1 {
		w.Sure = Likely
	}
	return w
}

// byName takes records that name the thing itself.
func byName(c Change, traces []Trace) Who {
	return among(traces, Certain, func(t Trace) bool { return t.Actor != "" && t.about(c) && (len(t.Files) > 0 || t.fitting(c)) })
}

// byTool takes records of programs that change such things.
func byTool(c Change, traces []Trace) Who {
	return among(traces, Likely, func(t Trace) bool {
		return t.Actor != "" && t.Source != Sessions && t.fitting(c)
	})
}

// bySession takes whoever was logged in.
func bySession(_ Change, traces []Trace) Who {
	return among(traces, Likely, func(t Trace) bool { return t.Source == Sessions })
}

// fitting tells whether the program changes such things.
func (t Trace) fitting(c Change) bool {
	return t.Tool == "" || slices.Contains(tools[c.Object.ID.Kind()], t.Tool)
}

// among gathers the actors of some traces; several are one of them, and only likely.
func among(traces []Trace, sure Confidence, take func(Trace) bool) (w Who) {
	var how []string
	for _, t := range traces {
		if !take(t) {
			continue
		}
		w.Sure, w.Source = sure, t.Source
		if !slices.Contains(w.Actors, t.Actor) {
			w.Actors = append(w.Actors, t.Actor)
		}
		by := t.How
		if t.Tool != "" {
			by = "by " + t.Tool
		}
		if by != "" && !slices.Contains(how, by) {
			how = append(how, by)
		}
	}
	slices.Sort(w.Actors)
	if len(w.Actors) > 1 {
		w.Sure = Likely
	}
	if len(how) == 1 {
		w.How = how[0]
	}
	return w
}

// howOf is what happened, by a record that tells no more than that; the last one counts.
func howOf(c Change, traces []Trace) (how string) {
	for _, t := range traces {
		if t.How != "" && t.about(c) {
			how = t.How
		}
	}
	return how
}
