package schema

import (
	"fmt"
	"strings"
	"testing"
)

// datacenter is a sound topology of about n objects in packages of a hundred.
func datacenter(n int) map[string][]byte {
	files := map[string][]byte{"ground/ground.cue": []byte("package ground\nsite: boston: {}\n")}
	for rack := range max(1, n/100) {
		var b strings.Builder
		fmt.Fprintf(&b, "package rack%d\nhost: h%d: {site: \"boston\", labels: rack: \"r%d\"}\n", rack, rack, rack)
		fmt.Fprintf(&b, "store: s%d: host: \"h%d\"\nnet: n%d: {hosts: rack: \"r%d\", cidr: \"10.%d.0.0/16\"}\n", rack, rack, rack, rack, rack)
		for i := range 48 {
			fmt.Fprintf(&b, "disk: \"d%d-%d\": {store: \"s%d\", size: \"64Mi\"}\n", rack, i, rack)
			fmt.Fprintf(&b, "box: \"b%d-%d\": {\n\thost: \"h%d\"\n\tcores: 2\n\tdisks: [{disk: \"d%d-%d\"}]\n", rack, i, rack, rack, i)
			fmt.Fprintf(&b, "\tnics: [{net: \"n%d\", address: \"10.%d.0.%d\"}]\n}\n", rack, rack, i+2)
		}
		files[fmt.Sprintf("rack%d/rack.cue", rack)] = []byte(b.String())
	}
	return files
}

// BenchmarkLoad loads whole datacenters, cold.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files, schema := newTree(datacenter(n)), testSchema(b)
			b.ReportAllocs()
			for b.Loop() {
				g, err := Load(b.Context(), files, "", testKinds, WithSchema(schema))
				if err != nil {
					b.Fatal(err)
				}
				if len(g.Objects) < n*9/10 {
					b.Fatalf("only %d objects", len(g.Objects))
				}
			}
		})
	}
}
