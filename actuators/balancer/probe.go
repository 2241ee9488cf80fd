package balancer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"plumbline/actuators"
)

// probe asks one backend whether it is ready. Without a path an accepted connection is the answer.
type probe struct {
	Address string `json:"address"`
	Path    string `json:"path,omitempty"`
	Timeout string `json:"timeout"`
}

const (
	pause    = 250 * time.Millisecond // between two questions
	patience = 3 * time.Second        // for one answer
)

// await waits until all probes were answered well at least once; what is not in time is named.
func await(ctx context.Context, h actuators.Host, probes []probe) error {
	answers := make(chan error, len(probes))
	for _, p := range probes {
		go func() { answers <- p.await(ctx, h) }()
	}
	var all error
	for range probes {
		all = errors.Join(all, <-answers)
	}
	return all
}

func (p probe) await(ctx context.Context, h actuators.Host) error {
	limit, err := time.ParseDuration(p.Timeout)
	if err != nil {
		return fmt.Errorf("internal error: cannot read the timeout of a check: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := time.NewTicker(pause)
	defer again.Stop()
	var last error
	for {
		err := p.ask(bounded, h)
		if err == nil {
			return nil
		}
		if bounded.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-bounded.Done():
			return fmt.Errorf("cannot let the backend in: %s did not pass its check within %s: %w", p.Address, p.Timeout, last)
		case <-again.C:
		}
	}
}

func (p probe) ask(ctx context.Context, h actuators.Host) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if p.Path != "" {
		return p.get(ctx, h)
	}
	conn, err := h.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (p probe) get(ctx context.Context, h actuators.Host) error {
	client := http.Client{
		Transport:     &http.Transport{DialContext: h.Dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Address+p.Path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 399 {
		return fmt.Errorf("GET %s answered %s", p.Path, response.Status)
	}
	return nil
}
