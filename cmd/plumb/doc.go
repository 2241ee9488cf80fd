package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

func newDoc(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "doc [KIND[.FIELD]]",
		Short: "Explain a kind or a field of it",
		Long:  `Explain a kind or a field of it, as the schema in this binary says it. Without an argument: all kinds.`,
		Example: `  plumb doc
  plumb doc vm
  plumb doc vm.cpu.max`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return s.listKinds(cmd.OutOrStdout())
			}
			guide, err := schema.Explain(args[0])
			if err != nil {
				return fail(exitError, "%w; see \"plumb doc\"", err)
			}
			if s.output != "text" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(guide)
			}
			writeGuide(cmd.OutOrStdout(), guide)
			return nil
		},
	}
}

func completeKind(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return schema.KindNames(), cobra.ShellCompDirectiveNoFileComp
}

func (s *settings) listKinds(w io.Writer) error {
	var all []schema.Guide
	for _, kind := range schema.KindNames() {
		guide, err := schema.Explain(kind)
		if err != nil {
			return err
		}
		guide.Fields = nil
		all = append(all, guide)
	}
	if s.output != "text" {
		return json.NewEncoder(w).Encode(all)
	}
	for _, guide := range all {
		sentence, _, _ := strings.Cut(strings.ReplaceAll(guide.Text, "\n", " "), ". ")
		_, sentence, _ = strings.Cut(sentence, " ") // without the name of the definition
		fmt.Fprintf(w, "%-10s %s\n", guide.Path, strings.TrimPrefix(strings.TrimSuffix(sentence, "."), "is "))
	}
	return nil
}

// writeGuide prints a kind or field with all that is below it.
func writeGuide(w io.Writer, g schema.Guide) {
	fmt.Fprintln(w, heading(g))
	writeComment(w, g.Text, "  ")
	writeFields(w, g, "  ")
	if !strings.Contains(g.Path, ".") {
		fmt.Fprintf(w, "\n\"plumb new %s\" prints one to begin with.\n", g.Path)
	}
}

func writeFields(w io.Writer, g schema.Guide, indent string) {
	for _, field := range g.Fields {
		fmt.Fprintf(w, "\n%s%s\n", indent, heading(field))
		writeComment(w, field.Text, indent+"  ")
		writeFields(w, field, indent+"  ")
	}
}

func heading(g schema.Guide) string {
	need := map[string]string{"required": "required", "optional": "optional"}[g.Need]
	return strings.TrimRight(strings.Join(strings.Fields(g.Path+" "+need+" "+g.Type), " "), " ")
}

func writeComment(w io.Writer, text, indent string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(w, strings.TrimRight(indent+strings.TrimRight(line, "\n"), " "))
	}
}
