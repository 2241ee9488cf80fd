package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
)

func newDrift(s *settings) *cobra.Command {
	var detailed bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show what is live and not as it was last applied",
		Long: `Show what differs from what was last applied. A running controller answers from what it watches; without one everything
is looked at once. Nothing is changed. Exit code 10: something could not be looked at, so nobody can say that all is well.`,
		Example: "  plumb drift\n  plumb drift --detailed-exitcode -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			incidents, unseen, healer, err := s.drift(cmd)
			if err != nil {
				return err
			}
			if err := s.writeDrift(cmd.OutOrStdout(), incidents, unseen, healer, time.Now()); err != nil {
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

// drift gives what differs, what could not be seen, and who heals what may be healed by itself.
func (s *settings) drift(cmd *cobra.Command) (incidents []drift.Incident, unseen []reconcile.HostError, healer string, err error) {
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		status, err := client.Status(cmd.Context())
		if err != nil {
			return nil, nil, "", err
		}
		healer = "is healed by itself"
		if status.Suspended != "" {
			healer = "is healed by itself when the suspension is over"
		}
		incidents, unseen, err = client.Incidents(cmd.Context())
		return incidents, unseen, healer, err
	}
	memory, done, err := s.memory(cmd.Context())
	if err != nil {
		return nil, nil, "", err
	}
	defer done()
	if memory == nil {
		return nil, nil, "", fail(exitError, "cannot look for drift: nothing was applied from %s yet", s.config.State)
	}
	c := s.controller(nil, nil, memory)
	defer c.Close()
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	incidents, unseen, err = c.Drift(cmd.Context())
	return incidents, unseen, "is healed by itself when a controller runs", err
}

func (s *settings) writeDrift(w io.Writer, incidents []drift.Incident, unseen []reconcile.HostError, healer string, now time.Time) error {
	if s.output != "text" {
		return json.NewEncoder(w).Encode(struct {
			Incidents []drift.Incident      `json:"incidents"`
			Unseen    []reconcile.HostError `json:"unseen"`
		}{append([]drift.Incident{}, incidents...), append([]reconcile.HostError{}, unseen...)})
	}
	width := 0
	for _, i := range incidents {
		width = max(width, len(i.Instance.String()))
	}
	for _, i := range incidents {
		writeIncident(w, i, width, healer, now)
	}
	for _, h := range unseen {
		fmt.Fprintf(w, "%s  unknown (%s): %s\n", hostName(h.Host), strings.Join(h.Kinds, ", "), h.Err)
	}
	if len(incidents) == 0 && len(unseen) == 0 {
		fmt.Fprintln(w, "no drift: everything is as it was last applied")
	}
	return nil
}

func writeIncident(w io.Writer, i drift.Incident, width int, healer string, now time.Time) {
	fmt.Fprintf(w, "%-*s  %s for %s  %s\n", width, i.Instance, i.Class, since(now.Sub(i.FirstSeen)), i.Declared)
	for _, c := range i.Changes {
		if i.Class != diff.Gone {
			fmt.Fprintf(w, "    %s is %s, applied was %s\n", c.Path, value(c.From), value(c.To))
		}
	}
	if i.Told != "" {
		fmt.Fprintf(w, "    the host says: %s\n", i.Told)
	}
	switch {
	case i.Contended:
		fmt.Fprintln(w, "    was healed again and again within an hour and undone each time: somebody or something else changes it; it is left alone now")
	case i.Policy == drift.Heal:
		fmt.Fprintln(w, "    "+healer)
	default:
		fmt.Fprintf(w, "    nothing is done by itself; \"plumb heal %s\" brings back what was applied\n", i.Instance)
	}
}

// value is a value as people write it: text bare, nothing by name, the rest as JSON.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func hostName(name string) string {
	if name == "" {
		return "the controller"
	}
	return name
}
