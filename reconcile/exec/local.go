package exec

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"plumbline/actuators"
)

// observeTimeout bounds an Observe whose context has no deadline.
const observeTimeout = 2 * time.Minute

type local struct {
	reg      *actuators.Registry
	host     actuators.Host
	opts     Options
	readOnly bool
	conn     string // the connection that is served; empty in process
	locks    locks
	scopes   scopes // of the connection that is served
	nonce    string // of this executor: what a stamp counts may begin anew with a host
}

// Local is an executor for the host that this process runs on. It first takes up what an earlier executor left waiting
// for a confirmation.
func Local(reg *actuators.Registry, h actuators.Host, opts Options) Executor {
	return newLocal(reg, h, opts, "")
}

func newLocal(reg *actuators.Registry, h actuators.Host, opts Options, conn string) *local {
	if opts.ReadOnly {
		h = looked{h}
	}
	l := &local{reg: reg, host: h, opts: opts, readOnly: opts.ReadOnly, conn: conn, locks: newLocks(h.StateDir()), nonce: rand.Text()}
	l.rearm() // Hello tries again and tells what went wrong
	return l
}

func (l *local) Hello(context.Context) (Hello, error) {
	hello := Hello{
		Protocol: cmp.Or(l.opts.protocol, Protocol), Version: l.opts.Version, Binary: ownSum(), Schema: l.opts.Schema, Arch: runtime.GOOS + "/" + runtime.GOARCH,
		Boot: bootID(), Name: l.host.Name(), Clock: l.host.Now(), Kinds: l.reg.Names(), ReadOnly: l.readOnly,
		Problems: l.rearm(),
	}
	machineID, err := l.host.ReadFile("/etc/machine-id")
	if err != nil && !errors.Is(err, actuators.ErrNotFound) {
		return Hello{}, fmt.Errorf("cannot read the machine ID: %w", err)
	}
	hello.Machine = strings.TrimSpace(string(machineID))
	if hello.Hostname, err = os.Hostname(); err != nil {
		return Hello{}, err
	}
	if hello.Epoch, err = readEpoch(l.host); err != nil {
		return Hello{}, err
	}
	hello.Waiting, hello.Reverted, err = l.confirmations()
	return hello, err
}

func (l *local) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	k, ok := l.reg.Kind(kind)
	if !ok {
		return nil, noKind(kind)
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, observeTimeout)
		defer cancel()
	}
	return await(ctx, func(ctx context.Context) ([]actuators.Observed, error) { return k.Observe(ctx, l.host, sc) })
}

func (l *local) Preflight(ctx context.Context, c Call) error {
	if l.readOnly {
		return fmt.Errorf("%w: plumb exec was started there with --read-only, for example by a forced command", ErrReadOnly)
	}
	op, err := l.op(c)
	if err != nil || !op.Asks {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout(c, op))
	defer cancel()
	_, err = await(ctx, func(ctx context.Context) (any, error) { return nil, op.Preflight(ctx, l.host, c.Params) })
	return err
}

func (l *local) Capture(ctx context.Context, c Call) (json.RawMessage, error) {
	op, err := l.op(c)
	if err != nil {
		return nil, err
	}
	answers, err := l.run(ctx, Capture, op, []Call{filled(c, op)})
	if err != nil {
		return nil, err
	}
	return answers[0].Before, answers[0].Err
}

func (l *local) Do(ctx context.Context, c Call) error   { return l.one(ctx, Do, c) }
func (l *local) Undo(ctx context.Context, c Call) error { return l.one(ctx, Undo, c) }

func (l *local) one(ctx context.Context, verb Verb, c Call) error {
	if l.readOnly {
		return fmt.Errorf("cannot %s %s: %w", verb, c.Step, ErrReadOnly)
	}
	op, err := l.op(c)
	if err != nil {
		return err
	}
	if verb == Undo && op.Undo == nil {
		return fmt.Errorf("internal error: op %s of kind %s has no undo", c.Op, c.Kind)
	}
	answers, err := l.run(ctx, verb, op, []Call{filled(c, op)})
	if err != nil {
		return err
	}
	return answers[0].Err
}

// Watch returns when the context ends, when the source breaks, or at once with ErrPolled.
func (l *local) Watch(ctx context.Context, kind string, emit func(actuators.Event)) error {
	k, ok := l.reg.Kind(kind)
	switch {
	case !ok:
		return noKind(kind)
	case k.Watch == nil:
		return fmt.Errorf("kind %s %w", kind, ErrPolled)
	}
	_, err := await(ctx, func(ctx context.Context) (any, error) { return nil, k.Watch(ctx, l.host, emit) })
	return err
}

func (l *local) Close() error { return nil }

// op finds the op of a call, in the version that the call's params were written for.
func (l *local) op(c Call) (*actuators.ErasedOp, error) { return findOp(l.reg, c) }

func findOp(reg *actuators.Registry, c Call) (*actuators.ErasedOp, error) {
	k, ok := reg.Kind(c.Kind)
	if !ok {
		return nil, noKind(c.Kind)
	}
	op, ok := k.Op(c.Op)
	if !ok {
		return nil, fmt.Errorf("cannot run op %s of kind %s: %w does not know it", c.Op, c.Kind, ErrVersion)
	}
	if c.Version != op.Version {
		return nil, fmt.Errorf("cannot run op %s of kind %s: the step has version %d, %w knows %d", c.Op, c.Kind, c.Version, ErrVersion, op.Version)
	}
	return op, nil
}

func noKind(kind string) error {
	return fmt.Errorf("cannot find kind %q: %w does not know it", kind, ErrVersion)
}

func timeout(c Call, op *actuators.ErasedOp) time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return op.Timeout
}

// cutOff says that the outcome is unknown when a verb failed and its time was over.
func cutOff(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return unknown(err)
}
