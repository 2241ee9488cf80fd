package window

import (
	"fmt"
	"time"
)

// Report says of every window whether it is active, and until or from when, in a line.
func (s Set) Report(now time.Time) []string {
	var lines []string
	for i := range s {
		w := &s[i]
		state := "is not active and never will be"
		if until, active := w.Active(now); active {
			state = "is active until " + until.In(w.schedule.zone).Format(time.RFC3339)
		} else if next := w.Next(now); !next.IsZero() {
			state = "becomes active at " + next.Format(time.RFC3339)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", w.Effect, w, state))
	}
	return lines
}
