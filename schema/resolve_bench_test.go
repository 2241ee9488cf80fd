package schema

import (
	"fmt"
	"slices"
	"testing"
)

// BenchmarkResolve turns what was evaluated into a graph: as a fresh process does, and after a push that changed one object.
func BenchmarkResolve(b *testing.B) {
	module, err := readAll(testSchema(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1000, 10000} {
		e, err := Evaluate(b.Context(), Source{Files: datacenter(n), Schema: module})
		if err != nil || len(e.Problems) > 0 {
			b.Fatal(err, e.Problems)
		}
		b.Run(fmt.Sprintf("fresh/%d", n), func(b *testing.B) { resolveOften(b, e, false) })
		b.Run(fmt.Sprintf("push/%d", n), func(b *testing.B) { resolveOften(b, e, true) })
	}
}

func resolveOften(b *testing.B, e Evaluation, resident bool) {
	b.ReportAllocs()
	past := newMemo(testKinds)
	sizes := []string{"64Mi", "128Mi"}
	at := slices.IndexFunc(e.Objects, func(d Declaration) bool { return d.ID.Kind() == "disk" })
	for n := 0; b.Loop(); n++ {
		e.Objects[at].Spec = []byte(fmt.Sprintf(`{"size":%q,"store":"s0"}`, sizes[n%2]))
		r := newResolver(testKinds, e, past)
		r.resolve()
		if r.findings.any() {
			b.Fatal(r.findings.kept[0])
		}
		r.graph("c")
		if resident {
			past = r.present
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(e.Objects)), "ns/object")
}
