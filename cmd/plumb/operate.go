package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/reconcile/journal"
)

// operator takes orders: the running controller, or this process when none runs.
type operator interface {
	Suspend(ctx context.Context, s reconcile.Suspension) error
	Resume(ctx context.Context, name string) (string, error)
	Rewind(ctx context.Context) error
	Trust(ctx context.Context, host string) (string, error)
	TrustOnce(ctx context.Context, once journal.Once) (string, error)
}

// operator finds who takes orders. The caller calls done.
func (s *settings) operator(cmd *cobra.Command) (o operator, done func(), err error) {
	client, err := s.dial(cmd.Context())
	if err == nil {
		return client, func() { client.Close() }, nil
	}
	if !errors.Is(err, control.ErrNobody) {
		return nil, nil, err
	}
	store, err := s.openStore("")
	if err != nil {
		return nil, nil, err
	}
	source, err := s.openSource()
	if err != nil {
		source = nil // only words about commits need one
	}
	cmd.PrintErrf("no controller answers on %s: the next one on %s will heed this\n", s.config.Socket, s.config.State)
	c := s.controller(source, store, nil)
	return here{c}, func() { c.Close(); store.Close() }, nil
}

// here is a controller of this process, which follows nothing.
type here struct{ *reconcile.Controller }

func (h here) Resume(ctx context.Context, name string) (string, error) {
	if name != "" {
		return h.Release(ctx, name)
	}
	was, err := h.Continue(ctx)
	return reconcile.Continued(was), err
}
