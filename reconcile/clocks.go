package reconcile

import (
	"sync"
	"time"

	"plumbline/reconcile/exec"
)

// clockSlack is how far the clock of a host may be from the controller's before somebody is told. Nothing of Plumbline's own
// goes by the wall clock of two machines: deadlines are counted since boot, and ages by the controller. Signed DNS updates
// fail beyond 300 s (RFC 8945, section 10), and say so; logs cannot be read side by side.
const clockSlack = 5 * time.Second

// clocks remembers which hosts' clocks are wrong, so that each is told once.
type clocks struct {
	mu    sync.Mutex
	wrong map[string]bool
}

// compareClock warns of a host whose clock is wrong, and refuses nobody.
func (c *Controller) compareClock(host string, hello exec.Hello) error {
	off := hello.Clock.Sub(c.now())
	wrong := !hello.Clock.IsZero() && off.Abs() > clockSlack
	c.clocks.mu.Lock()
	defer c.clocks.mu.Unlock()
	if wrong && !c.clocks.wrong[host] {
		c.log.Warn().Str("host", host).Dur("off", off).Msg("the clock of the host is not the controller's")
	}
	if c.clocks.wrong == nil {
		c.clocks.wrong = map[string]bool{}
	}
	c.clocks.wrong[host] = wrong
	return nil
}
