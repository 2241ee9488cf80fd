package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/control"
	"plumbline/reconcile/journal"
)

func newHistory(s *settings) *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List the plans that ran, newest first",
		Example: "  plumb history -n 5",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			past, err := s.history(cmd, count)
			if err != nil {
				return err
			}
			for _, p := range past {
				if s.output != "text" {
					if err := json.NewEncoder(cmd.OutOrStdout()).Encode(p); err != nil {
						return err
					}
					continue
				}
				verdict := p.Verdict
				if p.EndedAt == nil {
					verdict = "open"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %.10s  %-14s  %s\n", p.BegunAt.Local().Format(time.DateTime), p.Plan.Commit, verdict, p.Plan.Summary())
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many")
	return cmd
}

func (s *settings) history(cmd *cobra.Command, count int) ([]journal.Past, error) {
	if client, err := control.Dial(cmd.Context(), s.config.Socket); err == nil {
		defer client.Close()
		return client.History(cmd.Context(), count)
	}
	store, err := journal.Open(s.storePath(), journal.Options{Version: version, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.History(count)
}
