package exec

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"plumbline/actuators"
)

const (
	// pingTime and pingTimeout make both ends notice a peer that is silent without being gone: a frozen process, a dead
	// network below a live ssh. 10 s is the least that gRPC's client allows.
	pingTime    = 10 * time.Second
	pingTimeout = 10 * time.Second
	// serveGrace is how long Serve waits for verbs to end once the connection is gone.
	serveGrace = stopGrace + 2*time.Second
)

// Serve is the far end of Dial: it answers on the pipe until the connection or the context ends. What runs then is
// cancelled and its processes are killed; only watchers of unconfirmed steps live on. Whatever prints to os.Stdout
// meanwhile prints to os.Stderr, for stdout is the connection.
func Serve(ctx context.Context, stdin io.ReadCloser, stdout io.WriteCloser, reg *actuators.Registry, h actuators.Host, opts Options) error {
	surviveSignals()
	if stdout == io.WriteCloser(os.Stdout) {
		os.Stdout = os.Stderr
	}
	conn := newPipe(pollable(stdin), pollable(stdout))
	defer conn.Close()
	server := grpc.NewServer(
		grpc.ForceServerCodec(codec{}),
		grpc.MaxRecvMsgSize(messageLimit), grpc.MaxSendMsgSize(messageLimit),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingTime, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingTime / 2, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	)
	server.RegisterService(service(), newLocal(reg, h, opts, rand.Text()))
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listenOn(conn)) }()
	select {
	case <-ctx.Done():
	case <-conn.closed:
	}
	return stopServing(server)
}

func stopServing(server *grpc.Server) error {
	stopped := make(chan struct{})
	go func() {
		server.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-time.After(serveGrace):
		return fmt.Errorf("an operation did not stop within %s of the connection's end", serveGrace)
	}
}
