package vip

import (
	"os"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestAGroupIsKeptTogether(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		outside := b
		outside.At = schema.ID("vip/edge-app").On("edge1")
		grouped := func(change func(s *Spec)) *Spec {
			return spec(func(s *Spec) {
				s.Group, s.Advert = "edge", "50ms"
				if change != nil {
					change(s)
				}
			})
		}
		second := grouped(func(s *Spec) { s.Address, s.VRID = "203.0.113.4/24", 52 })
		b.Apply(grouped(nil), false)
		settled(t, b, grouped(nil))
		alone := disk(t, b)
		done := outside.Apply(second, false)
		settled(t, outside, second)
		whole := disk(t, b)
		if !strings.Contains(whole, "vrrp_sync_group edge {\n    group {\n        edge-app\n        edge-public\n") {
			t.Errorf("no group:\n%s", whole)
		}
		if err := os.Remove(groupPath("edge")); err != nil {
			t.Fatal(err)
		}
		if d := b.Diff(grouped(nil), false); d.Action != actuators.Update || d.Changes[0].Path != "apart" {
			t.Errorf("a removed group is seen as %s %v", d.Action, d.Changes)
		}
		b.Apply(grouped(nil), false)
		same(t, "mended", whole, disk(t, b))
		outside.Undo(done)
		same(t, "undone", alone, disk(t, b))
		b.Settled(grouped(nil))
	})
}
