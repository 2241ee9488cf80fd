package schema

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// thing is a kind of the tests.
type thing struct {
	where   Where
	outline func(spec thingSpec) Outline
	facts   func(i Instance, spec thingSpec) Facts
	audit   func(all []Declared, look Lookup) []Problem
}

// thingSpec has the fields of all test kinds.
type thingSpec struct {
	Site, Store, Behind, CIDR, Public, To, Net, A, MAC string
	Memory                                             int
	Disks                                              []struct{ Disk string }
	NICs, Waits                                        []struct{ Net, Address string }
	Hardware                                           struct{ Memory string }
}

func read(spec json.RawMessage) (s thingSpec) {
	if err := json.Unmarshal(spec, &s); err != nil {
		panic(err)
	}
	return s
}

func (k thing) Where() Where { return k.where }
func (k thing) Ground() bool { return false }

func (k thing) Outline(_ ID, spec json.RawMessage) (Outline, error) {
	if k.outline == nil {
		return Outline{}, nil
	}
	return k.outline(read(spec)), nil
}

func (k thing) Resolve(id ID, at Place, spec json.RawMessage, look Lookup) (json.RawMessage, Facts, []Problem) {
	for _, e := range k.mustOutline(spec).Edges {
		if _, _, ok := look(e.To); !ok {
			return nil, Facts{}, []Problem{{Object: id, Path: e.Path, Text: "resolved before its references were checked"}}
		}
	}
	if k.facts == nil {
		return spec, Facts{}, nil
	}
	return spec, k.facts(id.On(at.Host), read(spec)), nil
}

func (k thing) mustOutline(spec json.RawMessage) Outline {
	o, _ := k.Outline("", spec)
	return o
}

func (k thing) Audit(all []Declared, look Lookup) []Problem {
	if k.audit == nil {
		return nil
	}
	return k.audit(all, look)
}

// things is the set of test kinds.
type things map[string]thing

func (t things) Names() []string { return slices.Sorted(maps.Keys(t)) }

func (t things) Info(kind string) (KindInfo, bool) {
	k, ok := t[kind]
	return k, ok
}

var testKinds = things{
	"site": {where: OnController},
	"host": {where: OnItself, outline: func(s thingSpec) Outline {
		return Outline{Edges: []Edge{{Path: "site", To: MakeID("site", s.Site)}}}
	}},
	"store": {where: OnHost},
	"disk": {where: OnHost, outline: func(s thingSpec) Outline {
		o := Outline{Home: MakeID("store", s.Store), Edges: []Edge{{Path: "store", To: MakeID("store", s.Store)}}}
		if s.Behind != "" {
			o.Edges = append(o.Edges, Edge{Path: "behind", To: MakeID("disk", s.Behind)})
		}
		return o
	}},
	"net": {where: OnHost, facts: func(i Instance, s thingSpec) Facts {
		return Facts{Ranges: []Range{{Type: "addr", Scope: i.ID.Name(), Prefix: netip.MustParsePrefix(s.CIDR).Masked()}}}
	}},
	"box":  {where: OnHost, outline: boxOutline, facts: boxFacts, audit: boxAudit},
	"gate": {where: OnHost, outline: gateOutline, facts: gateFacts},
	"name": {where: OnController, facts: func(_ Instance, s thingSpec) Facts {
		return Facts{Needs: []Use{{Fact: Fact{"addr", "public", s.A}, Path: "a"}}}
	}},
}

func boxOutline(s thingSpec) (o Outline) {
	for i, d := range s.Disks {
		if d.Disk != "" {
			o.Edges = append(o.Edges, Edge{Path: fmt.Sprintf("disks.%d.disk", i), To: MakeID("disk", d.Disk)})
		}
	}
	for i, n := range s.NICs {
		o.Edges = append(o.Edges, Edge{Path: fmt.Sprintf("nics.%d.net", i), To: MakeID("net", n.Net)})
	}
	return o
}

func boxFacts(_ Instance, s thingSpec) (f Facts) {
	for i, n := range s.NICs {
		if n.Address != "" {
			f.Provides = append(f.Provides, Use{Fact: Fact{"addr", n.Net, n.Address}, Exclusive: true, Path: fmt.Sprintf("nics.%d.address", i)})
		}
	}
	for i, n := range s.Waits {
		f.Needs = append(f.Needs, Use{Fact: Fact{"addr", n.Net, n.Address}, Path: fmt.Sprintf("waits.%d.address", i)})
	}
	if s.MAC != "" {
		f.Provides = append(f.Provides, Use{Fact: Fact{"mac", "lan", s.MAC}, Exclusive: true, Path: "mac"})
	}
	return f
}

// boxAudit compares the memory of all boxes on a host with that of the host.
func boxAudit(all []Declared, look Lookup) (problems []Problem) {
	sum := map[string]int{}
	for _, box := range all {
		host, _, _ := look(MakeID("host", box.Instance.Host))
		var has int
		if n, _ := fmt.Sscanf(read(host).Hardware.Memory, "%dMi", &has); n == 0 {
			continue
		}
		if sum[box.Instance.Host] += read(box.Spec).Memory; sum[box.Instance.Host] > has {
			problems = append(problems, Problem{
				Object: box.Instance.ID, Path: "memory",
				Text:   fmt.Sprintf("the boxes on host %q want %d MiB, and it has %d", box.Instance.Host, sum[box.Instance.Host], has),
				Remedy: "move one to another host",
			})
		}
	}
	return problems
}

func gateOutline(s thingSpec) Outline {
	return Outline{Edges: []Edge{{Path: "net", To: MakeID("net", s.Net)}}}
}

func gateFacts(_ Instance, s thingSpec) Facts {
	return Facts{
		Provides: []Use{{Fact: Fact{"addr", "public", s.Public}, Path: "public"}},
		Needs:    []Use{{Fact: Fact{"addr", s.Net, s.To}, Path: "to"}},
	}
}

// testSchema is the embedded module with only the shared files and the kinds of the tests.
func testSchema(t testing.TB) fs.FS {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{moduleFile, "topology.cue", "approve.cue", "ignore.cue", "site.cue", "host.cue"} {
		data, err := fs.ReadFile(FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	data, err := os.ReadFile("testdata/kinds/things.cue")
	if err != nil {
		t.Fatal(err)
	}
	files["things.cue"] = data
	return newTree(files)
}

// describe is a graph as golden text: nodes with all that they wait for, then what is outside.
func describe(g *Graph) string {
	var b strings.Builder
	for _, node := range g.Nodes {
		fmt.Fprintf(&b, "%s %s\n", node.Instance, node.Spec)
		for _, after := range writtenOut(g, node) {
			fmt.Fprintf(&b, "\tafter %s\n", after)
		}
	}
	for _, external := range g.External {
		fmt.Fprintf(&b, "external %s of %s\n", external.Fact, external.Instance)
	}
	for _, a := range g.Approvals {
		fmt.Fprintf(&b, "%s %s\n", a.Pos, a.Line())
	}
	for _, warning := range g.Warnings {
		fmt.Fprintf(&b, "warning %s\n", warning)
	}
	return b.String()
}
