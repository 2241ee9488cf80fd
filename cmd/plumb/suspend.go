package main

import (
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
)

func newSuspend(s *settings) *cobra.Command {
	var reason string
	var lasting time.Duration
	cmd := &cobra.Command{
		Use:   "suspend --reason TEXT",
		Short: "Stop applying and healing; looking and alerting go on",
		Long: `Stop applying commits and healing drift until "plumb resume", or for a time. Looking and alerting go on, and what a person
orders by hand (plumb apply, heal, rollback) is done. It holds over a restart.`,
		Example: "  plumb suspend --reason \"storage maintenance\" --for 2h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			operator, done, err := s.operator(cmd)
			if err != nil {
				return err
			}
			defer done()
			suspension := reconcile.Suspension{Reason: reason, Owner: owner()}
			if lasting > 0 {
				suspension.Until = time.Now().Add(lasting)
			}
			if err := operator.Suspend(cmd.Context(), suspension); err != nil {
				return err
			}
			return s.tell(cmd, suspension.String())
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for everybody who looks")
	cmd.Flags().DurationVar(&lasting, "for", 0, "how long; without it until \"plumb resume\"")
	cmd.MarkFlagRequired("reason")
	return cmd
}

func owner() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
