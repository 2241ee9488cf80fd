package schema

import (
	"fmt"
	"testing"
)

// pushed is a datacenter whose first rack changes with each call.
func pushed(b *testing.B, n int) func() hashed {
	files, turn := datacenter(n), 0
	first := string(files["rack0/rack.cue"])
	return func() hashed {
		turn++
		files["rack0/rack.cue"] = fmt.Appendf(nil, "%s// push %d\n", first, turn)
		return newHashed(files)
	}
}

func mustLoad(b *testing.B, tree hashed, schema *tree, opts ...Option) {
	b.Helper()
	if _, err := Load(b.Context(), tree, "", testKinds, append(opts, WithSchema(schema))...); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPush compares, in one run, a push of one file with a cold load and with a restart over a warm shelf. The
// metric "of-cold" is the share of a cold load.
func BenchmarkPush(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		push, schema := pushed(b, n), testSchema(b).(*tree)
		dir := b.TempDir()
		cache := NewCache(dir)
		mustLoad(b, push(), schema, WithCache(cache))
		var cold float64
		measure := func(name string, load func()) {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				for b.Loop() {
					load()
				}
				each := b.Elapsed().Seconds() / float64(b.N)
				if name == "cold" {
					cold = each
				}
				if cold > 0 {
					b.ReportMetric(each/cold, "of-cold")
				}
			})
		}
		measure("cold", func() { mustLoad(b, push(), schema) })
		measure("push", func() { mustLoad(b, push(), schema, WithCache(cache)) })
		last := push()
		mustLoad(b, last, schema, WithCache(cache))
		measure("again", func() { mustLoad(b, last, schema, WithCache(cache)) })
		measure("restart", func() { mustLoad(b, last, schema, WithCache(NewCache(dir))) })
	}
}
