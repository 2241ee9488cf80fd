package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"plumbline/reconcile"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
)

// Serve answers on a listener of Listen until the context ends.
func Serve(ctx context.Context, listener net.Listener, c *reconcile.Controller, store *journal.Store) error {
	s := &server{controller: c, store: store}
	g := grpc.NewServer(grpc.Creds(byKernel{insecure.NewCredentials()}), grpc.ForceServerCodec(codec{}), grpc.MaxRecvMsgSize(messageLimit), grpc.MaxSendMsgSize(messageLimit))
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName, HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: methodName, ServerStreams: true, Handler: s.handle}},
	}, s)
	stop := context.AfterFunc(ctx, g.Stop)
	defer stop()
	return g.Serve(listener)
}

type server struct {
	controller *reconcile.Controller
	store      *journal.Store

	mu    sync.Mutex
	given inventory.Inventory // entries that were given last
	stamp string
}

func (s *server) handle(_ any, stream grpc.ServerStream) error {
	var r Request
	if err := stream.RecvMsg(&r); err != nil {
		return err
	}
	reply := s.answer(reconcile.OrderedBy(stream.Context(), callerOf(stream.Context())), r, func(e run.Event) { stream.SendMsg(&Reply{Event: &e}) })
	reply.Done = true
	return stream.SendMsg(reply)
}

func (s *server) answer(ctx context.Context, r Request, listen func(run.Event)) *Reply {
	reply := &Reply{}
	if err := s.serve(ctx, r, listen, reply); err != nil {
		reply.fail(err)
	}
	return reply
}

func (s *server) serve(ctx context.Context, r Request, listen func(run.Event), reply *Reply) (err error) {
	switch r.Verb {
	case Status:
		reply.Status, err = json.Marshal(s.controller.Status())
	case Memory:
		reply.Memory, err = s.remembered(r.Known)
	case Apply:
		if r.Plan == nil {
			return errors.New("cannot apply: the request holds no plan")
		}
		var result run.Result
		result, err = s.controller.ApplySaved(ctx, r.Plan, listen)
		reply.Result = &result
	case Incident:
		var d reconcile.Drifted
		d, err = s.controller.Incidents(ctx)
		reply.Incidents, reply.Groups, reply.Unseen = d.Incidents, d.Groups, d.Unseen
	case Heal:
		var result run.Result
		result, err = s.controller.Heal(ctx, r.Instances, listen)
		reply.Result = &result
	case History:
		reply.History, err = s.store.History(r.Count)
	case Felt:
		reply.Felt, err = s.controller.Felt(r.Name)
	case Suspend:
		var suspension reconcile.Suspension
		if err := json.Unmarshal(r.Suspension, &suspension); err != nil {
			return err
		}
		err = s.controller.Suspend(ctx, suspension)
	case Resume:
		var was bool
		was, err = s.controller.Continue(ctx)
		reply.Text = reconcile.Continued(was)
	case Release:
		reply.Text, err = s.controller.Release(ctx, r.Name)
	case Trust:
		reply.Text, err = s.controller.Trust(ctx, r.Name)
	case Once:
		if r.Once == nil {
			return errors.New("cannot trust a commit: the request names none")
		}
		reply.Text, err = s.controller.TrustOnce(ctx, *r.Once)
	case Ack:
		if r.Ack == nil {
			return errors.New("cannot take the word: the request holds none")
		}
		reply.Text, err = s.controller.Ack(ctx, r.Name, *r.Ack)
	case Ordered:
		if r.Ordered == nil {
			return errors.New("cannot take an order down: the request holds none")
		}
		err = s.controller.TakeDown(*r.Ordered)
	case Look:
		s.controller.Look()
	case Rewind:
		err = s.controller.Rewind(ctx)
	default:
		err = fmt.Errorf("the controller knows no verb %q; is it older than this command?", r.Verb)
	}
	return err
}

// remembered is what the store holds, without the entries if they are those that the caller has. As long as nothing was written the store gives the
// same map.
func (s *server) remembered(known string) (*Remembered, error) {
	inv, err := s.store.Inventory()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.stamp == "" || reflect.ValueOf(inv).Pointer() != reflect.ValueOf(s.given).Pointer() {
		s.given, s.stamp = inv, rand.Text()
	}
	stamp := s.stamp
	s.mu.Unlock()
	out, err := snapshot(s.store, inv, known != stamp)
	if out != nil {
		out.Stamp, out.Same = stamp, known == stamp
	}
	return out, err
}

// Snapshot copies what a memory holds now.
func Snapshot(m reconcile.Memory) (*Remembered, error) {
	inv, err := m.Inventory()
	if err != nil {
		return nil, err
	}
	return snapshot(m, inv, true)
}

func snapshot(m reconcile.Memory, inv inventory.Inventory, whole bool) (out *Remembered, err error) {
	out = &Remembered{Who: m.Installation()}
	if whole {
		out.Entries = slices.Collect(maps.Values(inv))
	}
	if out.Last, err = m.Commits(); err != nil {
		return nil, err
	}
	out.Held, err = m.Parked()
	return out, err
}
