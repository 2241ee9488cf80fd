package ssh

import (
	"context"
	"slices"
	"testing"
	"time"

	"plumbline/reconcile/exec"
)

// ways are how an executor on jino0 is reached: through the laboratory's own door, and from ctr0 over ssh. The second has
// the door before it, too.
func ways(b *testing.B) map[string][]string {
	p := up(b, nil)
	command := []string{"plumb", "exec", "--stdio", "--name", "jino0"}
	ssh, err := exec.SSH("hypervisor", command...)
	if err != nil {
		b.Fatal(err)
	}
	return map[string][]string{"door": append(p.EnterArgv("jino0"), command...), "ssh": append(p.EnterArgv("ctr0"), ssh...)}
}

func dial(b *testing.B, argv []string) exec.Executor {
	e, err := exec.Dial(context.Background(), argv, exec.DialOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkDial(b *testing.B) {
	for name, argv := range ways(b) {
		b.Run(name, func(b *testing.B) {
			var closing time.Duration
			for b.Loop() {
				e := dial(b, slices.Clone(argv))
				began := time.Now()
				e.Close()
				closing += time.Since(began)
			}
			b.ReportMetric(float64(closing.Milliseconds())/float64(b.N), "close-ms/op")
		})
	}
}

func BenchmarkHello(b *testing.B) {
	for name, argv := range ways(b) {
		b.Run(name, func(b *testing.B) {
			e := dial(b, argv)
			defer e.Close()
			for b.Loop() {
				if _, err := e.Hello(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBareSSH is what a connection costs before plumb has a part in it.
func BenchmarkBareSSH(b *testing.B) {
	p := up(b, nil)
	bare, err := exec.SSH("hypervisor", "true")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p.on("ctr0", bare...)
	}
}
