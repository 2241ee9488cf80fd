package reconcile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/prepare"
)

// reach opens connections: to the controller itself and the local host in process, to all others by the configured
// transports. Over OpenSSH it brings its own binary along where there is none or another one, if a shell answers there and a
// plan is to be applied; a controller that only looks takes what is there.
type reach struct {
	o       Options
	options exec.Options

	mu     sync.Mutex
	copied map[string]bool // hosts that have our binary at prepare.Path; false: it was tried and cannot be
}

func newReach(o Options) *reach {
	return &reach{o: o, options: exec.Options{Version: o.Version, ReadOnly: o.Store == nil}, copied: map[string]bool{}}
}

func (r *reach) dial(ctx context.Context, host, ssh string) (exec.Executor, error) {
	if host == "" || host == r.o.Config.Local {
		state := filepath.Join(r.o.Config.State, "exec")
		if !r.options.ReadOnly { // who only looks leaves nothing behind
			if err := os.MkdirAll(state, 0o700); err != nil {
				return nil, err
			}
		}
		return exec.Local(r.o.Kinds, exec.NewMachine(host, exec.Dirs{State: state}), r.options), nil
	}
	if ssh == "" {
		ssh = host
	}
	r.mu.Lock()
	ours, tried := r.copied[host]
	r.mu.Unlock()
	program := "plumb"
	if ours {
		program = prepare.Path
	}
	argv, own, err := r.o.Config.argv(host, ssh, program, r.o.Store == nil)
	if err != nil {
		return nil, err
	}
	executor, err := exec.Dial(ctx, argv, exec.DialOptions{Version: r.o.Version})
	if own || r.o.Store == nil {
		return executor, err
	}
	return r.same(ctx, host, ssh, executor, err, tried)
}

// same sees to it that the same binary answers at both ends, as far as it can be had.
func (r *reach) same(ctx context.Context, host, ssh string, executor exec.Executor, failed error, tried bool) (exec.Executor, error) {
	has, wrong := r.differs(ctx, executor, failed)
	if !wrong || tried && failed == nil {
		return executor, failed
	}
	err := r.bring(ctx, host, ssh)
	r.mu.Lock()
	r.copied[host] = err == nil
	r.mu.Unlock()
	switch {
	case err == nil && executor != nil:
		executor.Close()
		fallthrough
	case err == nil:
		argv, _, err := r.o.Config.argv(host, ssh, prepare.Path, false)
		if err != nil {
			return nil, err
		}
		return exec.Dial(ctx, argv, exec.DialOptions{Version: r.o.Version})
	case errors.Is(failed, exec.ErrVersion):
		return nil, fmt.Errorf("%w; it cannot be copied there by itself, as through a forced command (%w)", failed, err)
	case failed != nil:
		return nil, fmt.Errorf("%w; it cannot be copied there by itself, as through a forced command: say \"plumb host install\" with a key that opens a shell, or install the package there (%w)", failed, err)
	}
	r.o.Log.Warn().Str("host", host).Str("has", has).Str("here", r.o.Version).Err(err).Msg("the host has another plumb, and ours cannot be copied there; say plumb host install")
	return executor, nil
}

// differs tells whether the far end is another binary, or none.
func (r *reach) differs(ctx context.Context, executor exec.Executor, failed error) (has string, wrong bool) {
	if failed != nil {
		return "", errors.Is(failed, exec.ErrAbsent) || errors.Is(failed, actuators.ErrRefused)
	}
	hello, err := executor.Hello(ctx)
	if err != nil {
		return "", false // whoever asks next is told
	}
	if hello.Binary == "" {
		return hello.Version, hello.Version != r.o.Version
	}
	self, err := prepare.Self(r.o.Version)
	return hello.Version, err == nil && hello.Binary != self.Sum
}

// bring copies our binary to the host.
func (r *reach) bring(ctx context.Context, host, ssh string) error {
	self, err := prepare.Self(r.o.Version)
	if err != nil {
		return err
	}
	_, err = prepare.Host{Name: host, SSH: ssh}.Copy(ctx, self, func(text string) { r.o.Log.Info().Str("host", host).Msg(text) })
	return err
}
