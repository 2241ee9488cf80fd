package vm

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"plumbline/actuators"
)

// Probe says when a guest counts as up.
type Probe struct {
	Address string        `json:"address"`
	Port    int           `json:"port"`
	Timeout time.Duration `json:"timeout"`
}

// ready changes nothing: it holds back what comes after the VM until the guest answers, and fails the lane if it never does.
var ready = actuators.Op[Probe, Nothing, State]{
	Name: "ready", Reversal: actuators.Exact, Timeout: powerTimeout,
	Capture: func(context.Context, actuators.Host, Probe) (Nothing, error) { return Nothing{}, nil },
	Do:      func(ctx context.Context, h actuators.Host, p Probe, _ Nothing) error { return await(ctx, h, p) },
	Undo:    func(context.Context, actuators.Host, Probe, Nothing) error { return nil },
	Predict: func(_ Probe, have *State) *State { return have },
}

// tryEvery is the pause between two attempts, each of which has twice that time.
const tryEvery = 500 * time.Millisecond

// await waits for the declared time and no longer: its error is no temporary one, for the engine would wait anew.
func await(ctx context.Context, h actuators.Host, p Probe) error {
	endpoint := net.JoinHostPort(p.Address, strconv.Itoa(p.Port))
	limit, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	again := time.NewTicker(tryEvery)
	defer again.Stop()
	for {
		err := try(limit, h, endpoint)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-limit.Done():
			return fmt.Errorf("cannot reach tcp %s within %s: %w", endpoint, p.Timeout, err)
		}
	}
}

func try(ctx context.Context, h actuators.Host, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*tryEvery)
	defer cancel()
	conn, err := h.Dial(ctx, "tcp", endpoint)
	if err != nil {
		return err
	}
	return conn.Close()
}
