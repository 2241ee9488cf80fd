package kindtest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// CPU adds the processor time per turn to what a benchmark tells, of this process and of the programs that it ran: on a busy
// machine it says more than the time of the clock. Call it first and defer what it gives.
func CPU(b *testing.B) (report func()) {
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/1e6/float64(b.N), "cpu-ms/op") }
}

// used is in nanoseconds.
func used() (total int64) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if unix.Getrusage(who, &usage) == nil {
			total += usage.Utime.Nano() + usage.Stime.Nano()
		}
	}
	return total
}
