// Package fleet writes topologies of any size, all of one shape, so that everything that is measured is measured on the same
// thing: racks with a hypervisor each, pairs of edges, name servers, and applications that are chains of volume, VM, NAT and
// record. It uses every kind, shared imports, and one package for each rack.
//
// It is for benchmarks and tests only.
package fleet

import (
	"fmt"
	"path"
	"testing/fstest"
)

// The most hosts that a fleet has; larger ones have more on each.
const mostHosts = 500

// Fleet is a topology of a given number of objects. The same number gives the same bytes.
type Fleet struct {
	Objects int // that are declared, exactly
	Hosts   int
	Racks   int // each with one hypervisor and a package of its own
	Pairs   int // of edges
	Names   int // name servers, each with a zone
	Apps    int // chains of volume, VM, NAT and record
}

// Least is the smallest fleet that has one of everything.
const Least = 40

// New plans a fleet of n objects; fewer than Least are made Least.
func New(n int) *Fleet {
	f := &Fleet{Objects: max(n, Least)}
	f.Hosts = min(max(f.Objects/20, 4), mostHosts)
	f.Pairs = max(1, f.Hosts/50)
	f.Names = max(1, f.Hosts/250)
	f.Racks = f.Hosts - 2*f.Pairs - f.Names
	f.Apps = (f.Objects - f.ground()) / len(chain)
	return f
}

// What each part declares, apart from its applications.
var (
	perPair = []string{"host", "host", "vip", "firewall"}
	perName = []string{"host", "zone"}
	perRack = []string{"host", "image", "pool", "bridge", "network", "address", "balancer"}
	chain   = []string{"volume", "vm", "nat", "record"}
)

// ground is how many objects stand without any application: the site and what serves all.
func (f *Fleet) ground() int {
	return 1 + f.Pairs*len(perPair) + f.Names*len(perName) + f.Racks*len(perRack)
}

// spare is what is left when no whole chain fits any more; it is filled with volumes.
func (f *Fleet) spare() int { return f.Objects - f.ground() - f.Apps*len(chain) }

// apps are those of one rack: their numbers, counted over all racks.
func (f *Fleet) apps(rack int) []int {
	var out []int
	for app := rack; app < f.Apps; app += f.Racks {
		out = append(out, app)
	}
	return out
}

// Rack is the package directory of a rack.
func Rack(rack int) string { return fmt.Sprintf("racks/r%03d", rack) }

// Files is the whole topology by path.
func (f *Fleet) Files() map[string][]byte {
	files := map[string][]byte{
		"cue.mod/module.cue": []byte(module),
		"lib/size/size.cue":  []byte(sizes),
		"site/site.cue":      f.site(),
	}
	for pair := range f.Pairs {
		files[fmt.Sprintf("edges/p%02d.cue", pair)] = f.pair(pair)
	}
	for name := range f.Names {
		files[fmt.Sprintf("names/n%d.cue", name)] = f.name(name)
	}
	for rack := range f.Racks {
		files[path.Join(Rack(rack), "rack.cue")] = f.rack(rack)
		files[path.Join(Rack(rack), "apps.cue")] = f.applications(rack, 0)
	}
	return files
}

// Turns is how many racks have applications: as many pushes in a row change a record each.
func (f *Fleet) Turns() int { return min(f.Racks, f.Apps) }

// Push is a change of one file: the time to live of one record of some rack. The same turn gives the same bytes, and
// another one differs from what turn 0, Files, says of that rack.
func (f *Fleet) Push(turn int) (file string, data []byte) {
	rack := turn % f.Turns()
	return path.Join(Rack(rack), "apps.cue"), f.applications(rack, turn)
}

// Record is the instance that a push changes: its ID and its host.
func (f *Fleet) Record(turn int) (id, host string) {
	app := turn % f.Turns()
	return "record/" + f.recordName(app), nameHost(f.zoneOf(app))
}

// FS is the topology as a file system. It has no hashes of trees, as a Git commit has.
func (f *Fleet) FS() fstest.MapFS {
	tree := fstest.MapFS{}
	for name, data := range f.Files() {
		tree[name] = &fstest.MapFile{Data: data}
	}
	return tree
}

// VM is the name and the host of an application's VM.
func (f *Fleet) VM(n int) (name, host string) { return app(n), rackHost(n % f.Racks) }
