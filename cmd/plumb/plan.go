package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"plumbline/reconcile/plan"
)

func newPlan(s *settings) *cobra.Command {
	var out, dir string
	var detailed, steps bool
	cmd := &cobra.Command{
		Use:   "plan [COMMIT]",
		Short: "Show what would change, and in which order",
		Long: `Compare a commit (the head of the configured repository without one, or a directory with --dir) with the live state of
everything that it declares or that is ours, and show the steps that make it so. Nothing is changed.`,
		Example: `  plumb plan
  plumb plan --dir . --steps
  plumb plan --out next.plan && plumb apply next.plan
  plumb plan -o json | jq '.resource_changes[].address'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" {
				if err := s.beginState(cmd.Context()); err != nil {
					return err
				}
			}
			p, err := s.plan(cmd, args, dir)
			if err != nil {
				return err
			}
			if out != "" {
				if err := savePlan(out, p); err != nil {
					return err
				}
			}
			if err := s.writePlan(cmd, p, steps); err != nil {
				return err
			}
			return exits(planCode(p, detailed))
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "save the plan to a file, for show and apply")
	cmd.Flags().StringVar(&dir, "dir", "", "plan a plain directory instead of a commit")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	cmd.Flags().BoolVar(&steps, "steps", false, "list every step in order")
	return cmd
}

// plan makes the plan that the arguments ask for.
func (s *settings) plan(cmd *cobra.Command, args []string, dir string) (*plan.Plan, error) {
	if dir != "" {
		s.config.Repository, s.config.Path = "dir:"+dir, "."
	}
	source, err := s.openSource()
	if err != nil {
		return nil, err
	}
	c, done, err := s.planner(cmd.Context(), source)
	if err != nil {
		return nil, err
	}
	defer done()
	commit := ""
	if len(args) == 1 {
		commit = args[0]
	} else {
		head, err := source.Head(cmd.Context())
		if err != nil {
			return nil, err
		}
		commit = head.ID
	}
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	return c.Plan(cmd.Context(), commit)
}

func (s *settings) writePlan(cmd *cobra.Command, p *plan.Plan, steps bool) error {
	if s.output != "text" {
		return p.WriteJSON(cmd.OutOrStdout())
	}
	return p.WriteText(cmd.OutOrStdout(), plan.Style{Color: s.color(), Steps: steps})
}

// planCode is the exit code of a plan that could be made.
func planCode(p *plan.Plan, detailed bool) int {
	switch {
	case p.Refused():
		return exitRefused
	case len(p.Refusals) > 0:
		return exitIncomplete
	case detailed && !p.Empty():
		return exitChanges
	}
	return exitOK
}

func savePlan(path string, p *plan.Plan) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot save the plan: %w", err)
	}
	if err := p.Save(f); err != nil {
		f.Close()
		return fmt.Errorf("cannot save the plan: %w", err)
	}
	return f.Close()
}

func openPlan(path string) (*plan.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the plan: %w", err)
	}
	defer f.Close()
	return plan.Open(f)
}
