package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// hostKind is the kind whose objects are the hosts that others live on.
const hostKind = "host"

// placement is what an object says about where it lives.
type placement struct {
	host   string
	names  []string
	labels map[string]string
}

func (p placement) empty() bool { return p.host == "" && p.names == nil && p.labels == nil }

// place finds the hosts of an object: its own, those of its home, or those of both if both are said.
func (r *resolver) place(id ID) {
	if !r.broken[id] && r.objects[id].Hosts == nil {
		r.hosts(id, map[ID]bool{})
	}
}

// hosts places an object after its home. Homes in a circle are reference cycles, which were reported.
func (r *resolver) hosts(id ID, asking map[ID]bool) []string {
	object := r.objects[id]
	if object == nil || r.broken[id] || asking[id] {
		return nil
	}
	asking[id] = true
	kind, _ := r.kinds.Info(id.Kind())
	switch {
	case object.Hosts != nil:
	case kind.Where() == OnItself:
		object.Hosts = []string{id.Name()}
	case kind.Where() == OnHost:
		object.Hosts = r.onHosts(id, asking)
		if len(object.Hosts) == 0 {
			r.broken[id] = true
		}
	}
	return object.Hosts
}

func (r *resolver) onHosts(id ID, asking map[ID]bool) []string {
	own := r.present.objects[id].own
	home := r.outlines[id].Home
	switch {
	case home == "" && own.empty():
		r.wrong(id, "", "it is said nowhere on which host this lives", "add host: NAME, or hosts: a list of names or labels")
		return nil
	case home == "":
		return r.chosen(id, own)
	case own.empty():
		return r.hosts(home, asking)
	}
	return r.within(id, r.chosen(id, own), home, r.hosts(home, asking))
}

// within checks that an object with a home stays on the hosts of its home.
func (r *resolver) within(id ID, hosts []string, home ID, homes []string) []string {
	for _, host := range hosts {
		if homes != nil && !slices.Contains(homes, host) {
			r.wrong(id, "host", fmt.Sprintf("%s is not on host %q, but on %s", home, host, list(homes, "and")), "choose one of these, or leave host out")
			return nil
		}
	}
	return hosts
}

// chosen resolves an object's own host and hosts fields.
func (r *resolver) chosen(id ID, own placement) []string {
	switch {
	case own.host != "" && (own.names != nil || own.labels != nil):
		r.wrong(id, "hosts", "has both host and hosts", "keep one of them")
		return nil
	case own.host != "":
		return r.existing(id, []string{own.host}, func(int) string { return "host" })
	case own.names != nil:
		return r.existing(id, own.names, func(i int) string { return "hosts." + strconv.Itoa(i) })
	}
	return r.labelled(id, own.labels)
}

// existing checks a list of host names.
func (r *resolver) existing(id ID, names []string, path func(int) string) []string {
	var hosts []string
	for i, name := range names {
		_, known := r.declared[MakeID(hostKind, name)]
		switch {
		case !known && !r.partial:
			r.wrongly(id, path(i), fmt.Sprintf("there is no host %q", name), func() string { return didYouMean(name, r.names(hostKind), "declare it") })
			r.broken[id] = true
		case r.broken[MakeID(hostKind, name)] || !known:
			r.broken[id] = true
		case slices.Contains(hosts, name):
			r.wrong(id, path(i), fmt.Sprintf("host %q is listed twice", name), "remove one")
			r.broken[id] = true
		default:
			hosts = append(hosts, name)
		}
	}
	return hosts
}

// labelled finds the hosts that carry all labels, sorted by name.
func (r *resolver) labelled(id ID, labels map[string]string) []string {
	key := labelsKey(labels)
	if hosts := r.chosenBy[key]; hosts != nil {
		return hosts
	}
	var hosts []string
	for _, name := range r.hostsByName() {
		carried := r.labels(name)
		matches := carried != nil
		for key, value := range labels {
			matches = matches && carried[key] == value
		}
		if matches {
			hosts = append(hosts, name)
		}
	}
	hosts = slices.Clip(hosts)
	r.chosenBy[key] = hosts
	if len(hosts) == 0 && !r.partial && !r.anyBroken(hostKind) {
		r.noHost(id, labels, r.labelValues())
	}
	return hosts
}

// labelsKey tells sets of labels apart.
func labelsKey(labels map[string]string) string {
	var key []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		key = appendText(appendText(key, name), labels[name])
	}
	return string(key)
}

// hostsByName lists the declared hosts.
func (r *resolver) hostsByName() []string {
	if r.hostNames == nil {
		r.hostNames = r.names(hostKind)
	}
	return r.hostNames
}

// labelValues lists the values of each label that hosts carry.
func (r *resolver) labelValues() map[string][]string {
	values := map[string][]string{}
	for _, name := range r.hostsByName() {
		for key, value := range r.labels(name) {
			values[key] = append(values[key], value)
		}
	}
	return values
}

// noHost says which label finds no host. values holds the values of each label that hosts carry.
func (r *resolver) noHost(id ID, labels map[string]string, values map[string][]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		want := labels[key]
		switch {
		case values[key] == nil:
			r.wrong(id, "hosts."+key, fmt.Sprintf("no host has a label %q", key), didYouMean(key, slices.Sorted(maps.Keys(values)), "add it to a host's labels"))
			return
		case !slices.Contains(values[key], want):
			known := slices.Compact(slices.Sorted(slices.Values(values[key])))
			r.wrong(id, "hosts."+key, fmt.Sprintf("no host has %s %q", key, want), didYouMean(want, known, "there is "+list(known, "and")))
			return
		}
	}
	r.wrong(id, "hosts", "no host carries all of these labels", "each is carried by some host, but none has them together")
}

// labels lists what a host carries: its labels, its site and its name. It is nil for a broken host.
func (r *resolver) labels(host string) map[string]string {
	object := r.objects[MakeID(hostKind, host)]
	if object == nil || r.broken[object.ID] {
		return nil
	}
	if carried, ok := r.carried[host]; ok {
		return carried
	}
	var spec struct {
		Site   string            `json:"site"`
		Labels map[string]string `json:"labels"`
	}
	if json.Unmarshal(object.Spec, &spec) != nil {
		return nil
	}
	carried := map[string]string{}
	maps.Copy(carried, spec.Labels)
	carried["site"], carried["host"] = spec.Site, host
	r.carried[host] = carried
	return carried
}

func (r *resolver) anyBroken(kind string) bool {
	for id := range r.broken {
		if id.Kind() == kind {
			return true
		}
	}
	return false
}
