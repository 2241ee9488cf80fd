package plan_test

import (
	"fmt"
	"io"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// large is n services of a disk, a VM, a NAT and a record each, on shared networks; half of them come and half go.
func large(n int) *scene {
	s := newScene()
	for i := range n / 4 {
		host := fmt.Sprintf("h%d", i%100)
		net := s.nodeOnce(at(fmt.Sprintf("net/n%d@%s", i%100, host)))
		chain := []schema.Instance{at(fmt.Sprintf("disk/%d@%s", i, host)), at(fmt.Sprintf("vm/%d@%s", i, host)), at(fmt.Sprintf("nat/%d@edge", i)), at(fmt.Sprintf("record/%d", i))}
		needs := []schema.Instance{net}
		for _, instance := range chain {
			if i%2 == 0 {
				s.change(s.declare(instance, needs), actuators.Create, one("make"))
			} else {
				s.remove(s.applied(instance, needs), one("remove"))
			}
			needs = []schema.Instance{instance, net}
		}
	}
	return s
}

func (s *scene) nodeOnce(i schema.Instance) schema.Instance {
	if s.objects[i.ID] == nil {
		s.change(s.declare(i, nil), actuators.Update, one("tune"))
	}
	return i
}

func BenchmarkMake(b *testing.B) {
	for _, n := range []int{1000, 10000, 40000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := large(n)
			s.must(b)
			for b.Loop() {
				if _, err := plan.Make(s.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkShared is as many who need a public address as there are who provide it.
func BenchmarkShared(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newScene()
			s.shared(n/2, n/2)
			s.must(b)
			for b.Loop() {
				if _, err := plan.Make(s.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	p := large(10000).must(b)
	for b.Loop() {
		if err := p.WriteText(io.Discard, plan.Style{Steps: true}); err != nil {
			b.Fatal(err)
		}
	}
}
