package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"plumbline/reconcile/exec"
)

// ErrBehind means that a host obeyed a state that knows more than this one: this is an old copy, or a new state in place of
// one that was lost. Nothing is changed with it.
var ErrBehind = errors.New("this state is not the newest")

// epochs is what hosts said of the epochs that they obeyed.
type epochs struct {
	mu       sync.Mutex
	gathered bool // they are only gathered, to rebuild the state, and nobody is refused
}

func (e *epochs) gather(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gathered = on
}

// witness compares the epoch that a host obeyed last with what this state can have told it.
func (c *Controller) witness(host string, hello exec.Hello) error {
	c.epochs.mu.Lock()
	gathered := c.epochs.gathered
	c.epochs.mu.Unlock()
	used := c.store.Used()
	if gathered || hello.Epoch <= used {
		return nil
	}
	why := fmt.Sprintf("%s obeyed epoch %d, and this state knows of none after %d", host, hello.Epoch, used)
	if err := c.store.SetBehind(why); err != nil {
		return err
	}
	return behind(why)
}

func behind(why string) error {
	return fmt.Errorf("%w: %s: it is an old copy, or the old one was lost; nothing is changed until you say \"plumb recover\"", ErrBehind, why)
}

// current refuses when this state was found to be behind.
func (c *Controller) current() error {
	why, err := c.store.Behind()
	if err == nil && why != "" {
		err = behind(why)
	}
	return err
}

// askWitnesses asks the hosts of open plans before anything of those is taken up: an old copy may hold a plan that has come
// to its end since. A host that does not answer says nothing; it is asked again before it is told anything.
func (c *Controller) askWitnesses(ctx context.Context) error {
	plans, err := c.store.OpenPlans()
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, p := range plans {
		for _, step := range p.Steps {
			if !asked[step.Host] {
				asked[step.Host] = true
				_, _ = c.hosts.Get(ctx, step.Host)
			}
		}
	}
	return c.current()
}
