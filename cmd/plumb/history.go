package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/plan"

	"plumbline/reconcile/journal"
)

func newHistory(s *settings) *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List the plans that ran, newest first",
		Example: "  plumb history -n 5\n  plumb history -o ndjson | jq -r '[.begun_at, .plan.commit, .verdict] | @tsv'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			past, err := s.history(cmd, count)
			if err != nil {
				return err
			}
			return s.writeHistory(cmd.OutOrStdout(), past)
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many")
	return cmd
}

func (s *settings) writeHistory(w io.Writer, past []journal.Past) error {
	if s.output == "json" {
		return json.NewEncoder(w).Encode(append([]journal.Past{}, past...))
	}
	for _, p := range past {
		if s.output == "ndjson" {
			if err := json.NewEncoder(w).Encode(p); err != nil {
				return err
			}
			continue
		}
		verdict := p.Verdict
		if p.EndedAt == nil {
			verdict = "open"
		}
		fmt.Fprintf(w, "%s  %-10s  %-14s  %s\n", p.BegunAt.Local().Format(time.DateTime), plan.ShortCommit(p.Plan.Commit), verdict, p.Summary)
	}
	return nil
}

func (s *settings) history(cmd *cobra.Command, count int) ([]journal.Past, error) {
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		return client.History(cmd.Context(), count)
	}
	store, err := s.readStore()
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, fail(exitError, "nothing was applied from %s yet", s.config.State)
	}
	defer store.Close()
	return store.History(count)
}
