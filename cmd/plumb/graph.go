package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

func newGraph(s *settings) *cobra.Command {
	var steps bool
	cmd := &cobra.Command{
		Use:   "graph [DIRECTORY]",
		Short: "Draw what needs what, as Mermaid",
		Long: `Draw the topology of a directory (or the head of the repository) as a Mermaid flowchart: an arrow goes from what is needed
to what needs it. With --plan the steps of the plan are drawn instead. -o json gives the edges as data.`,
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
	w := cmd.OutOrStdout()
	if s.output != "text" {
		type node struct {
			Instance schema.Instance   `json:"instance"`
			After    []schema.Instance `json:"after"`
			Pos      schema.Pos        `json:"declared"`
		}
		nodes := []node{}
		for _, n := range g.Nodes {
			nodes = append(nodes, node{n.Instance, append([]schema.Instance{}, n.After...), n.Object.Pos})
		}
		return json.NewEncoder(w).Encode(nodes)
	}
	names := map[schema.Instance]string{}
	fmt.Fprintln(w, "flowchart LR")
	for i, n := range g.Nodes {
		names[n.Instance] = fmt.Sprintf("n%d", i+1)
		fmt.Fprintf(w, "  n%d[\"%s\"]\n", i+1, n.Instance)
	}
	for _, n := range g.Nodes {
		for _, before := range n.After {
			fmt.Fprintf(w, "  %s --> %s\n", names[before], names[n.Instance])
		}
	}
	return nil
}
