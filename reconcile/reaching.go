package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
)

// probe is one thing that the controller reaches.
type probe struct {
	name string
	look func(ctx context.Context) error
}

// How long is looked before a change, and how often after it.
const (
	reachPatience = 5 * time.Second
	reachAgain    = 200 * time.Millisecond
	reachAtOnce   = 32
)

// reaches looks what the controller reaches before a change of what it stands on: Git, the hosts that it is connected to, and itself. What is out of
// reach already, maybe the reason for the change, is not asked for afterwards. It gives what waits, until the context ends, for all of it to answer again.
func (c *Controller) reaches(ctx context.Context) (lost func(ctx context.Context) error) {
	before, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	all := c.probes()
	var there []probe
	for n, err := range lookAll(before, all) {
		if err == nil {
			there = append(there, all[n])
		}
	}
	return func(ctx context.Context) error {
		for {
			var wrong []error
			var left []probe
			for n, err := range lookAll(ctx, there) {
				if err != nil {
					wrong, left = append(wrong, fmt.Errorf("%s: %w", there[n].name, err)), append(left, there[n])
				}
			}
			if len(wrong) == 0 {
				return nil
			}
			there = left
			select {
			case <-ctx.Done():
				return errors.Join(wrong...)
			case <-time.After(reachAgain):
			}
		}
	}
}

func (c *Controller) probes() []probe {
	all := []probe{{"Git", func(ctx context.Context) error {
		_, err := c.source.Head(ctx)
		return err
	}}}
	for _, host := range c.hosts.Connected() {
		if host == "" {
			continue
		}
		all = append(all, probe{"host " + host, func(ctx context.Context) error {
			executor, err := c.hosts.Fresh(ctx, host)
			if err != nil {
				return err
			}
			defer executor.Close()
			_, err = executor.Hello(ctx)
			return err
		}})
	}
	if c.cfg.Listen != "" {
		all = append(all, probe{"its own address", func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.cfg.Listen)
			if err != nil {
				return err
			}
			return conn.Close()
		}})
	}
	return all
}

// lookAll looks at all, and says what each came to.
func lookAll(ctx context.Context, all []probe) []error {
	out := make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(reachAtOnce)
	for n, p := range all {
		group.Go(func() error {
			out[n] = p.look(ctx)
			return nil
		})
	}
	_ = group.Wait() // each says its own
	return out
}
