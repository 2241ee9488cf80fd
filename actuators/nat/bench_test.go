package nat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

const many = 10_000

// mapping is the i-th of many objects, each with one port.
func mapping(i int, to string) (schema.ID, Spec) {
	return schema.MakeID("nat", fmt.Sprint("m", i)), Spec{
		Public: fmt.Sprintf("203.0.%d.%d", 113+i/2500%4, 1+i/10%250), To: to, Network: "app-boston", Ports: []Port{{Public: 8000 + i%10, To: 80, Proto: "tcp"}},
	}
}

func markOf(id schema.ID) actuators.Mark {
	return actuators.Mark{Installation: kindtest.Installation, ID: id, Hash: "3f2a"}
}

// crowd fills the table with many objects, through a file of nft, and gives that file.
func crowd(b *testing.B, to string) (host actuators.Host, script string) {
	b.Helper()
	nfttest.Edge(b)
	host = exec.NewMachine("edge1", exec.Dirs{State: b.TempDir(), Secrets: b.TempDir()})
	first, s := mapping(0, "10.1.1.99")
	if err := (nft.Claim{Mark: markOf(first), Want: s.elements()}).Do(b.Context()); err != nil {
		b.Fatal(err)
	}
	script = crowdFile(b, to)
	nfttest.Run(b, "nft", "-f", script)
	return host, script
}

// crowdFile is what nft reads to make the map hold many mappings to one target.
func crowdFile(b *testing.B, to string) string {
	b.Helper()
	var text strings.Builder
	text.WriteString("flush map ip plumb forwards\nadd element ip plumb forwards {\n")
	for i := range many {
		id, s := mapping(i, to)
		e := s.elements()[0]
		address, port, _ := strings.Cut(strings.TrimSuffix(e.Key, "/tcp"), ":")
		target, toPort, _ := strings.Cut(e.Value, ":")
		fmt.Fprintf(&text, "%s . tcp . %s comment %q : %s . %s,\n", address, port, markOf(id), target, toPort)
	}
	text.WriteString("}\n")
	path := filepath.Join(b.TempDir(), "crowd.nft")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func jsonOf(b *testing.B, v any) json.RawMessage {
	b.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// wish is a change as the engine sends it.
type wish struct {
	params json.RawMessage
	scope  actuators.Scope
	to     string
}

func wishFor(b *testing.B, id schema.ID, s Spec) wish {
	b.Helper()
	return wish{
		params: jsonOf(b, nft.Claim{Mark: markOf(id), Want: s.elements()}), to: s.To,
		scope: actuators.Scope{Targets: []actuators.Target{{ID: id, Spec: jsonOf(b, s)}}},
	}
}

// change captures, does and sees one claim, as the engine does.
func change(b *testing.B, host actuators.Host, w wish) {
	b.Helper()
	op, _ := Kind.Op("replace")
	before, err := op.Capture(b.Context(), host, w.params)
	if err == nil {
		err = op.Do(b.Context(), host, w.params, before)
	}
	if err != nil {
		b.Fatal(err)
	}
	seen, err := Kind.Observe(b.Context(), host, w.scope)
	if err != nil || len(seen) != 1 || !strings.Contains(string(seen[0].State), w.to) {
		b.Fatalf("seen %v, %v", seen, err)
	}
}

// BenchmarkOneAmong10k changes one mapping among many and sees it; the peer is one call of nft for one element.
func BenchmarkOneAmong10k(b *testing.B) {
	host, _ := crowd(b, "10.1.1.12")
	targets := []string{"10.1.1.13", "10.1.1.14"}
	turn := 0
	var wishes []wish
	for _, to := range targets {
		id, s := mapping(77, to)
		wishes = append(wishes, wishFor(b, id, s))
	}
	b.Run("plumb", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			turn++
			change(b, host, wishes[turn%2])
		}
	})
	b.Run("nft", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			turn++
			const key = "203.0.113.9 . tcp . 8007"
			nfttest.Run(b, "nft", fmt.Sprintf("delete element ip plumb forwards { %s }; add element ip plumb forwards { %s : %s . 80 }", key, key, targets[turn%2]))
		}
	})
}

// BenchmarkObserve10k looks at all mappings when somebody else has changed one, when nobody has, and at one mapping.
func BenchmarkObserve10k(b *testing.B) {
	host, _ := crowd(b, "10.1.1.12")
	look := func(b *testing.B, want int, sc actuators.Scope) {
		b.Helper()
		if seen, err := Kind.Observe(b.Context(), host, sc); err != nil || len(seen) != want {
			b.Fatalf("%d seen, %v", len(seen), err)
		}
	}
	b.Run("all-disturbed", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			b.StopTimer()
			nfttest.Run(b, "nft", "add table ip other; delete table ip other")
			b.StartTimer()
			look(b, many, actuators.Scope{All: true})
		}
	})
	b.Run("all-quiet", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, many, actuators.Scope{All: true})
		}
	})
	id, s := mapping(77, "10.1.1.12")
	one := actuators.Scope{Targets: []actuators.Target{{ID: id, Spec: jsonOf(b, s)}}}
	b.Run("one", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, 1, one)
		}
	})
	b.Run("nft-list", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			nfttest.Run(b, "nft", "list", "map", "ip", "plumb", "forwards")
		}
	})
}

// BenchmarkResync10k gives one object of many ports other targets, all at once, and sees them; the peer is a file of nft.
func BenchmarkResync10k(b *testing.B) {
	targets := []string{"10.1.1.13", "10.1.1.14"}
	turn := 0
	b.Run("plumb", func(b *testing.B) {
		nfttest.Edge(b)
		host := exec.NewMachine("edge1", exec.Dirs{State: b.TempDir(), Secrets: b.TempDir()})
		var wishes []wish
		for _, to := range targets {
			s := Spec{Public: "203.0.113.3", To: to, Network: "app-boston"}
			for port := range many {
				s.Ports = append(s.Ports, Port{Public: 1 + port, To: 80, Proto: "tcp"})
			}
			wishes = append(wishes, wishFor(b, "nat/many", s))
		}
		defer kindtest.CPU(b)()
		for b.Loop() {
			turn++
			change(b, host, wishes[turn%2])
		}
	})
	b.Run("nft", func(b *testing.B) {
		_, one := crowd(b, targets[0])
		scripts := []string{one, crowdFile(b, targets[1])}
		defer kindtest.CPU(b)()
		for b.Loop() {
			turn++
			nfttest.Run(b, "nft", "-f", scripts[turn%2])
		}
	})
}
