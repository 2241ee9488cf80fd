package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"plumbline/reconcile"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// ErrNobody means that no controller answers on the socket.
var ErrNobody = errors.New("no controller answers")

// because is a cause worth telling: that there is no socket, or nobody behind it, is what ErrNobody says.
func because(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ""
	case errors.Is(err, fs.ErrPermission):
		return ": it belongs to another user"
	}
	return ": " + err.Error()
}

// Client speaks with a running controller.
type Client struct {
	conn *grpc.ClientConn
}

// Dial connects to the socket. An error means that no controller answers there.
func Dial(ctx context.Context, socket string) (*Client, error) {
	probe, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("%w at %s%s", ErrNobody, socket, because(err))
	}
	probe.Close()
	conn, err := grpc.NewClient("passthrough:///"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, path string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
	)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// call sends a request and gives the last reply; events go to listen on the way.
func (c *Client) call(ctx context.Context, r Request, listen func(run.Event)) (*Reply, error) {
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: methodName, ServerStreams: true}, "/"+serviceName+"/"+methodName)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(&r); err != nil {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	for {
		var reply Reply
		err := stream.RecvMsg(&reply)
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the controller ended before it had answered")
		case err != nil:
			return nil, err
		case reply.Event != nil && listen != nil:
			listen(*reply.Event)
		}
		if reply.Done {
			if reply.Err != "" {
				return &reply, reply.failure()
			}
			return &reply, nil
		}
	}
}

// Status asks what the controller is doing.
func (c *Client) Status(ctx context.Context) (reconcile.Status, error) {
	var s reconcile.Status
	reply, err := c.call(ctx, Request{Verb: Status}, nil)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(reply.Status, &s)
}

// Memory asks for what planning needs to know.
func (c *Client) Memory(ctx context.Context) (*Remembered, error) {
	reply, err := c.call(ctx, Request{Verb: Memory}, nil)
	if err != nil {
		return nil, err
	}
	return reply.Memory, nil
}

// MemorySince is Memory for who asked before: what is still the same is not sent again.
func (c *Client) MemorySince(ctx context.Context, known *Remembered) (*Remembered, error) {
	reply, err := c.call(ctx, Request{Verb: Memory, Known: known.Stamp}, nil)
	if err != nil {
		return nil, err
	}
	if reply.Memory.Same {
		return reply.Memory.with(known), nil
	}
	return reply.Memory, nil
}

// Apply has the controller run a plan.
func (c *Client) Apply(ctx context.Context, p *plan.Plan, listen func(run.Event)) (run.Result, error) {
	reply, err := c.call(ctx, Request{Verb: Apply, Plan: p}, listen)
	if reply == nil || reply.Result == nil {
		return run.Result{}, err
	}
	return *reply.Result, err
}

// Incidents asks for the open ones, and for what could not be looked at.
func (c *Client) Incidents(ctx context.Context) (reconcile.Drifted, error) {
	reply, err := c.call(ctx, Request{Verb: Incident}, nil)
	if err != nil {
		return reconcile.Drifted{}, err
	}
	return reconcile.Drifted{
		Incidents: append([]drift.Incident{}, reply.Incidents...), Groups: append([]drift.Group{}, reply.Groups...), Unseen: append([]reconcile.HostError{}, reply.Unseen...),
	}, nil
}

// Heal has the controller bring instances back to what was last applied; none = all that drifted.
func (c *Client) Heal(ctx context.Context, instances []schema.Instance, listen func(run.Event)) (run.Result, error) {
	reply, err := c.call(ctx, Request{Verb: Heal, Instances: instances}, listen)
	if reply == nil || reply.Result == nil {
		return run.Result{}, err
	}
	return *reply.Result, err
}

// History asks for the newest n plans.
func (c *Client) History(ctx context.Context, n int) ([]journal.Past, error) {
	reply, err := c.call(ctx, Request{Verb: History, Count: n}, nil)
	if err != nil {
		return nil, err
	}
	return reply.History, nil
}

// Felt asks what users felt of a plan that has ended.
func (c *Client) Felt(ctx context.Context, plan string) ([]string, error) {
	reply, err := c.call(ctx, Request{Verb: Felt, Name: plan}, nil)
	if err != nil {
		return nil, err
	}
	return reply.Felt, nil
}

// Suspend stops applying and healing.
func (c *Client) Suspend(ctx context.Context, s reconcile.Suspension) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, Request{Verb: Suspend, Suspension: data}, nil)
	return err
}

// Resume ends a suspension; with a name it releases a parked effect or a stuck instance; it tells what it did.
func (c *Client) Resume(ctx context.Context, name string) (string, error) {
	verb := Resume
	if name != "" {
		verb = Release
	}
	reply, err := c.call(ctx, Request{Verb: verb, Name: name}, nil)
	if err != nil {
		return "", err
	}
	return reply.Text, nil
}

// Rewind accepts a history that does not build on the newest accepted commit.
func (c *Client) Rewind(ctx context.Context) error {
	_, err := c.call(ctx, Request{Verb: Rewind}, nil)
	return err
}

// Look has the controller ask the repository at once.
func (c *Client) Look(ctx context.Context) error {
	_, err := c.call(ctx, Request{Verb: Look}, nil)
	return err
}

// TakeDown has the controller write an order into its audit trail that was given elsewhere.
func (c *Client) TakeDown(ctx context.Context, order reconcile.Ordered) error {
	_, err := c.call(ctx, Request{Verb: Ordered, Ordered: &order}, nil)
	return err
}

// Trust accepts that a host is another machine; it tells what it did.
func (c *Client) Trust(ctx context.Context, host string) (string, error) {
	reply, err := c.call(ctx, Request{Verb: Trust, Name: host}, nil)
	if err != nil {
		return "", err
	}
	return reply.Text, nil
}

// Ack says that somebody sees to alerts; it tells what it did.
func (c *Client) Ack(ctx context.Context, name string, ack drift.Ack) (string, error) {
	reply, err := c.call(ctx, Request{Verb: Ack, Name: name, Ack: &ack}, nil)
	if err != nil {
		return "", err
	}
	return reply.Text, nil
}

// TrustOnce accepts a commit that nobody signed who may; it tells what it did.
func (c *Client) TrustOnce(ctx context.Context, once journal.Once) (string, error) {
	reply, err := c.call(ctx, Request{Verb: Once, Once: &once}, nil)
	if err != nil {
		return "", err
	}
	return reply.Text, nil
}
