package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/reconcile/drift"
)

func newDrift(s *settings) *cobra.Command {
	var detailed bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show what is live and not as it was last applied",
		Long: `Show what differs from what was last applied. A running controller answers from what it watches; without one everything
is looked at once. Nothing is changed. Exit code 10: a host did not answer, so nobody can say that all is well.`,
		Example: "  plumb drift\n  plumb drift --detailed-exitcode -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			incidents, unseen, err := s.drift(cmd)
			if err != nil {
				return err
			}
			if err := s.writeDrift(cmd.OutOrStdout(), incidents, unseen); err != nil {
				return err
			}
			switch {
			case len(unseen) > 0:
				return exits(exitIncomplete)
			case detailed && len(incidents) > 0:
				return exits(exitChanges)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when something drifted")
	return cmd
}

func (s *settings) drift(cmd *cobra.Command) ([]drift.Incident, []reconcile.HostError, error) {
	if client, err := control.Dial(cmd.Context(), s.config.Socket); err == nil {
		defer client.Close()
		return client.Incidents(cmd.Context())
	}
	memory, done, err := s.memory(cmd.Context())
	if err != nil {
		return nil, nil, err
	}
	defer done()
	if memory == nil {
		return nil, nil, fail(exitError, "cannot look for drift: nothing was applied from %s", s.config.State)
	}
	c := s.controller(nil, nil, memory)
	defer c.Close()
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	return c.Drift(cmd.Context())
}

func (s *settings) writeDrift(w io.Writer, incidents []drift.Incident, unseen []reconcile.HostError) error {
	if s.output != "text" {
		return json.NewEncoder(w).Encode(struct {
			Incidents []drift.Incident      `json:"incidents"`
			Unseen    []reconcile.HostError `json:"unseen"`
		}{append([]drift.Incident{}, incidents...), append([]reconcile.HostError{}, unseen...)})
	}
	for _, i := range incidents {
		fmt.Fprintf(w, "%s  %s  %s since %s  (%s, %s)\n", i.Declared, i.Instance, i.Class, i.FirstSeen.Format(time.TimeOnly), i.Phase, i.Policy)
		for _, c := range i.Changes {
			fmt.Fprintf(w, "    %s  is %v, declared %v\n", c.Path, c.From, c.To)
		}
	}
	for _, h := range unseen {
		fmt.Fprintf(w, "host %s is unknown: %s\n", h.Host, h.Err)
	}
	if len(incidents) == 0 && len(unseen) == 0 {
		fmt.Fprintln(w, "no drift: everything is as it was last applied")
	}
	return nil
}
