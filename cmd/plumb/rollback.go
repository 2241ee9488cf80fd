package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/control"
)

func newRollback(s *settings) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "rollback --to COMMIT",
		Short: "Bring the datacenter back to an earlier commit, and hold it there",
		Long: `Apply an earlier commit and suspend the loop, so that the head of the repository is not applied again at once. The
lasting way is a revert in Git; this is the fast one. "plumb resume" follows the repository again.`,
		Example: "  plumb history\n  plumb rollback --to 3f2a91c07d…",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := s.plan(cmd, []string{to}, "")
			if err != nil {
				return err
			}
			if client, err := control.Dial(cmd.Context(), s.config.Socket); err == nil {
				err := client.Suspend(cmd.Context(), reconcile.Suspension{Reason: "rolled back to " + to, Owner: owner()})
				client.Close()
				if err != nil {
					return err
				}
			}
			result, err := s.apply(cmd, p)
			if err != nil {
				return staleness(err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "the loop is held; revert in Git, then \"plumb resume\"")
			return s.writeResult(cmd, result)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the commit to go back to")
	cmd.MarkFlagRequired("to")
	return cmd
}
