package diff_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// center is a modelled datacenter of the real kinds: racks of a hundred objects, all of which are applied and live as declared.
type center struct {
	kinds     *actuators.Registry
	objects   []schema.Declaration
	want      *schema.Graph
	inventory inventory.Inventory
	looks     []*diff.Look
}

// newCenter has about n objects. CUE evaluates one rack; the others are copies of it under other names.
func newCenter(t testing.TB, n int) *center {
	t.Helper()
	c := &center{kinds: all.Registry(), inventory: inventory.Inventory{}}
	c.objects = evaluated(t, "site.cue", "package x\nimport \"plumbline.internal/schema\"\nschema.#Topology & {site: boston: public: [\"100.0.0.0/8\"]}\n")
	rack := evaluated(t, "rack.cue", rackText(23))
	for i := range max(1, n/100) {
		c.objects = append(c.objects, copied(rack, i)...)
	}
	c.want = c.load(t)
	c.enact(t)
	return c
}

// rackText is the CUE of rack r00000, with a disk, a VM, a NAT and a record for each service.
func rackText(services int) string {
	var b strings.Builder
	b.WriteString(`package x
import "plumbline.internal/schema"
schema.#Topology & {
	host: r00000: {site: "boston", labels: rack: "r00000"}
	pool: r00000: {host: "r00000", dir: "/pool"}
	bridge: r00000: {host: "r00000", ports: ["eth1"]}
	network: r00000: {host: "r00000", bridge: "r00000", cidr: "10.77.77.0/24", gateway: "10.77.77.1"}
	zone: "r00000.lan": {host: "r00000", server: "127.0.0.1:53", key: {name: "k", secret: "k"}}
`)
	for i := range services {
		fmt.Fprintf(&b, "\tvolume: \"r00000-%d\": {pool: \"r00000\", size: \"64Mi\"}\n", i)
		fmt.Fprintf(&b, "\tvm: \"r00000-%d\": {host: \"r00000\", cpu: {now: 1, max: 2}, memory: {now: \"128Mi\", max: \"256Mi\"}, disks: [{volume: \"r00000-%d\"}], ", i, i)
		fmt.Fprintf(&b, "nics: [{network: \"r00000\", address: \"10.77.77.%d\"}], ready: {tcp: 80, timeout: \"60s\"}}\n", 10+i)
		fmt.Fprintf(&b, "\tnat: \"r00000-%d\": {host: \"r00000\", public: \"100.77.77.%d\", to: \"10.77.77.%d\", network: \"r00000\", ports: [80]}\n", i, 10+i, 10+i)
		fmt.Fprintf(&b, "\trecord: \"s%d.r00000.lan\": {zone: \"r00000.lan\", a: [\"100.77.77.%d\"], ttl: 60}\n", i, 10+i)
	}
	b.WriteString("}\n")
	return b.String()
}

// canned is an evaluator that answers with what was evaluated before; src, if not nil, is asked instead and remembered.
type canned struct {
	schema.Evaluation
	real bool
}

func (c *canned) Evaluate(ctx context.Context, src schema.Source) (schema.Evaluation, error) {
	if len(src.Locate) > 0 {
		return schema.Evaluation{Found: make([]schema.Pos, len(src.Locate))}, nil
	}
	if !c.real {
		return c.Evaluation, nil
	}
	var err error
	c.Evaluation, err = schema.Evaluate(ctx, src)
	return schema.Evaluation{Objects: c.Objects, Problems: c.Problems, Partial: true}, err
}

func evaluated(t testing.TB, file, text string) []schema.Declaration {
	t.Helper()
	e := &canned{real: true}
	_, _ = schema.Load(t.Context(), fstest.MapFS{file: {Data: []byte(text)}}, "", all.Registry(), schema.WithEvaluator(e))
	if len(e.Problems) > 0 {
		t.Fatal(schema.Problems(e.Problems))
	}
	return e.Objects
}

func copied(rack []schema.Declaration, n int) []schema.Declaration {
	names := strings.NewReplacer("r00000", fmt.Sprintf("r%05d", n), "77.77", fmt.Sprintf("%d.%d", n/240, n%240))
	out := make([]schema.Declaration, len(rack))
	for i, d := range rack {
		d.ID, d.Spec = schema.ID(names.Replace(string(d.ID))), json.RawMessage(names.Replace(string(d.Spec)))
		d.Dir, d.Pos.File = names.Replace("r00000"), names.Replace("r00000/rack.cue")
		out[i] = d
	}
	return out
}

func (c *center) load(t testing.TB, opts ...schema.Option) *schema.Graph {
	t.Helper()
	opts = append(opts, schema.WithEvaluator(&canned{Evaluation: schema.Evaluation{Objects: c.objects}}))
	g, err := schema.Load(context.Background(), fstest.MapFS{}, "c1", c.kinds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (c *center) input() diff.Input {
	return diff.Input{Want: c.want, World: diff.NewWorld(c.looks...), Inventory: c.inventory, Kinds: c.kinds, Installation: ours}
}

// enact makes everything live and applied as the predictions of the operations say.
func (c *center) enact(t testing.TB) {
	t.Helper()
	looks := map[schema.Instance]*diff.Look{}
	look := func(n *schema.Node) *diff.Look {
		key := schema.MakeID(n.ID.Kind(), "").On(n.Host)
		if looks[key] == nil {
			looks[key] = &diff.Look{Host: n.Host, Kind: n.ID.Kind(), All: true}
			c.looks = append(c.looks, looks[key])
		}
		return looks[key]
	}
	for _, n := range c.want.Nodes {
		if kind, _ := c.kinds.Kind(n.ID.Kind()); !kind.Changes() {
			look(n).Found = append(look(n).Found, actuators.Observed{ID: n.ID, State: json.RawMessage(`{"config":{},"status":{}}`)})
		}
		look(n)
	}
	r := diff.Compute(c.input())
	for _, f := range r.Refusals {
		t.Fatalf("%s is %s: %s", f.Instance, f.Class, f.Text)
	}
	for _, change := range r.Changes {
		kind, _ := c.kinds.Kind(change.Instance.ID.Kind())
		c.inventory[change.Instance] = change.Entry
		if !kind.Changes() {
			continue
		}
		state := json.RawMessage(nil)
		for _, step := range change.Steps {
			op, _ := kind.Op(step.Op)
			after, err := op.Predict(step.Params, state)
			if err != nil {
				t.Fatal(err)
			}
			state = after
		}
		seen := actuators.Observed{ID: change.Instance.ID, State: state}
		if !kind.Unmarked {
			seen.Mark = &actuators.Mark{Installation: ours, ID: change.Instance.ID, Hash: change.Hash}
		}
		n := c.want.Node(change.Instance)
		look(n).Found = append(look(n).Found, seen)
	}
}

func TestACenterHasNothingLeftToDo(t *testing.T) {
	c := newCenter(t, 200)
	r := diff.Compute(c.input())
	for _, change := range r.Changes {
		t.Errorf("%s %s: %v", change.Action, change.Instance, change.Diff.Changes)
	}
	for _, f := range r.Refusals {
		t.Errorf("%s: %s", f.Instance, f.Text)
	}
	if len(c.want.Nodes) < 190 {
		t.Errorf("only %d instances", len(c.want.Nodes))
	}
}
