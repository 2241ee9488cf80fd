package survey_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/survey"
	"plumbline/schema"
)

// thing is something on a host, and what an import makes of it: an object of the name As (empty: its own), or nothing, for a reason.
type thing struct {
	Host, Kind, As, Left, Unknown, Mark string

	ID      schema.ID
	State   json.RawMessage
	Retired bool
}

func (o thing) name() schema.ID {
	if o.As != "" {
		return schema.ID(o.As)
	}
	return o.ID
}

// things are on two hosts: of every kind that an import knows, one that can be said at least and one that cannot.
func things(t *testing.T) (all []thing) {
	t.Helper()
	data, err := os.ReadFile("testdata/hosts.json")
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// looks are what looks at the hosts find, in the order in which the things come.
func looks(all []thing) (out []*diff.Look) {
	for _, o := range all {
		at := slices.IndexFunc(out, func(l *diff.Look) bool { return l.Host == o.Host && l.Kind == o.Kind })
		if at < 0 {
			at, out = len(out), append(out, &diff.Look{Host: o.Host, Kind: o.Kind, All: true})
		}
		seen := actuators.Observed{ID: o.ID, Retired: o.Retired, Unknown: o.Unknown, State: o.State}
		if o.Mark != "" {
			seen.Mark = &actuators.Mark{Installation: o.Mark, ID: o.ID}
		}
		out[at].Found = append(out[at].Found, seen)
	}
	return out
}

func declare(t *testing.T, found []thing) survey.Result {
	t.Helper()
	w, err := schema.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	return survey.Declare(all.Registry(), w, looks(found))
}

// TestAllThatRunsIsSaidOrLeftWithItsReason: every thing is an object or is left, with the reason, and none is both.
func TestAllThatRunsIsSaidOrLeftWithItsReason(t *testing.T) {
	found := things(t)
	r := declare(t, found)
	for _, o := range found {
		said := slices.ContainsFunc(r.Objects, func(s survey.Object) bool {
			return s.ID == o.name() && (len(s.Hosts) == 0 || slices.Contains(s.Hosts, o.Host))
		})
		var reasons []string
		for _, left := range r.Left {
			if left.Instance == o.ID.On(o.Host) {
				reasons = append(reasons, left.Reason)
			}
		}
		if said != (o.Left == "") || said != (len(reasons) == 0) || !strings.Contains(strings.Join(reasons, ""), o.Left) {
			t.Errorf("%s on %s: declared %v, left because %q, want %q", o.name(), o.Host, said, reasons, o.Left)
		}
	}
}

// TestWhatIsSaidIsWhatRuns: the declarations are read as a repository is, and compared with what they were made of: nothing differs,
// neither when the thing is taken over nor when it is ours. Every kind that can be imported is among them, but balancers: the network of
// one that nobody declared cannot be told, and what is ours is said by "plumb adopt".
func TestWhatIsSaidIsWhatRuns(t *testing.T) {
	found, kinds := things(t), all.Registry()
	g := load(t, declare(t, found), kinds)
	for _, name := range kinds.Names() {
		kind, _ := kinds.Kind(name)
		compared := 0
		for _, o := range found {
			if o.Kind == name && o.Left == "" {
				compare(t, kind, g, o)
				compared++
			}
		}
		if _, can := kind.Imports(); can && compared == 0 && name != "balancer" {
			t.Errorf("testdata/hosts.json has no %s that can be said", name)
		}
	}
}

func compare(t *testing.T, kind *actuators.Kind, g *schema.Graph, o thing) {
	t.Helper()
	node := g.Node(o.name().On(o.Host))
	if node == nil {
		t.Errorf("%s is not declared on %s", o.name(), o.Host)
		return
	}
	if node.Object.Meta.Manage != schema.Observe {
		t.Errorf("%s is to be managed %q", o.name(), node.Object.Meta.Manage)
	}
	for _, owned := range []bool{true, false} {
		have := actuators.HaveJSON{Here: o.State, Owned: owned}
		d, err := kind.Diff(node.Spec, have)
		if err != nil || len(d.Changes) > 0 || owned && d.Action != actuators.None || !owned && d.Action != actuators.Adopting && kind.Changes() {
			t.Errorf("%s on %s, ours: %v: %s %+v (%v)\n%s", o.name(), o.Host, owned, d.Action, d.Changes, err, node.Spec)
		}
	}
}

// load reads what was declared as a commit. What bears a mark is declared in a repository of its own; here that is beside it.
func load(t *testing.T, r survey.Result, kinds *actuators.Registry) *schema.Graph {
	t.Helper()
	var text strings.Builder
	text.WriteString("package found\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: main: {}\n\thost: jino0: site: \"main\"\n\thost: jino1: site: \"main\"\n")
	text.WriteString("\tbridge: lan1: {host: \"jino1\", ports: [\"eth2\"]}\n")
	for _, o := range r.Objects {
		fmt.Fprintln(&text, o.Text)
	}
	text.WriteString("}\n")
	g, err := schema.Load(t.Context(), fstest.MapFS{"found.cue": {Data: []byte(text.String())}}, "c", kinds)
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	return g
}

// TestTheOrderOfLooksSaysNothing: hosts, kinds and things come in any order, and the same is declared.
func TestTheOrderOfLooksSaysNothing(t *testing.T) {
	found := things(t)
	want := declare(t, found)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		chance.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
		if d := cmp.Diff(want, declare(t, found)); d != "" {
			t.Fatal(d)
		}
	}
}

// TestAFailedLookDeclaresNothing: of a kind that could not be looked at on a host, nothing is said and nothing relies on it.
func TestAFailedLookDeclaresNothing(t *testing.T) {
	w, err := schema.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	seen := looks(things(t))
	for _, look := range seen {
		if look.Kind == "volume" {
			look.Err = "no answer"
		}
	}
	for _, o := range survey.Declare(all.Registry(), w, seen).Objects {
		if kind := o.ID.Kind(); kind == "volume" || o.ID == "vm/web" && slices.Contains(o.Hosts, "jino0") {
			t.Errorf("%s is declared", o.ID)
		}
	}
}
