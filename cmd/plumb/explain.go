package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile/plan"
	"plumbline/schema"
)

func newExplain(s *settings) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "explain OBJECT[@HOST]",
		Short:   "Say why an object is in the plan, what it waits for and what waits for it",
		Example: "  plumb explain nat/payroll\n  plumb explain vm/payroll@jino0 --dir .",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.plan(cmd, nil, dir)
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), p, schema.ParseInstance(args[0]))
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "explain the plan of a plain directory instead of the head")
	return cmd
}

func explain(w io.Writer, p *plan.Plan, about schema.Instance) error {
	found := false
	for _, c := range p.Changes {
		if c.Instance.ID != about.ID || about.Host != "" && c.Instance.Host != about.Host {
			continue
		}
		found = true
		explainChange(w, p, c)
	}
	for _, r := range p.Refusals {
		if r.Instance.ID == about.ID && (about.Host == "" || r.Instance.Host == about.Host) {
			found = true
			fmt.Fprintf(w, "%s is refused (%s): %s\n", r.Instance, r.Class, r.Text)
		}
	}
	if !found {
		fmt.Fprintf(w, "%s is not in the plan: what is live is what is declared\n", about)
	}
	return nil
}

func explainChange(w io.Writer, p *plan.Plan, c *plan.Change) {
	fmt.Fprintf(w, "%s %s, declared at %s, lane %d\n", c.Action.Glyph(), c.Instance, c.Pos, c.Lane)
	for _, f := range c.Diff.Changes {
		fmt.Fprintf(w, "  differs: %s is %v, declared %v\n", f.Path, f.From, f.To)
	}
	if len(c.After) > 0 {
		names := make([]string, len(c.After))
		for i, a := range c.After {
			names[i] = a.String()
		}
		fmt.Fprintf(w, "  needs: %s\n", strings.Join(names, ", "))
	}
	own := map[string]bool{}
	for _, step := range p.Steps {
		if step.Instance == c.Instance {
			own[step.ID] = true
			fmt.Fprintf(w, "  step %s: %s (%s)", step.ID, step.Summary, step.Reversal)
			if len(step.Needs) > 0 {
				fmt.Fprintf(w, ", waits for %s", strings.Join(step.Needs, ", "))
			}
			fmt.Fprintln(w)
		}
	}
	for _, step := range p.Steps {
		for _, need := range step.Needs {
			if own[need] && !own[step.ID] {
				fmt.Fprintf(w, "  %s waits for it\n", step.ID)
			}
		}
	}
}
