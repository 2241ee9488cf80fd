package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/control"
)

func newStatus(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Tell what the running controller is doing",
		Example: "  plumb status\n  plumb status -o json | jq .verdict",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := control.Dial(cmd.Context(), s.config.Socket)
			if err != nil {
				return fmt.Errorf("%w; start one with \"plumb run\", or ask the state directory with \"plumb history\"", err)
			}
			defer client.Close()
			status, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			if s.output != "text" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(status)
			}
			writeStatus(cmd.OutOrStdout(), status)
			return nil
		},
	}
}

func writeStatus(w io.Writer, s reconcile.Status) {
	fmt.Fprintf(w, "%s for %s\n", s.Phase, time.Since(s.Since).Round(time.Second))
	fmt.Fprintf(w, "head     %.10s  %s\n", orDash(s.Head), s.Verdict)
	fmt.Fprintf(w, "applied  %.10s  %s\n", orDash(s.Applied), plural(s.Objects, "object"))
	if s.Suspended != "" {
		fmt.Fprintln(w, s.Suspended)
	}
	if s.Error != "" {
		fmt.Fprintf(w, "refused:\n%s\n", s.Error)
	}
	for _, held := range s.Held {
		fmt.Fprintln(w, "held    ", held)
	}
	for _, r := range s.Refusals {
		fmt.Fprintf(w, "%-8s %s: %s\n", r.Class, r.Instance, r.Text)
	}
	if s.Incidents > 0 {
		fmt.Fprintf(w, "drift    %s; see \"plumb drift\"\n", plural(s.Incidents, "incident"))
	}
	for _, n := range s.Notes {
		fmt.Fprintf(w, "note     %s: %s\n", n.Instance, n.Text)
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
