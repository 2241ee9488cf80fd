package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
)

func newApply(s *settings) *cobra.Command {
	var yes, unseen bool
	var dir string
	cmd := &cobra.Command{
		Use:   "apply [PLAN-FILE]",
		Short: "Run a saved plan, or plan the head and run it",
		Long: `Run a saved plan if it is still exactly what would be done, or plan the head of the repository and run that after a
question (--auto-approve answers it). A running controller does the work when there is one. Exit code 7: failed and rolled
back, verified; 8: failed, and something remains changed.`,
		Example: "  plumb plan --out next.plan && plumb apply next.plan\n  plumb apply --auto-approve",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p *plan.Plan
			var err error
			s.ordered = true
			if len(args) == 1 {
				p, err = openPlan(args[0])
			} else if p, err = s.plan(cmd, nil, dir); err == nil && !yes {
				err = s.ask(cmd, p)
			}
			if err == nil && !unseen && dir == "" {
				err = s.seen(cmd.Context(), p)
			}
			if err != nil {
				return err
			}
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
	cmd.Flags().BoolVar(&yes, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&unseen, "unseen", false, "apply also what no request showed, where the controller's file wants that")
	cmd.Flags().StringVar(&dir, "dir", "", "apply a plain directory instead of the head")
	return cmd
}

// seen refuses what no request showed, where that is wanted.
func (s *settings) seen(ctx context.Context, p *plan.Plan) error {
	if !s.config.Preview.Required {
		return nil
	}
	source, err := s.openSource()
	if err != nil {
		return err
	}
	return reconcile.Seen(ctx, s.config, source, p)
}

// leftOut names what the plan refused to touch; the rest was applied.
func (s *settings) leftOut(cmd *cobra.Command, p *plan.Plan) error {
	for _, r := range p.Refusals {
		cmd.PrintErrf("left out: %s: %s: %s: %s\n", r.Pos, r.Instance, r.Class, r.Text)
	}
	return exits(planCode(p, false))
}

// ask shows the plan and waits for "yes".
func (s *settings) ask(cmd *cobra.Command, p *plan.Plan) error {
	if err := p.WriteText(cmd.ErrOrStderr(), plan.Style{Steps: true}); err != nil || p.Empty() {
		return err
	}
	return confirmed(cmd, "Apply this?", "not applied; say yes, or give --auto-approve")
}

// confirmed asks a question and waits for "yes".
func confirmed(cmd *cobra.Command, question, otherwise string) error {
	cmd.PrintErrf("\n%s Only \"yes\" is taken: ", question)
	var answer string
	fmt.Fscanln(cmd.InOrStdin(), &answer)
	if answer != "yes" {
		return fail(exitError, "%s", otherwise)
	}
	return nil
}

// apply lets the running controller run the plan, or runs it here.
func (s *settings) apply(cmd *cobra.Command, p *plan.Plan) (run.Result, error) {
	listen, stop := s.listener(cmd)
	defer stop()
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		return client.Apply(cmd.Context(), p, listen)
	}
	c, done, err := s.applier(cmd.Context(), p.Installation)
	if err != nil {
		return run.Result{}, err
	}
	defer done()
	return c.ApplySaved(cmd.Context(), p, listen)
}

// applier is a controller of this process that may change things: no other runs. The installation is for a state that is not there yet.
func (s *settings) applier(ctx context.Context, installation string) (*reconcile.Controller, func(), error) {
	source, err := s.openSource()
	if err != nil {
		return nil, nil, err
	}
	store, err := s.openStore(installation)
	if err != nil {
		return nil, nil, err
	}
	c := s.controller(source, store, nil)
	done := func() { c.Close(); store.Close() }
	if _, err := c.Resume(ctx, nil); err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}
