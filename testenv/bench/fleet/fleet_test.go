package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline/actuators/all"
	"plumbline/schema"
	"plumbline/testenv/bench/fleet"
)

func load(t *testing.T, tree fstest.MapFS) *schema.Graph {
	t.Helper()
	g, err := schema.Load(context.Background(), tree, "c", all.Registry())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFleetDeclaresExactlyWhatWasAskedFor(t *testing.T) {
	for _, n := range []int{1, fleet.Least, 103} {
		f := fleet.New(n)
		g := load(t, f.FS())
		if len(g.Objects) != f.Objects || f.Objects != max(n, fleet.Least) {
			t.Errorf("asked for %d objects: %d are declared, %d are told", n, len(g.Objects), f.Objects)
		}
		hosts := 0
		for _, o := range g.Objects {
			if o.ID.Kind() == "host" {
				hosts++
			}
		}
		if hosts != f.Hosts {
			t.Errorf("%d objects: %d hosts are declared, %d are told", n, hosts, f.Hosts)
		}
	}
}

func TestFleetUsesEveryKind(t *testing.T) {
	used := map[string]bool{}
	for _, o := range load(t, fleet.New(100).FS()).Objects {
		used[o.ID.Kind()] = true
	}
	for _, kind := range all.Registry().Names() {
		if !used[kind] {
			t.Errorf("no %s in a fleet", kind)
		}
	}
}

// A kind tells facts of what it has just resolved; the graph keeps the spec, from which they are told again.
func TestFactsAreThoseOfTheResolvedSpec(t *testing.T) {
	for _, n := range load(t, fleet.New(100).FS()).Nodes {
		kind, _ := all.Registry().Kind(n.ID.Kind())
		facts, err := kind.Facts(n.Instance, n.Spec)
		got := schema.Facts{Provides: n.Provides, Needs: n.Needs, Ranges: facts.Ranges, Share: n.Share}
		if diff := cmp.Diff(facts, got, cmpopts.EquateComparable(netip.Prefix{})); err != nil || diff != "" {
			t.Errorf("%s: %v %s", n.Instance, err, diff)
		}
	}
}

// Racks of one pair of edges share its address and no port. (Loading so many would say so, and take long.)
func TestPublicPortsAreUnique(t *testing.T) {
	port := regexp.MustCompile(`public: "([0-9.]+)",(?: port:| .*ports: \[\{public:) ([0-9]+)`)
	taken := map[string]bool{}
	for name, data := range fleet.New(20_000).Files() {
		for _, found := range port.FindAllStringSubmatch(string(data), -1) {
			key := found[1] + ":" + found[2]
			if taken[key] {
				t.Fatalf("%s: %s is taken twice", name, key)
			}
			taken[key] = true
		}
	}
	if len(taken) < 4000 {
		t.Errorf("only %d ports", len(taken))
	}
}

// A hundred thousand objects stay within 500 hosts, and every push changes one record of one file.
func TestPushChangesOneRecord(t *testing.T) {
	if f := fleet.New(100_000); f.Hosts != 500 || f.Apps < 20_000 {
		t.Errorf("%+v", f)
	}
	f := fleet.New(150)
	tree := f.FS()
	before := load(t, tree)
	for turn := 1; turn < 8; turn++ {
		file, data := f.Push(turn)
		if bytes.Equal(tree[file].Data, data) {
			t.Fatalf("push %d changes nothing", turn)
		}
		tree[file] = &fstest.MapFile{Data: data}
		after := load(t, tree)
		id, host := f.Record(turn)
		var changed []string
		for _, n := range after.Nodes {
			if old := before.Node(n.Instance); old == nil || old.Hash != n.Hash {
				changed = append(changed, n.Instance.String())
			}
		}
		if want := []string{id + "@" + host}; fmt.Sprint(changed) != fmt.Sprint(want) {
			t.Fatalf("push %d changes %v, want %v", turn, changed, want)
		}
		before = after
	}
}

// What other tools are given is what the topology declares.
func TestOutlineIsTheTopology(t *testing.T) {
	f := fleet.New(203)
	declared := map[string]bool{}
	for _, o := range load(t, f.FS()).Objects {
		declared[string(o.ID)] = true
	}
	for _, o := range f.Outline() {
		if !declared[o.ID] {
			t.Errorf("%s is not declared, or listed twice", o.ID)
		}
		delete(declared, o.ID)
		for _, need := range o.After {
			if declared[need] {
				t.Errorf("%s comes before %s, which it needs", o.ID, need)
			}
		}
	}
	if len(declared) > 0 {
		t.Errorf("not in the outline: %v", declared)
	}
}
