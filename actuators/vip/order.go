package vip

import (
	"context"
	"fmt"
	"time"

	"plumbline/actuators/internal/link"
)

// maxWait bounds how long a host gives way to better ones.
const maxWait = 10 * time.Second

// giveWay lets a better host begin: the address stays with whoever has it first. It waits until somebody answers, at most
// for the time that each better host needs to begin; then they are dead or fail.
func giveWay(ctx context.Context, p params) error {
	better := time.Duration(topPriority - p.Priority)
	wait := min(better*(4*time.Duration(p.Advert)*time.Millisecond+1500*time.Millisecond), maxWait)
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	for until := time.Now().Add(wait); time.Now().Before(until); {
		answered, err := taken(ctx, p)
		if answered || err != nil {
			return err
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return fmt.Errorf("cannot wait for a better host: %w", ctx.Err())
		}
	}
	return nil
}

func taken(ctx context.Context, p params) (bool, error) {
	links, err := link.List(ctx)
	if err != nil {
		return false, err
	}
	one, found := links.Name(p.Interface)
	if !found || !one.Asks() {
		return false, nil
	}
	owner, err := link.Answers(ctx, one, p.ip())
	return owner != nil, err
}
