package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/reconcile/control"
)

func newResume(s *settings) *cobra.Command {
	var rewind bool
	cmd := &cobra.Command{
		Use:   "resume [EFFECT | OBJECT@HOST]",
		Short: "End a suspension, or let a parked effect or a stuck object be tried again",
		Example: `  plumb resume
  plumb resume sha256:1f0c9a42
  plumb resume nat/payroll@edge1
  plumb resume --rewind`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := control.Dial(cmd.Context(), s.config.Socket)
			if err != nil {
				return err
			}
			defer client.Close()
			if rewind {
				return client.Rewind(cmd.Context())
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			text, err := client.Resume(cmd.Context(), name)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
	cmd.Flags().BoolVar(&rewind, "rewind", false, "accept a head that does not build on what was accepted before")
	return cmd
}
