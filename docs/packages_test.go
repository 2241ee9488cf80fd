package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	told := map[string]bool{} // by directory
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		told[dir] = told[dir] || file.Doc.Text() != ""
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, yes := range told {
		if !yes {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// A page shows no place of the machine that it was written on.
func TestPagesNameNoPrivatePlaces(t *testing.T) {
	clone, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range pages(t) {
		for i, line := range strings.Split(read(t, file), "\n") {
			for _, place := range []string{clone, own + "/"} {
				if strings.Contains(line, place) {
					t.Errorf("%s:%d: %q is a place of one machine", file, i+1, place)
				}
			}
		}
	}
}
