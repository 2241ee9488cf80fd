package exec_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func benchDial(b *testing.B) (exec.Executor, exec.Self) {
	self := exec.Self{Name: "jino0", Dirs: exec.Dirs{State: b.TempDir()}}
	e, err := exec.DialSelf(context.Background(), nil, self, exec.DialOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return e, self
}

func BenchmarkDial(b *testing.B) {
	for b.Loop() {
		e, _ := benchDial(b)
		e.Close()
	}
}

func BenchmarkHello(b *testing.B) {
	e, _ := benchDial(b)
	for b.Loop() {
		if _, err := e.Hello(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObserveTenMegabytes(b *testing.B) {
	e, self := benchDial(b)
	spec := encode(b, pairSpec{Path: self.Dirs.State + "/absent", Big: 100})
	scope := actuators.Scope{Targets: []actuators.Target{{ID: "pair/p", Spec: spec}}}
	for b.Loop() {
		if _, err := e.Observe(context.Background(), "pair", scope); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStamps asks for one stamp of a thousand targets, again and again as a sweep does.
func BenchmarkStamps(b *testing.B) {
	e, self := benchDial(b)
	scope := actuators.Scope{All: true}
	for n := range 1000 {
		spec := encode(b, pairSpec{Path: fmt.Sprintf("%s/absent-%d-%s", self.Dirs.State, n, strings.Repeat("x", 500))})
		scope.Targets = append(scope.Targets, actuators.Target{ID: schema.MakeID("pair", fmt.Sprint(n)), Spec: spec})
	}
	for b.Loop() {
		if _, err := e.Stamps(context.Background(), map[string]actuators.Scope{"pair": scope}); err != nil {
			b.Fatal(err)
		}
	}
}
