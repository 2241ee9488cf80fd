package main

import (
	"github.com/spf13/cobra"
)

func newResume(s *settings) *cobra.Command {
	var rewind bool
	cmd := &cobra.Command{
		Use:   "resume [EFFECT | OBJECT@HOST]",
		Short: "End a suspension, or let a parked effect or a stuck object be tried again",
		Long: `Without an argument, end a suspension. With the beginning of an effect's digest (plumb status shows it), let an effect that
failed be tried again; with an object, one that an undo left stuck and that you have mended by hand. --rewind accepts a
repository whose history was rewritten.`,
		Example: `  plumb resume
  plumb resume sha256:1f0c9a42
  plumb resume nat/payroll@edge1
  plumb resume --rewind`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			operator, done, err := s.operator(cmd)
			if err != nil {
				return err
			}
			defer done()
			name, text := "", "the next head is followed, whatever it builds on"
			if len(args) == 1 {
				name = args[0]
			}
			if rewind {
				err = operator.Rewind(cmd.Context())
			} else {
				text, err = operator.Resume(cmd.Context(), name)
			}
			if err != nil {
				return err
			}
			return s.tell(cmd, text)
		},
	}
	cmd.Flags().BoolVar(&rewind, "rewind", false, "accept a head that does not build on what was accepted before")
	return cmd
}
