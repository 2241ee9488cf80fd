package mirror_test

import (
	"context"
	"fmt"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/mirror"
	"plumbline/schema"
)

// BenchmarkWorld answers for ten thousand objects on a hundred hosts, of which nothing changed.
func BenchmarkWorld(b *testing.B) {
	for _, kind := range []string{"stamped", "watched", "neither"} {
		b.Run(kind, func(b *testing.B) {
			c := newCenter()
			hosts := mirror.Hosts{}
			for h := range 100 {
				host := fmt.Sprintf("h%d", h)
				sc := actuators.Scope{All: true}
				for n := range 100 {
					id := schema.MakeID(kind, fmt.Sprintf("o%02d", n))
					sc.Targets = append(sc.Targets, actuators.Target{ID: id, Spec: []byte(`{"size":"1Gi"}`)})
				}
				hosts[host] = map[string]actuators.Scope{kind: sc}
				c.listen(host, kind, kind == "watched")
			}
			c.mirror.World(context.Background(), hosts)
			for b.Loop() {
				c.mirror.World(context.Background(), hosts)
			}
		})
	}
}
