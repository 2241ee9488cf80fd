package main

import (
	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/plan"
)

func newRollback(s *settings) *cobra.Command {
	var to string
	var yes bool
	cmd := &cobra.Command{
		Use:   "rollback --to COMMIT",
		Short: "Bring the datacenter back to an earlier commit, and hold it there",
		Long: `Show what going back to an earlier commit does, and after a question (--auto-approve answers it) apply that commit
and suspend the loop, so that the head of the repository is not applied again at once. The lasting way is a revert in Git;
this is the fast one. "plumb resume" follows the repository again.`,
		Example: "  plumb history\n  plumb rollback --to 3f2a91c07d\n  plumb rollback --to 3f2a91c07d --auto-approve",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := s.planBack(cmd, to)
			if err != nil {
				return err
			}
			if !yes {
				err := p.WriteText(cmd.ErrOrStderr(), plan.Style{Steps: true})
				if err == nil { // also when there is nothing to do: the loop is held all the same
					err = confirmed(cmd, "Go back, and hold the loop there?", "not rolled back; say yes, or give --auto-approve")
				}
				if err != nil {
					return err
				}
			}
			if err := s.hold(cmd, "rolled back to "+plan.ShortCommit(p.Commit)); err != nil {
				return err
			}
			cmd.PrintErrln("the loop is held, so that the head is not applied again; revert it in Git, then \"plumb resume\"")
			result, err := s.apply(cmd, p)
			if err != nil {
				return err
			}
			if err := s.writeResult(cmd, result); err != nil {
				return err
			}
			return s.leftOut(cmd, p)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the commit to go back to")
	cmd.Flags().BoolVar(&yes, "auto-approve", false, "do not ask")
	cmd.MarkFlagRequired("to")
	return cmd
}

// hold suspends the loop, whether it runs or not.
func (s *settings) hold(cmd *cobra.Command, reason string) error {
	operator, done, err := s.operator(cmd)
	if err != nil {
		return err
	}
	defer done()
	return operator.Suspend(cmd.Context(), reconcile.Suspension{Reason: reason, Owner: owner()})
}
