package main

import "github.com/spf13/cobra"

func newShow(s *settings) *cobra.Command {
	var steps bool
	cmd := &cobra.Command{
		Use:     "show FILE",
		Short:   "Show a saved plan",
		Example: "  plumb plan --out next.plan\n  plumb show next.plan",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openPlan(args[0])
			if err != nil {
				return err
			}
			return s.writePlan(cmd, p, steps)
		},
	}
	cmd.Flags().BoolVar(&steps, "steps", true, "list every step in order")
	return cmd
}
