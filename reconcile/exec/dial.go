package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"plumbline/actuators"
)

// helloTimeout bounds a Dial whose context has no deadline.
const helloTimeout = 30 * time.Second

// notFound is how a shell ends that does not find a program, sh(1).
const notFound = 127

// DialOptions are the options of Dial; the zero value will do.
type DialOptions struct {
	Env     []string // added to the environment of the transport: ssh needs ours
	Version string   // of this plumb, for errors that come of another one there
}

// Dial starts a program that ends in `plumb exec --stdio` somewhere and speaks with it over its stdin and stdout. The
// context bounds the handshake only. Close ends the program.
func Dial(ctx context.Context, argv []string, opts DialOptions) (Executor, error) {
	if len(argv) == 0 {
		return nil, errors.New("internal error: no transport")
	}
	child, err := startChild(argv, opts.Env)
	if err != nil {
		return nil, fmt.Errorf("%w: cannot start %s: %w", ErrUnreachable, argv[0], err)
	}
	r := &remote{child: child, version: opts.Version}
	r.conn, err = grpc.NewClient("passthrough:///stdio",
		grpc.WithContextDialer(once(child.conn)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // ssh has authenticated both ends
		grpc.WithIdleTimeout(0),                                  // an idle connection would be closed, and there is no second one
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingTime, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
	)
	if err != nil {
		child.close(0)
		return nil, fmt.Errorf("internal error: %w", err)
	}
	if err := r.handshake(ctx); err != nil {
		r.conn.Close()
		if child.code() == notFound {
			err = absent{err}
		}
		child.close(0)
		return nil, err
	}
	return r, nil
}

func (r *remote) handshake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	hello, err := r.Hello(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrUnreachable) {
		return fmt.Errorf("%w: no handshake in time (%s): %w", ErrUnreachable, r.child.obituary(), err)
	}
	if err != nil {
		return err
	}
	r.far = hello
	if hello.Protocol != Protocol {
		return r.versions(fmt.Errorf("%w: %w speaks protocol %d, the host's %d", actuators.ErrRefused, ErrVersion, Protocol, hello.Protocol))
	}
	return nil
}

// once gives the connection to gRPC's first try and nothing to any other: whoever wants a new one dials.
func once(conn net.Conn) func(context.Context, string) (net.Conn, error) {
	first := make(chan net.Conn, 1)
	first <- conn
	return func(context.Context, string) (net.Conn, error) {
		select {
		case conn := <-first:
			return conn, nil
		default:
			return nil, io.EOF
		}
	}
}
