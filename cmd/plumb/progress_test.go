package main

import (
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/run"
	"plumbline/schema"
)

func TestProgressNamesWhatTakesLong(t *testing.T) {
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(s float64) time.Time { return begun.Add(time.Duration(s * float64(time.Second))) }
	vm := schema.MakeID("vm", "payroll").On("jino0")
	var text strings.Builder
	p := &progress{w: &text, begun: begun, last: begun}
	p.hear(run.Event{Type: run.LaneStarted, At: at(0), Lane: 1})
	p.hear(run.Event{Type: run.StepStarted, At: at(0.1), Step: "a", Instance: vm, Summary: "define"})
	p.hear(run.Event{Type: run.StepDone, At: at(0.5), Step: "a", Instance: vm, Summary: "define", Took: 400 * time.Millisecond})
	p.hear(run.Event{Type: run.StepStarted, At: at(0.6), Step: "b", Instance: vm, Summary: "start"})
	p.hear(run.Event{Type: run.StepStarted, At: at(0.7), Step: "c", Instance: vm, Summary: "wait"})
	p.remind(at(1))
	p.remind(at(4.7))
	p.remind(at(5))
	p.hear(run.Event{Type: run.StepFailed, At: at(6), Step: "b", Instance: vm, Summary: "start", Err: "no memory"})
	p.hear(run.Event{Type: run.LaneFailed, At: at(6), Lane: 1, Err: "no memory"})
	p.hear(run.Event{Type: run.UndoStarted, At: at(6), Step: "a", Instance: vm, Summary: "define"})
	p.hear(run.Event{Type: run.StepUndone, At: at(7), Step: "a", Instance: vm, Summary: "define"})
	p.hear(run.Event{Type: run.StepDone, At: at(7.5), Step: "c", Instance: vm, Summary: "wait"})
	p.remind(at(60))
	want := `   0.5s  done    vm/payroll@jino0: define (0.4 s)
   4.7s  …       vm/payroll@jino0: start (since 4 s, and 1 step beside it)
   6.0s  FAILED  vm/payroll@jino0: start: no memory
   6.0s  back    lane 1: no memory
   7.0s  undone  vm/payroll@jino0: define
   7.5s  done    vm/payroll@jino0: wait (0.0 s)
`
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
}
