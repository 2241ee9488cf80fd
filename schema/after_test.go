package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shared is gates that all answer on one public address, and names that need it.
func shared(gates, names int) *dictated {
	d := &dictated{}
	d.declare(4, "net/n", `{"host":"h","cidr":"192.0.2.0/24"}`)
	for n := range gates {
		d.declare(10+n, MakeID("gate", fmt.Sprintf("g%06d", n)), `{"host":"h","net":"n","public":"203.0.113.3","to":"198.51.100.1"}`)
	}
	for n := range names {
		d.declare(10+gates+n, MakeID("name", fmt.Sprintf("n%06d", n)), `{"a":"203.0.113.3"}`)
	}
	return d
}

// graph resolves what the evaluator says.
func (d *dictated) graph(t *testing.T, cache *Cache) *Graph {
	t.Helper()
	opts := []Option{WithEvaluator(d), WithSchema(testSchema(t))}
	if cache != nil {
		opts = append(opts, WithCache(cache))
	}
	g, err := Load(t.Context(), newTree(map[string][]byte{"a/a.cue": []byte("package a\n")}), "", testKinds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (d *dictated) ground() *dictated {
	d.declare(1, "site/boston", `{}`)
	d.declare(2, "host/h", `{"site":"boston"}`)
	return d
}

// writtenOut is all that a node waits for, in full: what it refers to, and of each fact that it needs all providers but
// its own object.
func writtenOut(g *Graph, node *Node) []Instance {
	all := slices.Clone(node.After)
	for _, need := range node.Needs {
		for _, other := range g.Nodes {
			provides := slices.ContainsFunc(other.Provides, func(u Use) bool { return u.Fact == need.Fact })
			if provides && other.ID != node.ID {
				all = append(all, other.Instance)
			}
		}
	}
	slices.SortFunc(all, Instance.Compare)
	return slices.Compact(all)
}

// TestManyNeedsOfManyProvidersAreLinear counts what is kept when all need what all provide: each waits for all, and who
// provides it is listed once.
func TestManyNeedsOfManyProvidersAreLinear(t *testing.T) {
	const each = 10_000
	g := shared(each, each).ground().graph(t, nil)
	lists, elements, waits := map[*int32]bool{}, 0, 0
	for _, node := range g.Nodes {
		elements += len(node.After)
		for _, need := range node.Needs {
			providers := g.Providers(need.Fact)
			if node.ID.Kind() == "name" {
				waits += len(providers)
			}
			if len(providers) > 0 && !lists[&providers[0]] {
				lists[&providers[0]] = true
				elements += len(providers)
			}
		}
	}
	if waits != each*each {
		t.Errorf("the names wait for %d instances in all, wanted %d", waits, each*each)
	}
	if elements > 5*each {
		t.Errorf("%d elements are kept for %d nodes", elements, len(g.Nodes))
	}
}

// TestFactsSayWhatEachNeeds adds and removes providers, some of whom need the fact themselves, and compares each node with
// what it must wait for.
func TestFactsSayWhatEachNeeds(t *testing.T) {
	cache := NewCache("")
	for _, gates := range []int{7, 8, 9, 30, 30, 29, 10, 2} {
		d := shared(gates, 3).ground()
		d.declare(5, "net/public", `{"host":"h","cidr":"198.51.100.0/25"}`)
		d.declare(6, "gate/self", `{"host":"h","net":"public","public":"203.0.113.3","to":"203.0.113.3"}`)
		d.declare(7, "box/b", `{"host":"h","waits":[{"net":"public","address":"203.0.113.3"}]}`)
		g, fresh := d.graph(t, cache), d.graph(t, nil)
		if describe(g) != describe(fresh) {
			t.Errorf("%d gates: after other loads\n%s\nwanted\n%s", gates, describe(g), describe(fresh))
		}
		for i, node := range g.Nodes {
			if !slices.Equal(node.After, fresh.Nodes[i].After) || !slices.Equal(node.Needs, fresh.Nodes[i].Needs) {
				t.Errorf("%d gates: %s waits for %d, in a fresh load for %d", gates, node.Instance, len(node.After), len(fresh.Nodes[i].After))
			}
			for _, need := range node.Needs {
				var want []int32
				for n, other := range g.Nodes {
					if slices.ContainsFunc(other.Provides, func(u Use) bool { return u.Fact == need.Fact }) {
						want = append(want, int32(n))
					}
				}
				if got := g.Providers(need.Fact); !slices.Equal(got, want) || !slices.Equal(got, fresh.Providers(need.Fact)) {
					t.Errorf("%d gates: %s is provided by %v, wanted %v", gates, need.Fact, got, want)
				}
			}
			if id := node.ID; id != "gate/self" && id != "box/b" && id.Kind() != "name" {
				continue
			}
			all := writtenOut(g, node)
			for _, other := range g.Nodes {
				needed := other.ID.Kind() == "gate" && other.ID != node.ID
				if needed != (slices.Contains(all, other.Instance) && other.ID.Kind() == "gate") {
					t.Errorf("%d gates: does %s wait for %s? wanted %t", gates, node.Instance, other.Instance, needed)
				}
			}
		}
	}
}

// TestACircleThroughASharedListIsFound is a box that waits for what gates provide, which wait for it. An earlier, sound load
// does not hide it.
func TestACircleThroughASharedListIsFound(t *testing.T) {
	const ring = `{"host":"h","nics":[{"net":"n","address":"198.51.100.1"}],"waits":[%s]}`
	cache := NewCache("")
	sound := shared(30, 1).ground()
	sound.declare(5, "box/b", ring, "")
	sound.graph(t, cache)
	d := shared(30, 1).ground()
	d.declare(5, "box/b", ring, `{"net":"public","address":"203.0.113.3"}`)
	_, err := Load(t.Context(), newTree(map[string][]byte{"a/a.cue": []byte("package a\n")}), "", testKinds, WithEvaluator(d), WithSchema(testSchema(t)), WithCache(cache))
	if err == nil || !strings.Contains(err.Error(), "waits for itself: box/b@h → gate/g000000@h → box/b@h") {
		t.Errorf("got %v", err)
	}
}

// TestAPushGivesTheSameNodes holds that what a push does not touch is the very same in the next graph.
func TestAPushGivesTheSameNodes(t *testing.T) {
	cache := NewCache("")
	before := shared(20, 20).ground().graph(t, cache)
	d := shared(20, 20).ground()
	at := slices.IndexFunc(d.objects, func(o Declaration) bool { return o.ID == "gate/g000007" })
	d.objects[at].Spec = json.RawMessage(`{"host":"h","net":"n","public":"203.0.113.3","to":"198.51.100.2"}`)
	moved := slices.IndexFunc(d.objects, func(o Declaration) bool { return o.ID == "gate/g000008" })
	d.objects[moved].Pos.Line++
	after := d.graph(t, cache)
	for i, node := range after.Nodes {
		changed := node.ID == "gate/g000007" || node.ID == "gate/g000008"
		if same := node == before.Nodes[i]; same == changed {
			t.Errorf("%s: the same node %t", node.Instance, same)
		}
		if same := node.Object == after.Object(node.ID) && node.Object == before.Object(node.ID); same == changed {
			t.Errorf("%s: the same object %t", node.Instance, same)
		}
	}
}

// TestAKindJudgesAgainOnlyWhatChanged counts how often the boxes are judged together.
func TestAKindJudgesAgainOnlyWhatChanged(t *testing.T) {
	audits := 0
	kinds := &counted{testKinds, &audits}
	cache := NewCache("")
	for _, push := range []struct {
		host, box, gate string
		audits          int
	}{
		{"64Mi", "1", "198.51.100.1", 1},
		{"64Mi", "1", "198.51.100.1", 1},
		{"64Mi", "1", "198.51.100.2", 1}, // no box
		{"64Mi", "2", "198.51.100.2", 2}, // a box
		{"65Mi", "2", "198.51.100.2", 3}, // what the boxes look up
		{"1Mi", "2", "198.51.100.2", 4},
		{"1Mi", "2", "198.51.100.3", 4}, // what was wrong stays wrong
	} {
		d := &dictated{}
		d.declare(1, "site/boston", `{}`)
		d.declare(2, "host/h", `{"site":"boston","hardware":{"memory":%q}}`, push.host)
		d.declare(3, "net/n", `{"host":"h","cidr":"192.0.2.0/24"}`)
		d.declare(4, "box/b", `{"host":"h","memory":%s}`, push.box)
		d.declare(5, "gate/g", `{"host":"h","net":"n","public":"203.0.113.3","to":%q}`, push.gate)
		_, err := Load(t.Context(), newTree(map[string][]byte{"a/a.cue": []byte("package a\n")}), "", kinds, WithEvaluator(d), WithSchema(testSchema(t)), WithCache(cache))
		if wrong := push.host == "1Mi"; wrong != (err != nil) {
			t.Errorf("%+v: got %v", push, err)
		}
		if audits != push.audits {
			t.Errorf("%+v: judged %d times in all", push, audits)
		}
	}
}

// counted counts the audits of boxes.
type counted struct {
	things
	audits *int
}

func (c *counted) Info(kind string) (KindInfo, bool) {
	k, ok := c.things[kind]
	if kind == "box" {
		k.audit = func(all []Declared, look Lookup) []Problem { *c.audits++; return boxAudit(all, look) }
	}
	return k, ok
}
