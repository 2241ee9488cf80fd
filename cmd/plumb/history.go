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
	var export, verify bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the plans that ran, newest first; export or verify the audit trail",
		Long: `List the plans that ran, newest first. The audit trail knows more: every change, refusal, alert and order, with who, why and what was
seen before and after. --export writes all of it as JSON lines, --verify tells whether it is as it was written.`,
		Example: "  plumb history -n 5\n  plumb history -o ndjson | jq -r '[.begun_at, .plan.commit, .verdict] | @tsv'\n  plumb history --export | jq 'select(.object == \"vm/payroll@jino0\")'\n  plumb history --verify",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case export:
				return s.export(cmd)
			case verify:
				return s.verify(cmd)
			}
			past, err := s.history(cmd, count)
			if err != nil {
				return err
			}
			return s.writeHistory(cmd.OutOrStdout(), past)
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many")
	cmd.Flags().BoolVar(&export, "export", false, "write the whole audit trail as JSON lines")
	cmd.Flags().BoolVar(&verify, "verify", false, "check that the audit trail is whole and unchanged")
	cmd.MarkFlagsMutuallyExclusive("export", "verify")
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
