package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"plumbline/actuators"
	"plumbline/schema"
)

func newNew(*settings) *cobra.Command {
	var pack string
	cmd := &cobra.Command{
		Use:   "new KIND [NAME]",
		Short: "Print an object of a kind to begin with",
		Long: `Print an object of a kind to begin with, as a CUE file. Its package is that of the files in the working directory
("topology" when there are none). Names of hosts, networks and so on are those of the example: put yours in their place, and
"plumb validate" says which are missing.`,
		Example:           "  plumb new vm payroll > payroll.cue && plumb validate .",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := schema.Explain(args[0]); err != nil {
				return fail(exitError, "%w; see \"plumb doc\"", err)
			}
			example, err := actuators.Example(args[0])
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 2 {
				name = args[1]
			}
			if pack == "" {
				pack = packageHere()
			}
			text, err := schema.Excerpt(example, args[0], name, pack)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&pack, "package", "", "package clause of the file (default: that of the files here)")
	return cmd
}

// packageHere is the package of the CUE files in the working directory.
func packageHere() string {
	files, _ := filepath.Glob("*.cue")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if name := schema.PackageName(data); err == nil && name != "" {
			return name
		}
	}
	return "topology"
}
