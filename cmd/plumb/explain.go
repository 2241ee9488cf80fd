package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

func newExplain(s *settings) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "explain OBJECT[@HOST]",
		Short:   "Say why an object is in the plan, what it waits for and what waits for it, and what ever happened to it",
		Example: "  plumb explain nat/payroll\n  plumb explain vm/payroll@jino0 --dir .",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			graph, p, err := s.planLoaded(cmd, nil, dir)
			if err != nil {
				return err
			}
			e := explained(graph, p, schema.ParseInstance(args[0]))
			if e.History, err = s.trailOf(cmd, schema.ParseInstance(args[0])); err != nil {
				return err
			}
			switch {
			case len(e.Nodes)+len(e.Changes)+len(e.Refusals)+len(e.History) == 0:
				return fail(exitError, "%s is neither declared nor ours%s", args[0], alike(graph, args[0]))
			case s.output != "text":
				return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
			}
			e.write(cmd.OutOrStdout(), graph, p)
			writeTrail(cmd.OutOrStdout(), e.History)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "explain the plan of a plain directory instead of the head")
	return cmd
}

// explanation is all that a commit, its plan and the audit trail say of an object.
type explanation struct {
	Nodes    []*schema.Node `json:"declared"`
	Changes  []*plan.Change `json:"changes"`
	Refusals []diff.Refusal `json:"refusals"`
	History  []audit.Record `json:"history"` // of the audit trail, oldest first
}

func explained(g *schema.Graph, p *plan.Plan, about schema.Instance) explanation {
	meant := func(i schema.Instance) bool { return i.ID == about.ID && (about.Host == "" || i.Host == about.Host) }
	e := explanation{Nodes: []*schema.Node{}, Changes: []*plan.Change{}, Refusals: []diff.Refusal{}, History: []audit.Record{}}
	for _, n := range g.Nodes {
		if meant(n.Instance) {
			e.Nodes = append(e.Nodes, n)
		}
	}
	for _, c := range p.Changes {
		if meant(c.Instance) {
			e.Changes = append(e.Changes, c)
		}
	}
	for _, r := range p.Refusals {
		if meant(r.Instance) {
			e.Refusals = append(e.Refusals, r)
		}
	}
	return e
}

// alike names objects of the same name, or of the same kind.
func alike(g *schema.Graph, name string) string {
	var found []string
	kind, rest, _ := strings.Cut(name, "/")
	for _, o := range g.Objects {
		if o.ID.Kind() == kind || o.ID.Name() == rest || o.ID.Name() == name {
			found = append(found, string(o.ID))
		}
	}
	if len(found) == 0 || len(found) > 10 {
		return "; an object is KIND/NAME, as in \"plumb graph\""
	}
	return "; there is " + strings.Join(found, ", ")
}

func (e explanation) write(w io.Writer, g *schema.Graph, p *plan.Plan) {
	for _, c := range e.Changes {
		explainChange(w, g, p, c)
	}
	for _, r := range e.Refusals {
		fmt.Fprintf(w, "%s is refused (%s): %s\n", r.Instance, r.Class, r.Text)
	}
	if len(e.Changes)+len(e.Refusals) > 0 {
		return
	}
	for _, n := range e.Nodes {
		fmt.Fprintf(w, "%s is not in the plan: what is live is what %s declares\n", n.Instance, n.Object.Pos)
		explainNeeds(w, g, n.ID, n.After, inventory.Facts(n.Needs))
	}
}

// explainNeeds tells what an instance refers to, and who provides what it needs by fact. What it needed before it was taken
// out of the topology is told by the fact alone.
func explainNeeds(w io.Writer, g *schema.Graph, id schema.ID, after []schema.Instance, needs []schema.Fact) {
	if len(after) > 0 {
		fmt.Fprintf(w, "  needs: %s\n", strings.Join(instances(after), ", "))
	}
	for _, fact := range needs {
		var by []schema.Instance
		for _, place := range g.Providers(fact) {
			if g.Nodes[place].ID != id {
				by = append(by, g.Nodes[place].Instance)
			}
		}
		fmt.Fprintf(w, "  needs %s", fact)
		if len(by) > 0 {
			fmt.Fprintf(w, " of %s", few(instances(by)))
		}
		fmt.Fprintln(w)
	}
}

func instances(list []schema.Instance) []string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.String()
	}
	return names
}

func explainChange(w io.Writer, g *schema.Graph, p *plan.Plan, c *plan.Change) {
	fmt.Fprintf(w, "%s %s, declared at %s, lane %d\n", c.Action.Glyph(), c.Instance, c.Pos, c.Lane)
	for _, f := range c.Diff.Changes {
		fmt.Fprintf(w, "  differs: %s is %s, declared %s\n", f.Path, value(f.From), value(f.To))
	}
	explainNeeds(w, g, c.Instance.ID, c.After, c.Needs)
	own := map[string]bool{}
	for _, step := range p.Steps {
		if step.Instance == c.Instance {
			own[step.ID] = true
			fmt.Fprintf(w, "  step %s: %s (%s)", step.ID, step.Summary, step.Reversal)
			if len(step.Needs) > 0 {
				fmt.Fprintf(w, ", waits for %s", strings.Join(step.Needs, ", "))
			}
			fmt.Fprintln(w)
			explainGates(w, p, step.Needs)
		}
	}
	waits := func(id string, needs []string) {
		if !own[id] && slices.ContainsFunc(needs, func(need string) bool { return own[need] }) {
			fmt.Fprintf(w, "  %s waits for it\n", id)
		}
	}
	for _, step := range p.Steps {
		waits(step.ID, step.Needs)
	}
	for _, gate := range p.Gates {
		waits(gate.ID, gate.Needs)
	}
}

// explainGates tells what has to be done before the gates among the needs of a step are open.
func explainGates(w io.Writer, p *plan.Plan, needs []string) {
	for _, gate := range p.Gates {
		if slices.Contains(needs, gate.ID) {
			fmt.Fprintf(w, "    %s is open after %s\n", gate.ID, few(gate.Needs))
		}
	}
}

// few joins the first names and counts the rest.
func few(names []string) string {
	if most := 6; len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
