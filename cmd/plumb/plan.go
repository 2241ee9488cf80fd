package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources"
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
			s.ordered = out != "" // then a person applies it
			if at := s.underWay(cmd); at != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), at)
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

// underWay says what the controller changes at this moment, which a look may find half done; "" without one, or while it waits.
func (s *settings) underWay(cmd *cobra.Command) string {
	client, err := s.dial(cmd.Context())
	if err != nil {
		return ""
	}
	defer client.Close()
	status, err := client.Status(cmd.Context())
	if err != nil {
		return ""
	}
	return underWay(status)
}

func underWay(s reconcile.Status) string {
	const half = "what it changes may be shown half done"
	switch s.Phase {
	case reconcile.Applying:
		return fmt.Sprintf("plumb: the controller is applying %.10s at this moment; %s", s.Head, half)
	case reconcile.Healing:
		return "plumb: the controller is healing drift at this moment; " + half
	}
	return ""
}

// plan makes the plan that the arguments ask for.
func (s *settings) plan(cmd *cobra.Command, args []string, dir string) (*plan.Plan, error) {
	_, p, err := s.planLoaded(cmd, args, dir)
	return p, err
}

// planLoaded gives the topology beside the plan.
func (s *settings) planLoaded(cmd *cobra.Command, args []string, dir string) (*schema.Graph, *plan.Plan, error) {
	if dir != "" {
		s.config.Repository, s.config.Path = "dir:"+dir, "."
	}
	return s.planned(cmd, args, func(c *reconcile.Controller, commit string) (*schema.Graph, *plan.Plan, error) {
		g, p, err := c.PlanLoaded(cmd.Context(), commit, s.ordered)
		if err == nil {
			p.Installation = s.begins
		}
		return g, p, err
	})
}

// planBack plans to go back to a commit.
func (s *settings) planBack(cmd *cobra.Command, to string) (*plan.Plan, error) {
	_, p, err := s.planned(cmd, []string{to}, func(c *reconcile.Controller, commit string) (*schema.Graph, *plan.Plan, error) {
		p, err := c.PlanBack(cmd.Context(), commit)
		return nil, p, err
	})
	return p, err
}

// planned opens what planning needs, finds the commit that the arguments name, and plans it.
func (s *settings) planned(cmd *cobra.Command, args []string, make func(*reconcile.Controller, string) (*schema.Graph, *plan.Plan, error)) (*schema.Graph, *plan.Plan, error) {
	source, err := s.openSource()
	if err != nil {
		return nil, nil, err
	}
	c, done, err := s.planner(cmd.Context(), source)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	commit, err := s.commit(cmd.Context(), source, args)
	if err != nil {
		return nil, nil, err
	}
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	g, p, err := make(c, commit)
	return g, p, undisturbed(cmd, err)
}

// logDepth is how far back a commit may be named by its beginning.
const logDepth = 10000

// commit is the one that the arguments name, in full or by its beginning; the head without arguments.
func (s *settings) commit(ctx context.Context, source sources.Source, args []string) (string, error) {
	if len(args) == 1 && (len(args[0]) == 40 || strings.HasPrefix(args[0], "dir:")) {
		return args[0], nil
	}
	head, err := source.Head(ctx)
	if err != nil || len(args) == 0 {
		return head.ID, err
	}
	log, err := source.Log(ctx, head.ID, logDepth)
	if err != nil {
		return "", err
	}
	var found []string
	for _, c := range log {
		if strings.HasPrefix(c.ID, args[0]) {
			found = append(found, c.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", fail(exitError, "no commit of %q begins with %s; see \"plumb history\"", s.config.Branch, args[0])
	case 1:
		return found[0], nil
	}
	return "", fail(exitError, "%d commits of %q begin with %s; give more of it", len(found), s.config.Branch, args[0])
}

func (s *settings) writePlan(cmd *cobra.Command, p *plan.Plan, steps bool) error {
	switch s.output {
	case "json":
		return p.WriteJSON(cmd.OutOrStdout())
	case "ndjson":
		return json.NewEncoder(cmd.OutOrStdout()).Encode(p.Document())
	}
	fmt.Fprint(cmd.OutOrStdout(), s.modelled())
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
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitError, "there is no saved plan %s; \"plumb plan --out FILE\" saves one", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the plan: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fail(exitError, "%s is a directory and no saved plan; --dir names a directory with a topology", path)
	}
	return plan.Open(f)
}
