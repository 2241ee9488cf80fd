package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newTrust(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "trust HOST",
		Short: "Accept that a host is another machine than it was",
		Long: `A host that answers with another machine ID than before is unknown, and nothing is changed on it: its disks may be empty, or
the name may lead to the wrong machine. After a replacement that you know of, trust the new one.`,
		Example: "  plumb trust jino0",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			operator, done, err := s.operator(cmd)
			if err != nil {
				return err
			}
			defer done()
			text, err := operator.Trust(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
}
