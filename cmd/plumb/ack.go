package main

import (
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/control"
	"plumbline/reconcile/drift"
)

func newAck(s *settings) *cobra.Command {
	var ack drift.Ack
	var lasting time.Duration
	cmd := &cobra.Command{
		Use:   "ack OBJECT[@HOST]|FINGERPRINT",
		Short: "Say that you see to an alert: no reminders, no healing by itself",
		Long: `Say that you see to what drifted: it is not told again and not healed by itself until it is resolved, or for a time. That it is
resolved is told in any case. A running controller takes the word.`,
		Example: "  plumb ack nat/payroll@edge1 --reason \"the provider is at it\"\n  plumb ack vm/payroll --for 2h --reason \"maintenance\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := control.Dial(cmd.Context(), s.config.Socket)
			if err != nil {
				return err
			}
			defer client.Close()
			ack.By = owner()
			if lasting > 0 {
				ack.Until = time.Now().Add(lasting)
			}
			text, err := client.Ack(cmd.Context(), args[0], ack)
			if err != nil {
				return err
			}
			return s.tell(cmd, text)
		},
	}
	cmd.Flags().StringVar(&ack.Reason, "reason", "", "why, for everybody who looks")
	cmd.Flags().DurationVar(&lasting, "for", 0, "how long; without it until it is resolved")
	return cmd
}
