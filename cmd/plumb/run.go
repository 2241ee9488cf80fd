package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/reconcile/notify"
)

func newRun(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Follow the repository, apply each commit, and watch for drift",
		Long: `Follow the configured repository: each new commit is validated, planned and applied with rollback, and what is applied is
watched for drift. It answers the other commands on its socket and runs until it is stopped; a stop finishes or takes back
what is under way, and a kill is made good at the next start. Under systemd it is Type=notify and feeds the watchdog.`,
		Example: "  plumb run --repo /srv/git/boston.git --log-level info",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.follow(cmd) },
	}
}

func (s *settings) follow(cmd *cobra.Command) error {
	supervisor := newSupervisor(s.log)
	source, err := s.openSource()
	if err != nil {
		return err
	}
	store, err := s.openStore("")
	if err != nil {
		return err
	}
	defer store.Close()
	socket, page, err := s.listen()
	if err != nil {
		return err
	}
	defer socket.Close()
	meters := reconcile.NewMeters(version)
	box, err := notify.OpenOutbox(s.noticesPath())
	if err != nil {
		return err
	}
	defer box.Close()
	sinks, err := s.sinks(box)
	if err != nil {
		return err
	}
	bus := notify.NewBus(cmd.Context(), s.log, meters.Notified, box, sinks...)
	defer bus.Close()
	c := reconcile.New(reconcile.Options{
		Config: s.config, Kinds: all.Registry(), Source: source, Store: store, Log: s.log, Evaluator: s.evaluator(), Cache: s.cache(), Version: version,
		Tell: bus, Dial: s.dialer(),
	})
	defer c.Close()
	cmd.PrintErr(s.modelled())
	cmd.PrintErrf("plumb %s follows %s, branch %s\n", version, s.config.Repository, s.config.Branch)
	group, ctx := errgroup.WithContext(cmd.Context())
	group.Go(func() error { return c.Run(ctx) })
	group.Go(func() error { return control.Serve(ctx, socket, c, store) })
	group.Go(func() error { return supervisor.run(ctx, c) })
	if page != nil {
		group.Go(func() error { return meters.Serve(ctx, page, c) })
	}
	err = group.Wait()
	if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
		return nil
	}
	return err
}

// listen opens the socket and, if one is configured, the address of the metrics: what cannot be opened is told before
// anything is changed.
func (s *settings) listen() (socket, page net.Listener, err error) {
	socket, err = control.Listen(s.config.Socket)
	if errors.Is(err, control.ErrLive) {
		err = coded{exitStale, fmt.Errorf("%w; stop it first, or give --socket and --state of another", err)}
	}
	if err == nil && s.config.Listen != "" {
		if page, err = reconcile.ListenMeters(s.config.Listen); err != nil {
			socket.Close()
		}
	}
	return socket, page, err
}
