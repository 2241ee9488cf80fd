package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
)

func newAdopt(s *settings) *cobra.Command {
	var to rewrite
	cmd := &cobra.Command{
		Use:   "adopt OBJECT[@HOST][.FIELD]…",
		Short: "Write what is live into the topology, where its declaration says it",
		Long: `Write what is live of objects into the CUE files that declare them: all that drifted, or the fields that are named. Values are
written in their own place, formatted, and comments stay. Before anything is written or shown, the whole topology is evaluated
with it and held against what is live: what was named differs no more. What a pattern, a template or a condition says, and what no
field says, is told with its place, to be written by hand. Secrets are never written. Of an object that is gone the declaration
is taken out.

Without a flag the change is printed as a patch, for "git apply" or people.`,
		Example: `  plumb adopt vm/payroll.memory.now                     prints a patch of the head
  plumb adopt vm/payroll --dir . --write                 changes the files of a working tree
  plumb adopt record/www.mycompany.com@ns1 --request     opens a request at the forge`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return to.run(cmd, s, proposed{verb: "adopt", names: args, make: func(ctx context.Context, c *reconcile.Controller, commit string) (*reconcile.Rewriting, error) {
				return c.Adopt(ctx, commit, args)
			}})
		},
	}
	to.flags(cmd)
	return cmd
}

// tellSaid says what is declared otherwise, a line each.
func tellSaid(cmd *cobra.Command, r *reconcile.Rewriting) {
	for _, line := range saidLines(r) {
		cmd.PrintErrln(line)
	}
	if len(r.Also) > 0 {
		cmd.PrintErrf("the declarations of %s change with it\n", strings.Join(r.Also, ", "))
	}
}

func saidLines(r *reconcile.Rewriting) (lines []string) {
	for _, said := range r.Said {
		if said.Path == "" {
			lines = append(lines, fmt.Sprintf("%s: %s is gone; its declaration is taken out", said.Pos, said.Instance))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s is %s, declared was %s", said.Pos, said.Instance, said.Path, screen(value(said.Live)), screen(value(said.Declared))))
	}
	return lines
}
