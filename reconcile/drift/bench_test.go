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
