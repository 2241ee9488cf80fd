package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"plumbline/schema"
	"plumbline/testenv/bench/fleet"
)

// localModule lets plain `cue vet` find the schema beside the topology; plumb ignores it.
const localModule = "deps: \"plumbline.internal/schema@v0\": replaceWith: \"./.plumbline/schema\"\n"

// generate writes a fleet into a directory, with the schema beside it for other tools.
func generate(objects int, dir string) error {
	files := fleet.New(objects).Files()
	files["cue.mod/local-module.cue"] = []byte(localModule)
	err := fs.WalkDir(schema.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[".plumbline/schema/"+path], err = fs.ReadFile(schema.FS(), path)
		return err
	})
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("cannot write the fleet: %w", err)
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
