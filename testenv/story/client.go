package story

import (
	"context"
	"fmt"
	"sync"
	"time"

	"plumbline/testenv/site"
)

// client fetches the application's page over and over, as a person in the internet would, and counts what fails.
type client struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	good   int
	bad    []string
}

// clientPause is the time between two requests.
const clientPause = 20 * time.Millisecond

func (s *Story) startClient(ctx context.Context) *client {
	ctx, cancel := context.WithCancel(ctx)
	c := &client{cancel: cancel}
	c.done.Go(func() {
		for ctx.Err() == nil {
			_, err := s.Page(ctx)
			if ctx.Err() != nil {
				return
			}
			c.count(err)
			select {
			case <-time.After(clientPause):
			case <-ctx.Done():
			}
		}
	})
	return c
}

func (c *client) count(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.bad = append(c.bad, err.Error())
		return
	}
	c.good++
}

// stop ends the client; a client that was never started has nothing to end.
func (c *client) stop() (good int, bad []string) {
	if c == nil {
		return 0, nil
	}
	c.cancel()
	c.done.Wait()
	return c.good, c.bad
}

// steady waits until the client has made this many more requests.
func (c *client) steady(ctx context.Context, more int) error {
	c.mu.Lock()
	want := c.good + len(c.bad) + more
	c.mu.Unlock()
	return site.Until(ctx, 20*time.Second, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if made := c.good + len(c.bad); made < want {
			return fmt.Errorf("the client made %d of %d requests", made, want)
		}
		return nil
	})
}

// lossless stops the client and fails when a request was lost.
func (c *client) lossless() (int, error) {
	good, bad := c.stop()
	if len(bad) > 0 {
		return good, fmt.Errorf("%d of %d requests were lost: %s", len(bad), good+len(bad), bad[0])
	}
	if good == 0 {
		return 0, fmt.Errorf("the client made no request")
	}
	return good, nil
}
