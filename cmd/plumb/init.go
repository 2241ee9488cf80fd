package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

//go:embed template
var template embed.FS

// moduleFiles let plain `cue vet` and the CUE language server find the schema offline; plumb itself uses the one in its
// binary and ignores these.
const (
	moduleFile      = "module: \"topology.local@v0\"\nlanguage: version: \"v0.17.0\"\ndeps: \"plumbline.internal/schema@v0\": v: \"v0.1.0\"\n"
	localModuleFile = "deps: \"plumbline.internal/schema@v0\": replaceWith: \"./.plumbline/schema\"\n"
)

func newInit(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIRECTORY]",
		Short: "Write a first topology into a directory",
		Long: `Write a first topology, and the schema beside it so that editors and "cue vet" work offline. Files that are there
already are left alone.`,
		Example: "  plumb init boston && cd boston && git init && plumb validate .",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return initialise(cmd, dir)
		},
	}
}

func initialise(cmd *cobra.Command, dir string) error {
	files := map[string][]byte{
		"cue.mod/module.cue": []byte(moduleFile), "cue.mod/local-module.cue": []byte(localModuleFile),
	}
	if err := collect(files, template, "template", ""); err != nil {
		return err
	}
	if err := collect(files, schema.FS(), ".", ".plumbline/schema"); err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("cannot write the topology: %w", err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("cannot write the topology: %w", err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote a first topology to %s; edit %s, then: plumb validate %s\n", dir, filepath.Join(dir, "site.cue"), dir)
	return nil
}

// collect reads all files below a directory into a map, under a prefix.
func collect(into map[string][]byte, from fs.FS, root, prefix string) error {
	return fs.WalkDir(from, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		into[filepath.Join(prefix, name)] = data
		return nil
	})
}
