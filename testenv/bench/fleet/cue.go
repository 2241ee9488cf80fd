package fleet

import (
	"fmt"
	"net/netip"
	"strings"
)

// module names the topology, so that its packages can import each other.
const module = `module: "fleet.example@v0"
language: version: "v0.17.0"
deps: "plumbline.internal/schema@v0": v: "v0.1.0"
`

// sizes is imported by every rack: an edit of it makes all of them dirty.
const sizes = `// Package size is what applications are offered.
package size

#Small: {cpu: {now: 1, max: 2}, memory: {now: "128Mi", max: "256Mi"}, ...}
#Large: {cpu: {now: 2, max: 8}, memory: {now: "512Mi", max: "4Gi"}, ...}
`

// begin opens a file of objects.
func begin(b *strings.Builder, pkg string, imports ...string) {
	fmt.Fprintf(b, "package %s\n\nimport (\n\t\"plumbline.internal/schema\"\n", pkg)
	for _, path := range imports {
		fmt.Fprintf(b, "\t%q\n", path)
	}
	b.WriteString(")\n\nschema.#Topology & {\n")
}

func end(b *strings.Builder) []byte {
	b.WriteString("}\n")
	return []byte(b.String())
}

// Names, each in one place.
func edgeHost(pair, side int) string { return fmt.Sprintf("edge%02d%c", pair, 'a'+side) }
func nameHost(name int) string       { return fmt.Sprintf("ns%d", name) }
func rackHost(rack int) string       { return fmt.Sprintf("jino%03d", rack) }
func bridge(rack int) string         { return fmt.Sprintf("br%03d", rack) }
func network(rack int) string        { return fmt.Sprintf("net-r%03d", rack) }
func pool(rack int) string           { return fmt.Sprintf("pool-r%03d", rack) }
func image(rack int) string          { return fmt.Sprintf("tiny-r%03d", rack) }
func zone(name int) string           { return fmt.Sprintf("z%d.fleet.example", name) }
func app(app int) string             { return fmt.Sprintf("app%05d", app) }

func (f *Fleet) recordName(n int) string { return app(n) + "." + zone(f.zoneOf(n)) }
func (f *Fleet) zoneOf(app int) int      { return app % f.Racks % f.Names }
func (f *Fleet) pairOf(rack int) int     { return rack % f.Pairs }

// port is the public one of the n-th application of a rack; racks of one pair share its address and not a port.
func (f *Fleet) port(rack, n int) int {
	racks := (f.Racks + f.Pairs - 1) / f.Pairs
	return firstPort + n*racks + rack/f.Pairs
}

// public is the virtual address of a pair, of a documentation range (RFC 5737).
func public(pair int) string { return fmt.Sprintf("203.0.113.%d", 10+pair) }

// rackBits is the prefix length of each rack's private network; 10.0.0.0/8 holds 4096 of them.
const rackBits = 20

// private is an address of a rack's network.
func private(rack, n int) netip.Addr {
	v := 10<<24 + uint32(rack)<<(32-rackBits) + uint32(n)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// firstGuest is the last part of the first application's address in its rack.
const firstGuest = 10

// Public ports: of applications, and of the balancers above them.
const (
	firstPort    = 1024
	balancerPort = 50000
)

func (f *Fleet) site() []byte {
	var b strings.Builder
	begin(&b, "site")
	b.WriteString("\tsite: boston: {description: \"a fleet\", public: [\"203.0.113.0/24\"]}\n")
	return end(&b)
}

func (f *Fleet) pair(pair int) []byte {
	var b strings.Builder
	begin(&b, "edges")
	for side := range 2 {
		fmt.Fprintf(&b, "\thost: %s: {site: \"boston\", labels: {role: \"edge\", pair: \"p%02d\"}}\n", edgeHost(pair, side), pair)
	}
	fmt.Fprintf(&b, "\tvip: \"public-p%02d\": {hosts: pair: \"p%02d\", interface: \"eth2\", address: \"%s/24\", vrid: %d}\n", pair, pair, public(pair), 1+pair)
	fmt.Fprintf(&b, "\tfirewall: \"edge-p%02d\": {hosts: pair: \"p%02d\", interfaces: [\"eth2\"], default: \"accept\", deny: [{proto: \"tcp\", ports: [22]}]}\n", pair, pair)
	return end(&b)
}

func (f *Fleet) name(name int) []byte {
	var b strings.Builder
	begin(&b, "names")
	fmt.Fprintf(&b, "\thost: %s: {site: \"boston\", labels: role: \"dns\"}\n", nameHost(name))
	fmt.Fprintf(&b, "\tzone: %q: {host: %q, server: \"127.0.0.1:53\", key: {name: \"tsig-fleet\", secret: \"tsig-fleet\"}}\n", zone(name), nameHost(name))
	return end(&b)
}

// rack is the hypervisor, its storage and network, and the balancer over its applications.
func (f *Fleet) rack(rack int) []byte {
	var b strings.Builder
	host := rackHost(rack)
	begin(&b, "rack")
	fmt.Fprintf(&b, "\thost: %s: {site: \"boston\", labels: {role: \"hypervisor\", rack: \"r%03d\"}}\n", host, rack)
	fmt.Fprintf(&b, "\timage: %q: {host: %q, source: \"file:///srv/tiny.qcow2\", sha256: %q}\n", image(rack), host, strings.Repeat("5a", 32))
	fmt.Fprintf(&b, "\tpool: %q: {host: %q, dir: \"/var/lib/plumb/pools/disks\"}\n", pool(rack), host)
	fmt.Fprintf(&b, "\tbridge: %q: {host: %q, ports: [\"eth1\"]}\n", bridge(rack), host)
	fmt.Fprintf(&b, "\tnetwork: %q: {host: %q, bridge: %q, cidr: \"%s/%d\", gateway: %q}\n", network(rack), host, bridge(rack), private(rack, 0), rackBits, private(rack, 2))
	fmt.Fprintf(&b, "\taddress: \"gw-r%03d\": {host: %q, interface: %q, address: \"%s/%d\", network: %q}\n", rack, host, bridge(rack), private(rack, 2), rackBits, network(rack))
	f.balancer(&b, rack)
	for spare := rack; spare < f.spare(); spare += f.Racks {
		fmt.Fprintf(&b, "\tvolume: \"spare%d\": {pool: %q, size: \"8Mi\"}\n", spare, pool(rack))
	}
	return end(&b)
}

// mostBackends is how many applications of a rack its balancer spreads over.
const mostBackends = 4

// balancer spreads over the first applications of the rack, or over the gateway when there is none.
func (f *Fleet) balancer(b *strings.Builder, rack int) {
	var backends []string
	for n := range f.apps(rack) {
		if n < mostBackends {
			backends = append(backends, fmt.Sprintf("{address: %q, port: 80}", private(rack, firstGuest+n)))
		}
	}
	if backends == nil {
		backends = []string{fmt.Sprintf("{address: %q, port: 80}", private(rack, 2))}
	}
	pair := f.pairOf(rack)
	fmt.Fprintf(b, "\tbalancer: \"web-r%03d\": {hosts: pair: \"p%02d\", public: %q, port: %d, network: %q, backends: [%s]}\n",
		rack, pair, public(pair), balancerPort+rack, network(rack), strings.Join(backends, ", "))
}

// applications are the chains of a rack. A turn that is not 0 changes the first record's time to live.
func (f *Fleet) applications(rack, turn int) []byte {
	var b strings.Builder
	apps := f.apps(rack)
	if len(apps) == 0 {
		return []byte("package rack\n")
	}
	begin(&b, "rack", "fleet.example/lib/size")
	for n, number := range apps {
		ttl := 60
		if n == 0 && turn > 0 {
			ttl = 60 + turn
		}
		f.application(&b, rack, n, number, ttl)
	}
	return end(&b)
}

func (f *Fleet) application(b *strings.Builder, rack, n, number, ttl int) {
	name, pair, address := app(number), f.pairOf(rack), private(rack, firstGuest+n)
	fmt.Fprintf(b, "\tvolume: \"%s-disk\": {pool: %q, size: \"64Mi\", from: %q}\n", name, pool(rack), image(rack))
	fmt.Fprintf(b, "\tvm: %s: size.#Small & {\n\t\thost: %q\n\t\tdisks: [{volume: \"%s-disk\"}]\n\t\tnics: [{network: %q, address: %q}]\n\t\taccel: \"tcg\"\n\t}\n",
		name, rackHost(rack), name, network(rack), address)
	fmt.Fprintf(b, "\tnat: %s: {hosts: pair: \"p%02d\", public: %q, to: %q, network: %q, ports: [{public: %d, to: 80}]}\n",
		name, pair, public(pair), address, network(rack), f.port(rack, n))
	fmt.Fprintf(b, "\trecord: %q: {zone: %q, a: [%q], ttl: %d}\n", f.recordName(number), zone(f.zoneOf(number)), public(pair), ttl)
}
