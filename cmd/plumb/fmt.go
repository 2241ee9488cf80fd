package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

func newFmt(*settings) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE|DIRECTORY]...",
		Short: "Write CUE files in the usual form",
		Long: `Write CUE files in the usual form, that of "cue fmt", and name those that were not in it. Directories are searched,
but for those whose names begin with a dot or an underscore and cue.mod.`,
		Example: "  plumb fmt\n  plumb fmt --check .            exit code 2 when a file is not in the usual form",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return layOut(cmd, args, check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit code 2 when a file is not in the usual form")
	return cmd
}

func layOut(cmd *cobra.Command, args []string, check bool) error {
	var problems schema.Problems
	changed := 0
	for _, root := range args {
		files, err := cueFiles(root)
		if err != nil {
			return err
		}
		for _, file := range files {
			differs, err := layOutFile(file, check)
			var mistakes schema.Problems
			switch {
			case errors.As(err, &mistakes):
				problems = append(problems, mistakes...)
			case err != nil:
				return err
			case differs:
				changed++
				fmt.Fprintln(cmd.OutOrStdout(), file)
			}
		}
	}
	switch {
	case len(problems) > 0:
		return problems
	case check && changed > 0:
		return fail(exitChanges, "")
	}
	return nil
}

// cueFiles lists the CUE files below a directory, or the file itself.
func cueFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", path, err)
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "cue.mod") {
			return fs.SkipDir
		}
		if entry.Type().IsRegular() && (path == root || filepath.Ext(name) == ".cue") {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// layOutFile rewrites a file unless only a check is wanted, and tells whether it differs. A new file takes its place in one
// step, so that none is ever seen half written.
func layOutFile(file string, check bool) (bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("cannot read %s: %w", file, err)
	}
	out, err := schema.Layout(file, data)
	if err != nil || bytes.Equal(data, out) {
		return false, err
	}
	if check {
		return true, nil
	}
	return true, replaceFile(file, out)
}
