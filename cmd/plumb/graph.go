package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

func newGraph(s *settings) *cobra.Command {
	var steps bool
	cmd := &cobra.Command{
		Use:   "graph [DIRECTORY]",
		Short: "Draw what needs what, as Mermaid",
		Long: `Draw the topology of a directory (or the head of the repository) as a Mermaid flowchart: an arrow goes from what is needed
to what needs it, and carries the fact if it is needed by one, such as an address; what several provide is drawn once, rounded.
With --plan the steps of the plan are drawn instead. -o json gives the references and facts as data.`,
		Example: "  plumb graph . > topology.mmd\n  plumb graph --plan",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if steps {
				dir := ""
				if len(args) == 1 {
					dir = args[0]
				}
				p, err := s.plan(cmd, nil, dir)
				if err != nil {
					return err
				}
				return p.WriteMermaid(cmd.OutOrStdout())
			}
			graph, err := s.load(cmd, args)
			if err != nil {
				return err
			}
			return s.writeGraph(cmd, graph)
		},
	}
	cmd.Flags().BoolVar(&steps, "plan", false, "draw the steps of the plan")
	return cmd
}

func (s *settings) writeGraph(cmd *cobra.Command, g *schema.Graph) error {
	if s.output == "text" {
		_, err := io.WriteString(cmd.OutOrStdout(), drawn(g))
		return err
	}
	type node struct {
		Instance schema.Instance   `json:"instance"`
		After    []schema.Instance `json:"after"`
		Needs    []schema.Fact     `json:"needs,omitempty"`
		Provides []schema.Fact     `json:"provides,omitempty"` // as far as somebody needs it
		Pos      schema.Pos        `json:"declared"`
	}
	nodes := []node{}
	for _, n := range g.Nodes {
		provides := slices.DeleteFunc(inventory.Facts(n.Provides), func(f schema.Fact) bool { return len(g.Providers(f)) == 0 })
		nodes = append(nodes, node{n.Instance, append([]schema.Instance{}, n.After...), inventory.Facts(n.Needs), provides, n.Object.Pos})
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(nodes)
}

// drawn is a graph as Mermaid. A fact that several provide is drawn where it is first needed, and once.
func drawn(g *schema.Graph) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	names := map[schema.Instance]string{}
	for i, n := range g.Nodes {
		names[n.Instance] = fmt.Sprintf("n%d", i+1)
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i+1, n.Instance)
	}
	facts := map[schema.Fact]string{}
	for _, n := range g.Nodes {
		to := names[n.Instance]
		for _, before := range n.After {
			fmt.Fprintf(&b, "  %s --> %s\n", names[before], to)
		}
		for _, fact := range inventory.Facts(n.Needs) {
			by := g.Providers(fact)
			own := slices.ContainsFunc(by, func(place int32) bool { return g.Nodes[place].ID == n.ID })
			if len(by) < 2 || own {
				for _, place := range by {
					if g.Nodes[place].ID != n.ID {
						fmt.Fprintf(&b, "  n%d -->|\"%s\"| %s\n", place+1, fact, to)
					}
				}
				continue
			}
			if facts[fact] == "" {
				facts[fact] = fmt.Sprintf("f%d", len(facts)+1)
				fmt.Fprintf(&b, "  %s([\"%s\"])\n", facts[fact], fact)
				for _, place := range by {
					fmt.Fprintf(&b, "  n%d --> %s\n", place+1, facts[fact])
				}
			}
			fmt.Fprintf(&b, "  %s --> %s\n", facts[fact], to)
		}
	}
	return b.String()
}
