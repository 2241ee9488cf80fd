package drift_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// BenchmarkEventToNotice is the way from an event to the sinks among ten thousand instances on a hundred hosts. Every other
// turn is a way back. The pause between two looks at one place is not part of it: each turn takes another host.
func BenchmarkEventToNotice(b *testing.B) {
	var names []string
	for n := range 10000 {
		names = append(names, fmt.Sprintf("evented/%d@h%d", n, n%100))
	}
	r := newRig(b, strings.Join(names, " "))
	r.options.Interval = time.Hour
	notices := make(chan notify.Notice, 1)
	r.options.Tell = notify.To(func(n notify.Notice) { notices <- n })
	r.engine = newEngine(r)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.engine.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for _, name := range names[:100] {
		for r.stream(name) == nil {
			runtime.Gosched()
		}
	}
	n := 0
	for b.Loop() {
		name := names[n%100]
		r.set(name, map[bool]string{true: "2", false: "1"}[n/100%2 == 0])
		r.stream(name)(actuators.Event{ID: schema.ParseInstance(name).ID})
		<-notices
		n++
	}
}

// BenchmarkIncidents10kOfOneCause is the way from the event that shows ten thousand differences on one host to the one message
// about them; most of it is the time that what fires waits for more of its cause. It tells how many messages there were, and the
// memory that the incidents hold.
func BenchmarkIncidents10kOfOneCause(b *testing.B) {
	const all = 10000
	var names []string
	for n := range all {
		names = append(names, fmt.Sprintf("evented/%d@h1", n))
	}
	r := newRig(b, strings.Join(names, " "))
	r.options.Interval, r.options.Alone, r.options.Gather = time.Hour, 5, 150*time.Millisecond
	notices := make(chan notify.Notice, all)
	r.options.Tell = notify.To(func(n notify.Notice) { notices <- n })
	r.engine = newEngine(r)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.engine.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for r.stream(names[0]) == nil {
		runtime.Gosched()
	}
	turn := func(value string) notify.Notice {
		for _, name := range names {
			r.set(name, value)
		}
		r.stream(names[0])(actuators.Event{})
		return <-notices
	}
	told, held := 0, 0.0
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		if n := turn("2"); n.Status != notify.Firing || !strings.Contains(n.Message, "10000 instances") {
			b.Fatalf("told %+v", n)
		}
		b.StopTimer()
		held = max(held, heap()-before)
		if n := turn("1"); n.Status != notify.Resolved {
			b.Fatalf("told %+v", n)
		}
		told += 1 + len(notices)
		b.StartTimer()
	}
	b.ReportMetric(float64(told)/float64(b.N), "messages/op")
	b.ReportMetric(held/all, "held-B/incident")
}

// heap is what is in use, in bytes.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
