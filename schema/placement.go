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
func (r *resolver) place(it *item) {
	if !it.broken {
		r.hosts(it)
	}
}

// hosts places an object after its home. Homes in a circle are reference cycles, which were reported.
func (r *resolver) hosts(it *item) []string {
	if it == nil || it.object == nil || it.broken || it.placing {
		return nil
	}
	if it.placed {
		return it.hosts
	}
	it.placing = true
	switch it.kind.Where() {
	case OnItself:
		it.hosts = r.just(it.name().Name())
	case OnHost:
		it.hosts = r.onHosts(it)
		if len(it.hosts) == 0 {
			r.breaks(it)
		}
	}
	it.placing, it.placed = false, true
	return it.hosts
}

// just is the list of one host.
func (r *resolver) just(host string) []string {
	list := r.alone[host]
	if list == nil {
		list = []string{host}
		r.alone[host] = list
	}
	return list
}

func (r *resolver) onHosts(it *item) []string {
	own, home := it.seen.own, it.seen.home
	switch {
	case home == "" && own.empty():
		r.wrong(it.name(), "", "it is said nowhere on which host this lives", "add host: NAME, or hosts: a list of names or labels")
		return nil
	case home == "":
		return r.chosen(it, own)
	case own.empty():
		return r.hosts(r.item(home))
	}
	return r.within(it, r.chosen(it, own), home, r.hosts(r.item(home)))
}

// within checks that an object with a home stays on the hosts of its home.
func (r *resolver) within(it *item, hosts []string, home ID, homes []string) []string {
	for _, host := range hosts {
		if homes != nil && !slices.Contains(homes, host) {
			r.wrong(it.name(), "host", fmt.Sprintf("%s is not on host %q, but on %s", home, host, list(homes, "and")), "choose one of these, or leave host out")
			return nil
		}
	}
	return hosts
}

// chosen resolves an object's own host and hosts fields.
func (r *resolver) chosen(it *item, own placement) []string {
	switch {
	case own.host != "" && (own.names != nil || own.labels != nil):
		r.wrong(it.name(), "hosts", "has both host and hosts", "keep one of them")
		return nil
	case own.host != "":
		if r.existing(it, own.host, "host") {
			return r.just(own.host)
		}
		return nil
	case own.names != nil:
		return r.listed(it, own.names)
	}
	return r.labelled(it, own.labels)
}

// listed checks a list of host names.
func (r *resolver) listed(it *item, names []string) []string {
	var hosts []string
	for i, name := range names {
		path := "hosts." + strconv.Itoa(i)
		switch {
		case !r.existing(it, name, path):
		case slices.Contains(hosts, name):
			r.wrong(it.name(), path, fmt.Sprintf("host %q is listed twice", name), "remove one")
			r.breaks(it)
		default:
			hosts = append(hosts, name)
		}
	}
	return hosts
}

// existing checks a host that a field names; without it the object is broken.
func (r *resolver) existing(it *item, name, path string) bool {
	host := r.host(name)
	if host == nil && !r.partial {
		r.wrongly(it.name(), path, fmt.Sprintf("there is no host %q", name), func() string { return didYouMean(name, r.names(hostKind), "declare it") })
	}
	if host == nil || host.broken {
		r.breaks(it)
		return false
	}
	return true
}

// host finds a declared host, or nil.
func (r *resolver) host(name string) *item {
	i, known := r.hostItems[name]
	if !known {
		var declared bool
		if i, declared = r.index[MakeID(hostKind, name)]; !declared {
			i = -1
		}
		r.hostItems[name] = i
	}
	if i < 0 {
		return nil
	}
	return &r.items[i]
}

// labelled finds the hosts that carry all labels, sorted by name.
func (r *resolver) labelled(it *item, labels map[string]string) []string {
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
		r.noHost(it.name(), labels, r.labelValues())
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
	it := r.host(host)
	if it == nil || it.object == nil || it.broken {
		return nil
	}
	if carried, ok := r.carried[host]; ok {
		return carried
	}
	var spec struct {
		Site   string            `json:"site"`
		Labels map[string]string `json:"labels"`
	}
	if json.Unmarshal(it.object.Spec, &spec) != nil {
		return nil
	}
	carried := map[string]string{}
	maps.Copy(carried, spec.Labels)
	carried["site"], carried["host"] = spec.Site, host
	r.carried[host] = carried
	return carried
}

func (r *resolver) anyBroken(kind string) bool {
	return r.broken > 0 && slices.ContainsFunc(r.items, func(it item) bool { return it.broken && it.name().Kind() == kind })
}
