package drift

import (
	"slices"
	"strings"
	"testing"

	"plumbline/schema"
)

// notLive are the declared fields that no one can tamper with on a host, and why. A path ends with "*" for all below it; one
// that begins with "*." is of every kind.
var notLive = map[string]string{
	"*.manage": ours, "*.was": ours, "*.drift": ours, "*.protect": ours, "*.self": ours,
	"*.hosts": "where it lives: the whole object is taken away, see host",
	"site.*":  "a site is names for people and ranges for checks; no host holds any of it",

	"host.site": placement, "host.labels": placement,
	"host.ssh":          "how the controller reaches it; another machine behind it is told by its identity, see plumb trust host",
	"host.age":          "a public key that people encrypt for; its other half is read when a secret is opened",
	"host.address":      "where people find it; nothing is set by it",
	"host.hardware":     "its parts are",
	"address.network":   scope,
	"balancer.network":  scope,
	"nat.network":       scope,
	"vip.network":       scope,
	"record.scope":      scope,
	"record.zone":       "where the name is asked for; a record that left its zone is gone",
	"balancer.backends": "its parts are",
	"balancer.check*":   "asked once, before a backend enters",
	"firewall.deny":     "its parts are",
	"firewall.allow":    "its parts are",
	"image.source":      "where the file was fetched from; what counts is its checksum",
	"network.cidr":      "known to checks alone: a bridged network of libvirt has no addresses",
	"network.gateway":   "what guests are told: see vm.nics.address",
	"nat.host":          "the last of its ports is the object: see nat.ports",
	"vm.cpu":            "its parts are",
	"vm.memory":         "its parts are",
	"vm.disks":          "its parts are",
	"vm.nics":           "its parts are",
	"vm.stop":           "its parts are",
	"vm.ready*":         "asked once, when the VM was started",
	"vm.accel":          "fixed when it is defined, and libvirt defines no domain for an accelerator that the machine lacks",
	"volume.from":       "what the volume began as; what it holds since is its guest's",
	"zone.key*":         "what a look is made with: without it the zone and its records are unknown, which is told of the host",
}

const (
	ours      = "Plumbline's own; no host knows of it"
	placement = "names for placement; no host holds them"
	scope     = "which range an address is checked against; the address itself is what is live"
)

// TestEachDeclaredFieldIsTamperedWith goes by the schema: a new field is tampered with, or said why it cannot be.
func TestEachDeclaredFieldIsTamperedWith(t *testing.T) {
	var tampered []string
	for _, c := range everything() {
		for _, one := range c.all {
			tampered = append(tampered, strings.Fields(one.field)...)
		}
	}
	used, all := map[string]bool{}, map[string]bool{}
	for _, kind := range schema.KindNames() {
		if kind == "approve" || kind == "ignore" { // words about objects, no kinds
			continue
		}
		guide, err := schema.Explain(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range paths(guide) {
			all[field] = true
			why := reason(field, used)
			switch done := slices.Contains(tampered, field); {
			case !done && why == "":
				t.Errorf("%s: nobody tampers with it, and nothing says that it has no live state", field)
			case done && why != "":
				t.Errorf("%s: it is tampered with, and it is said that it cannot be: %s", field, why)
			}
		}
	}
	for _, field := range tampered {
		if !all[field] {
			t.Errorf("%s is tampered with, and the schema has no such field", field)
		}
	}
	for field := range notLive {
		if !used[field] {
			t.Errorf("%s is said to have no live state, and the schema has no such field", field)
		}
	}
}

// paths are the fields of a kind, and those below them.
func paths(g schema.Guide) (out []string) {
	for _, field := range g.Fields {
		out = append(append(out, field.Path), paths(field)...)
	}
	return out
}

// reason says why a field is not live; "" when nothing does.
func reason(field string, used map[string]bool) string {
	kind, rest, _ := strings.Cut(field, ".")
	best := ""
	for pattern, why := range notLive {
		begin, open := strings.CutSuffix(pattern, "*")
		switch {
		case pattern == "*."+rest, pattern == field, open && begin != "" && strings.HasPrefix(field, begin), pattern == kind+".*":
			used[pattern], best = true, why
		}
	}
	return best
}
