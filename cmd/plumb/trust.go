package main

import (
	"github.com/spf13/cobra"

	"plumbline/reconcile/journal"
)

func newTrust(s *settings) *cobra.Command {
	var once journal.Once
	cmd := &cobra.Command{
		Use:   "trust HOST | --once COMMIT --reason TEXT",
		Short: "Accept that a host is another machine, or a commit that nobody signed who may",
		Long: `A host that answers with another machine ID than before is unknown, and nothing is changed on it: its disks may be empty, or
the name may lead to the wrong machine. After a replacement that you know of, trust the new one.

With --once, a commit and all that it builds on is accepted, though the trust of the controller's file refuses it. The next
one is judged again. Who said so, and why, is told to all sinks.`,
		Example: "  plumb trust jino0\n  plumb trust --once 3f2a9c1 --reason 'keys of the old forge are lost'",
		Args: func(cmd *cobra.Command, args []string) error {
			if once.Commit != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if once.Commit != "" && once.Reason == "" {
				return fail(exitError, "cannot trust a commit without a reason; give --reason TEXT")
			}
			operator, done, err := s.operator(cmd)
			if err != nil {
				return err
			}
			defer done()
			var text string
			if once.Commit != "" {
				text, err = operator.TrustOnce(cmd.Context(), once)
			} else {
				text, err = operator.Trust(cmd.Context(), args[0])
			}
			if err != nil {
				return err
			}
			return s.tell(cmd, text)
		},
	}
	cmd.Flags().StringVar(&once.Commit, "once", "", "commit to accept, 7 digits or more")
	cmd.Flags().StringVar(&once.Reason, "reason", "", "why, for those who read it later")
	return cmd
}
