package reconcile

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
	"plumbline/sources/forge"
)

// What a controller stands on is found out where it can be, and declared where it cannot.
func TestWhatTheControllerKnowsOfItself(t *testing.T) {
	cfg := Config{
		Repository: "ssh://git@Git.Boston/ops/boston.git", Local: "jino0", Self: []string{"network/mgmt", "zone/*"},
		Forge: &ForgeConfig{Kind: forge.Gitea, Project: "https://198.51.100.7/ops/boston"},
	}
	o := newOwn(cfg)
	asked, down := "", false
	o.look = func(_ context.Context, name string) ([]netip.Addr, error) {
		asked += name + " "
		if down {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("::ffff:203.0.113.10")}, nil
	}
	said := &schema.Object{ID: "vm/said", Meta: schema.Meta{Self: true}}
	graph := schema.NewGraph("c", []*schema.Object{said}, []*schema.Node{{Instance: said.ID.On("h1"), Object: said}})
	was := schema.MakeID("vm", "was").On("h1")
	inv := inventory.Inventory{was: {Instance: was, Self: true}}
	address := func(value string, exclusive bool) []schema.Use {
		return []schema.Use{{Fact: schema.Fact{Type: "addr", Scope: "app-boston", Value: value}, Exclusive: exclusive}}
	}
	for _, c := range []struct {
		change diff.Change
		want   bool
	}{
		{diff.Change{Instance: schema.ParseInstance("host/jino0@jino0")}, true},
		{diff.Change{Instance: schema.ParseInstance("host/jino1@jino1")}, false},
		{diff.Change{Instance: schema.ParseInstance("record/git.boston")}, true},
		{diff.Change{Instance: schema.ParseInstance("record/git.boston.example")}, false},
		{diff.Change{Instance: schema.ParseInstance("network/mgmt@jino1")}, true},
		{diff.Change{Instance: schema.ParseInstance("network/app@jino1")}, false},
		{diff.Change{Instance: schema.ParseInstance("zone/boston")}, true},
		{diff.Change{Instance: schema.ParseInstance("vm/said@h1")}, true},
		{diff.Change{Instance: was}, true},
		{diff.Change{Instance: schema.ParseInstance("vm/now@h1"), Was: was.ID}, true},
		{diff.Change{Instance: schema.ParseInstance("vip/edge@edge1"), Provides: address("203.0.113.9", true)}, true},
		{diff.Change{Instance: schema.ParseInstance("vm/git@jino0"), Released: address("203.0.113.10", true)}, true},
		{diff.Change{Instance: schema.ParseInstance("vm/forge@jino0"), Provides: address("198.51.100.7", true)}, true},
		{diff.Change{Instance: schema.ParseInstance("nat/one-of-many@edge1"), Provides: address("203.0.113.9", false)}, false},
		{diff.Change{Instance: schema.ParseInstance("vip/other@edge1"), Provides: address("203.0.113.11", true)}, false},
		{diff.Change{Instance: schema.ParseInstance("address/lo@h1"), Provides: address("127.0.0.1", true)}, false},
	} {
		if got := o.marks(t.Context(), graph, inv)(&c.change); got != c.want {
			t.Errorf("%s: %t", c.change.Instance, got)
		}
	}
	if asked != "git.boston " {
		t.Errorf("asked for %s", asked)
	}
	o.found.at, down = o.found.at.Add(-2*lookAgain), true
	if !o.marks(t.Context(), graph, inv)(&diff.Change{Instance: schema.ParseInstance("vip/edge@edge1"), Provides: address("203.0.113.9", true)}) {
		t.Error("with the name server down, what was found is forgotten")
	}
}

func TestAPatternOfTheControllerIsOne(t *testing.T) {
	for pattern, right := range map[string]bool{"zone/*": true, "vm/[": false, "zone": false, "a/b/c": false} {
		if err := (Config{Self: []string{pattern}}).Check(nil); (err == nil) != right {
			t.Errorf("%s: %v", pattern, err)
		} else if err != nil && !strings.Contains(err.Error(), "self.0:") {
			t.Error(err)
		}
	}
}
