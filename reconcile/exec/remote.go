package exec

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"plumbline/actuators"
	"plumbline/reconcile/who"
)

// lastWords is how long a broken connection waits for its child's end, to say why.
const lastWords = 200 * time.Millisecond

// remote is the near end of a connection.
type remote struct {
	child   *child
	conn    *grpc.ClientConn
	scopes  scopes
	version string // of this plumb
	far     Hello  // of the handshake
}

// versions adds to an error that comes of two versions which they are, where the other is, and the way out.
func (r *remote) versions(err error) error {
	if !errors.Is(err, ErrVersion) {
		return err
	}
	return fmt.Errorf("%w (host %s has plumb %s, here is plumb %s: bring the same there with \"plumb host install\", or install the package there)",
		err, cmp.Or(r.far.Name, r.far.Hostname), cmp.Or(r.far.Version, unversioned), cmp.Or(r.version, unversioned))
}

// unversioned is a binary that was built without a version.
const unversioned = "of no version"

func (r *remote) Hello(ctx context.Context) (Hello, error) {
	out, err := r.ask(ctx, "Hello", &request{}, false)
	if err != nil {
		return Hello{}, err
	}
	return *out.Hello, nil
}

func (r *remote) Stamps(ctx context.Context, scopes map[string]actuators.Scope) (map[string]string, error) {
	in := r.scopes.question(scopes)
	out, err := r.ask(ctx, "Stamps", in, false)
	if err != nil {
		return nil, err
	}
	r.scopes.learn(in, out.Whole) // what was not known there goes whole the next time: no stamp promises nothing
	return out.Stamps, nil
}

func (r *remote) Traces(ctx context.Context, q who.Query) ([]who.Trace, error) {
	out, err := r.ask(ctx, "Traces", &request{Query: &q}, false)
	if err != nil {
		return nil, err
	}
	return out.Traces, nil
}

func (r *remote) Preflight(ctx context.Context, c Call) error {
	_, err := r.ask(ctx, "Preflight", &request{Call: &c}, false)
	return err
}

func (r *remote) Capture(ctx context.Context, c Call) (json.RawMessage, error) {
	out, err := r.ask(ctx, "Capture", &request{Call: &c}, false)
	if err != nil {
		return nil, err
	}
	return out.Before, nil
}

func (r *remote) Do(ctx context.Context, c Call) error {
	_, err := r.ask(ctx, "Do", &request{Call: &c}, true)
	return err
}

func (r *remote) Undo(ctx context.Context, c Call) error {
	_, err := r.ask(ctx, "Undo", &request{Call: &c}, true)
	return err
}

func (r *remote) Confirm(ctx context.Context, step string) error {
	_, err := r.ask(ctx, "Confirm", &request{Step: step}, true)
	return err
}

func (r *remote) Many(ctx context.Context, verb Verb, calls []Call) ([]Answer, error) {
	changes := verb == Do || verb == Undo || verb == Confirm
	out, err := r.ask(ctx, "Many", &request{Verb: verb, Calls: calls}, changes)
	if err != nil {
		return nil, err
	}
	if len(out.All) != len(calls) {
		return nil, fmt.Errorf("internal error: %w: %d answers to %d calls", ErrUnknown, len(out.All), len(calls))
	}
	answers := make([]Answer, len(calls))
	for n, one := range out.All {
		answers[n] = Answer{one.Before, r.versions(one.Err.unpack())}
	}
	return answers, nil
}

// Observe gathers the batches; without the last message there is no answer at all.
func (r *remote) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	var all []actuators.Observed
	err := r.listen(ctx, "Observe", &request{Kind: kind, Scope: &sc}, func(out *reply) { all = append(all, out.Batch...) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (r *remote) Watch(ctx context.Context, kind string, emit func(actuators.Event)) error {
	return r.listen(ctx, "Watch", &request{Kind: kind}, func(out *reply) {
		if out.Event != nil {
			emit(*out.Event)
		}
	})
}

func (r *remote) Close() error {
	err := r.conn.Close()
	r.child.close(closeGrace)
	return err
}

// ask is one question with one answer. A question that changes something and got no answer has an unknown outcome,
// unless the connection was gone before.
func (r *remote) ask(ctx context.Context, verb string, in *request, changes bool) (*reply, error) {
	if r.child.dead(0) {
		return nil, r.broken(ctx, verb, status.Error(codes.Unavailable, "closed"), false)
	}
	out := new(reply)
	if err := r.conn.Invoke(ctx, method(verb), in, out); err != nil {
		return nil, r.broken(ctx, verb, err, changes)
	}
	return out, r.versions(out.Err.unpack())
}

// listen is one question with many answers, up to the one that says Done.
func (r *remote) listen(ctx context.Context, verb string, in *request, each func(*reply)) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream if we leave early
	defer cancel()
	stream, err := r.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: verb, ServerStreams: true}, method(verb))
	if err == nil {
		err = stream.SendMsg(in)
	}
	if err == nil || errors.Is(err, io.EOF) { // the receiving side knows why the sending one ended
		err = stream.CloseSend()
	}
	for err == nil {
		out := new(reply)
		if err = stream.RecvMsg(out); err != nil {
			break
		}
		if out.Done {
			return r.versions(out.Err.unpack())
		}
		each(out)
	}
	return r.broken(ctx, verb, err, false)
}

// broken is the error of a question that got no answer.
func (r *remote) broken(ctx context.Context, verb string, err error, changes bool) error {
	wrap := func(err error) error {
		if changes {
			err = unknown(err)
		}
		if verb == "Hello" {
			return err // the question of a handshake that nobody asked for by name
		}
		return fmt.Errorf("cannot %s: %w", verb, err)
	}
	code := status.Code(err)
	switch {
	case ctx.Err() != nil:
		return wrap(fmt.Errorf("no answer in time: %w", context.Cause(ctx)))
	case code == codes.DeadlineExceeded:
		return wrap(fmt.Errorf("no answer in time: %w", context.DeadlineExceeded))
	case code == codes.Unavailable, code == codes.Canceled, errors.Is(err, io.EOF):
		r.child.dead(lastWords)
		return wrap(fmt.Errorf("%w: %s", ErrUnreachable, r.child.obituary()))
	case code == codes.Unimplemented:
		return r.versions(fmt.Errorf("cannot %s: %w is asked there for what it does not know", verb, ErrVersion))
	default:
		return wrap(err)
	}
}
