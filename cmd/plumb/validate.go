package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

func newValidate(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIRECTORY]",
		Short: "Check a topology without looking at any host",
		Long: `Check a topology: a directory, or without one the head of the configured repository. All mistakes are reported in one
run with file, line and column. Nothing is looked at and nothing is changed; exit code 4 means mistakes.`,
		Example: "  plumb validate .\n  plumb validate -o json . | jq '.problems[].text'",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			graph, err := s.load(cmd, args)
			return s.writeValidation(cmd, graph, err)
		},
	}
}

// load reads and validates a directory, or the head of the configured repository.
func (s *settings) load(cmd *cobra.Command, args []string) (*schema.Graph, error) {
	if len(args) == 1 {
		s.config.Repository, s.config.Path = "dir:"+args[0], "."
	}
	source, err := s.openSource()
	if err != nil {
		return nil, err
	}
	head, err := source.Head(cmd.Context())
	if err != nil {
		return nil, err
	}
	c := s.controller(source, nil, nil)
	defer c.Close()
	graph, err := c.Load(cmd.Context(), head.ID)
	if err == nil && len(graph.Objects) == 0 {
		return nil, fail(exitInvalid, "nothing is declared in %s; \"plumb init\" writes a topology to begin with", s.config.Repository)
	}
	return graph, err
}

func (s *settings) writeValidation(cmd *cobra.Command, graph *schema.Graph, err error) error {
	problems, more, mistaken := schema.Told(err)
	if err != nil && !mistaken {
		return err
	}
	if s.output != "text" {
		answer := struct {
			Valid     bool             `json:"valid"`
			Objects   int              `json:"objects"`
			Instances int              `json:"instances"`
			Problems  []schema.Problem `json:"problems"`       // the first ones
			More      int              `json:"more,omitempty"` // how many others there are
		}{Valid: err == nil, Problems: append([]schema.Problem{}, problems...), More: more}
		if graph != nil {
			answer.Objects, answer.Instances = len(graph.Objects), len(graph.Nodes)
		}
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(answer); err != nil {
			return err
		}
		return exits(exitCode(err))
	}
	if err != nil {
		return err
	}
	for _, w := range graph.Warnings {
		cmd.PrintErrln("warning: " + w.String())
	}
	fmt.Fprintf(cmd.OutOrStdout(), "valid: %s, %s on hosts\n", plural(len(graph.Objects), "object"), plural(len(graph.Nodes), "instance"))
	return nil
}
