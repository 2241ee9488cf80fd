package schema

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func pool(t testing.TB) *Pool {
	t.Helper()
	p := NewPool(self(t))
	t.Cleanup(func() { _ = p.Close() })
	return p
}

var sound = map[string]string{"a/a.cue": "package a\nsite: boston: {}\nhost: jino0: site: \"boston\"\n"}

func mustEvaluate(t *testing.T, e Evaluator, files map[string]string) Evaluation {
	t.Helper()
	got, err := e.Evaluate(t.Context(), source(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// children are the processes that wait for work.
func (p *Pool) children() (pids []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, run := range p.idle {
		pids = append(pids, run.cmd.Process.Pid)
	}
	return pids
}

func TestPoolReusesItsChildren(t *testing.T) {
	p := pool(t)
	p.Reuse = 3
	wrong := map[string]string{"b/b.cue": "package b\nbox: x: {host: \"jino0\", coress: 3}\n"}
	var pids []int
	for _, files := range []map[string]string{sound, wrong, sound, wrong} {
		if diff := cmp.Diff(mustEvaluate(t, InProcess(), files), mustEvaluate(t, p, files)); diff != "" {
			t.Errorf("in process (-), pool (+):\n%s", diff)
		}
		pids = append(pids, p.children()...)
	}
	if len(pids) != 3 || pids[0] != pids[1] || pids[1] == pids[2] {
		t.Errorf("children that waited after each of 4 sources: %v; wanted one for two of them, none after the third, another after the fourth", pids)
	}
}

// TestPoolHoldsItsLimitsForEach lets a child die over one evaluation: the next ones are not concerned, however much time
// the ones before took.
func TestPoolHoldsItsLimitsForEach(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*Pool)
		want       string
	}{
		{"bomb", bomb(), func(p *Pool) { p.Limits.Data = 768 << 20 }, "bomb: evaluating this package needs more than 768 MiB of memory; "},
		{"loops", loops, func(p *Pool) { p.Limits.CPU = 1 }, "loops: evaluating this package needs more than 1 s of processor time; "},
		{"loops", loops, func(p *Pool) { p.Timeout = 1500 * time.Millisecond }, " takes longer than 1.5s; "},
	} {
		t.Run(c.want, func(t *testing.T) {
			p := pool(t)
			c.change(p)
			mustEvaluate(t, p, sound)
			_, err := p.Evaluate(t.Context(), source(t, map[string]string{c.name + "/x.cue": c.text}))
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
				t.Errorf("got %v, wanted one problem with %q", err, c.want)
			}
			if n := len(mustEvaluate(t, p, sound).Objects); n != 2 {
				t.Errorf("the next evaluation gave %d objects, wanted 2", n)
			}
		})
	}
}

// TestPoolSurvivesTheDeathOfAnIdleChild kills what waits.
func TestPoolSurvivesTheDeathOfAnIdleChild(t *testing.T) {
	p := pool(t)
	mustEvaluate(t, p, sound)
	run := p.idle[0]
	run.kill()
	_, _ = run.cmd.Process.Wait()
	if n := len(mustEvaluate(t, p, sound).Objects); n != 2 {
		t.Errorf("evaluated %d objects, wanted 2", n)
	}
}

func TestPoolEndsIdleChildren(t *testing.T) {
	p := pool(t)
	p.Idle = time.Millisecond
	mustEvaluate(t, p, sound)
	deadline := time.After(20 * time.Second)
	for len(p.children()) > 0 {
		select {
		case <-deadline:
			t.Fatal("an idle child still waits")
		case <-time.After(time.Millisecond):
		}
	}
	p.Idle = time.Hour
	mustEvaluate(t, p, sound)
	run := p.idle[0]
	if err := p.Close(); err != nil || run.cmd.ProcessState == nil || len(p.children()) > 0 {
		t.Errorf("closed with %v; the child ended as %v; wanted it to be gone", err, run.cmd.ProcessState)
	}
	if mustEvaluate(t, p, sound); slices.Max(append(p.children(), 0)) != 0 {
		t.Error("a closed pool keeps a child")
	}
}

// BenchmarkChild compares what a small evaluation costs in this process, in a new child and in one that is there.
func BenchmarkChild(b *testing.B) {
	schema, err := readAll(FS())
	if err != nil {
		b.Fatal(err)
	}
	src := Source{Schema: schema, Files: map[string][]byte{"a/a.cue": []byte(sound["a/a.cue"])}}
	for _, c := range []struct {
		name string
		e    Evaluator
	}{{"in-process", InProcess()}, {"new", Worker(self(b))}, {"pooled", pool(b)}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.e.Evaluate(b.Context(), src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
