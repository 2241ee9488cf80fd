package crash

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/testenv/sim"
)

// scene is what was applied, and what is to be applied while the controller dies.
type scene struct {
	name   string
	before string // "" = nothing was applied
	after  string
	atomic bool
}

const ground = `site: boston: public: ["203.0.113.0/24"]
	host: jino0: site: "boston"
	host: edge1: site: "boston"
	host: edge2: site: "boston"
	host: ns1: site: "boston"
	pool: images: {host: "jino0", dir: "/srv/images"}
	bridge: app: {host: "jino0", ports: ["eth1"]}
	network: "app-boston": {host: "jino0", bridge: "app", cidr: "10.1.1.0/24"}
	zone: "mycompany.com": {host: "ns1", server: "127.0.0.1:53", key: {name: "tsig", secret: "tsig"}}
`

func machine(name, memory, address string) string {
	return `
	volume: "` + name + `-disk": {pool: "images", size: "64Mi"}
	vm: "` + name + `": {host: "jino0", cpu: {now: 1, max: 2}, memory: {now: "` + memory + `", max: "512Mi"}, disks: [{volume: "` + name + `-disk"}], nics: [{network: "app-boston", address: "` + address + `"}]}
`
}

func record(name, address string) string {
	return `
	record: "` + name + `.mycompany.com": {zone: "mycompany.com", a: ["` + address + `"], ttl: 60}
`
}

const (
	forward = `
	nat: payroll: {hosts: ["edge1", "edge2"], public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [80]}
`
	edges = `
	address: one: {host: "edge1", interface: "eth1", address: "10.1.1.3/24", network: "app-boston"}
	address: two: {host: "edge2", interface: "eth1", address: "10.1.1.4/24", network: "app-boston"}
`
)

// renamed is the machine pay as payroll: its disk is off the guest's hands only when the guest is, so the file keeps its name.
const renamed = `
	volume: "payroll-disk": {was: "pay-disk", pool: "images", size: "128Mi", file: "pay-disk.qcow2"}
	vm: payroll: {was: "pay", host: "jino0", cpu: {now: 1, max: 2}, memory: {now: "128Mi", max: "512Mi"}, disks: [{volume: "payroll-disk"}], nics: [{network: "app-boston", address: "10.1.1.12"}]}
`

var (
	payroll = machine("payroll", "128Mi", "10.1.1.12")
	records = record("a", "198.51.100.3") + record("b", "198.51.100.3") + record("c", "198.51.100.3") + record("d", "198.51.100.3")
	scenes  = []scene{
		{name: "create", before: ground, after: ground + payroll + forward + record("payroll", "203.0.113.3")},
		{name: "ground", after: ground},
		{name: "update", before: ground + payroll + forward, after: ground + machine("payroll", "256Mi", "10.1.1.12") + forward},
		{name: "remove", before: ground + payroll + forward + record("payroll", "203.0.113.3"), after: ground},
		{name: "move", before: ground + payroll + machine("other", "128Mi", "10.1.1.13"), after: ground + machine("payroll", "128Mi", "10.1.1.14") + machine("other", "128Mi", "10.1.1.12")},
		{name: "two hosts", before: ground + payroll, after: ground + payroll + forward + edges},
		{name: "confirm", before: ground + edges, after: ground + `
	address: one: {host: "edge1", interface: "eth1", address: "10.1.1.5/24", network: "app-boston"}
	address: three: {host: "edge1", interface: "eth1", address: "10.1.1.6/24", network: "app-boston"}
	bridge: lan: {host: "edge2", ports: ["eth2"]}
`},
		{name: "batch", before: ground + record("a", "198.51.100.3") + record("gone", "198.51.100.3"), after: ground + records},
		{name: "batch update", before: ground + records, after: ground + record("a", "198.51.100.4") + record("b", "198.51.100.4") + record("c", "198.51.100.3")},
		{name: "retire one, make another", before: ground + payroll, after: ground + machine("second", "128Mi", "10.1.1.12")},
		{name: "rename", before: ground + machine("pay", "128Mi", "10.1.1.12") + forward, after: ground + renamed + forward},
		{name: "rename what routes", before: ground + payroll + forward + edges + `
	bridge: lan: {host: "edge2", ports: ["eth2"]}
`, after: ground + payroll + `
	nat: wages: {was: "payroll", hosts: ["edge1", "edge2"], public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [80, 443]}
	address: uno: {was: "one", host: "edge1", interface: "eth1", address: "10.1.1.3/24", network: "app-boston"}
	address: two: {host: "edge2", interface: "eth1", address: "10.1.1.4/24", network: "app-boston"}
	bridge: cable: {was: "lan", host: "edge2", interface: "lan", ports: ["eth2"]}
`},
		{name: "atomic", before: ground + payroll, after: ground + payroll + edges + record("a", "198.51.100.3"), atomic: true},
		{name: "lanes", before: ground, after: ground + edges + record("a", "198.51.100.3") + machine("x", "128Mi", "10.1.1.20")},
	}
)

// stage is a scene that can be played from its beginning, again and again.
type stage struct {
	scene
	world   *sim.World
	journal []byte              // the state when the plan is about to run
	prior   inventory.Inventory // and what it holds
	plan    *plan.Plan
	want    *schema.Graph
	start   picture // what is there at the beginning
	end     picture // and when all went through
}

func load(t testing.TB, body string) *schema.Graph {
	t.Helper()
	text := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\t" + body + "\n}\n"
	g, err := schema.Load(context.Background(), fstest.MapFS{"site.cue": {Data: []byte(text)}}, "c", all.Registry())
	must(t, err)
	return g
}

// set puts a scene on the stage.
func set(t testing.TB, s scene) *stage {
	t.Helper()
	st := &stage{scene: s, want: load(t, s.after)}
	at := filepath.Join(memory(t), "journal.db")
	clock := newClock()
	st.world = sim.New(all.Registry(), sim.Options{Now: clock.now})
	store, err := journal.Open(at, journal.Options{Version: "test"})
	must(t, err)
	if s.before != "" {
		applied(t, st.world, store, clock, load(t, s.before), "before")
	}
	st.plan = planned(t, st.world, store, st.want, "p", s.atomic)
	st.prior, err = store.Inventory()
	must(t, err)
	must(t, store.Close())
	st.journal, err = os.ReadFile(at)
	must(t, err)
	st.start = see(t, st.world, st.plan)

	world, err := st.world.Clone(clock.now)
	must(t, err)
	store, err = journal.Open(at, journal.Options{Version: "test"})
	must(t, err)
	applied(t, world, store, clock, st.want, "whole")
	must(t, store.Close())
	st.end = see(t, world, st.plan)
	return st
}

// applied brings a world to a topology, without any crash.
func applied(t testing.TB, w *sim.World, store *journal.Store, clock *clock, want *schema.Graph, id string) {
	t.Helper()
	p := planned(t, w, store, want, id, false)
	if len(p.Refusals) > 0 {
		t.Fatalf("%s: %+v", id, p.Refusals)
	}
	result, err := run.Run(context.Background(), run.Input{Plan: p, Store: store, Hosts: hosts{world: w}, Kinds: all.Registry(), Parallel: 1, Now: clock.now, Sleep: clock.sleep})
	must(t, err)
	if result.Verdict != run.Applied {
		t.Fatalf("%s: %s %+v", id, result.Verdict, result.Lanes)
	}
	if p := planned(t, w, store, want, id+" again", false); len(p.Changes) > 0 || len(p.Refusals) > 0 {
		data, _ := json.Marshal(p.Changes)
		t.Fatalf("%s: the plan after it is not empty: %s %s %+v", id, p.Summary(), data, p.Refusals)
	}
}

// hosts are connections to a world in which nobody dies.
type hosts struct{ world *sim.World }

func (h hosts) Get(ctx context.Context, host string) (exec.Executor, error) {
	return h.world.Dial(ctx, host, "")
}
func (h hosts) Fresh(ctx context.Context, host string) (exec.Executor, error) {
	return h.world.Dial(ctx, host, "")
}
func (h hosts) Drop(string) {}

// memory is a directory where a sync costs nothing.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "plumb-crash-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
