package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/fstest"

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
	for _, n := range []int{1, fleet.Least, 100, 101, 102, 103, 2500} {
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

// A hundred thousand objects stay within 500 hosts, and every push changes one record of one file.
func TestPushChangesOneRecord(t *testing.T) {
	if f := fleet.New(100_000); f.Hosts != 500 || f.Apps < 20_000 {
		t.Errorf("%+v", f)
	}
	f := fleet.New(200)
	tree := f.FS()
	before := load(t, tree)
	for turn := 1; turn < 20; turn++ {
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
