package schema

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is, as what is wanted")

// TestLoad loads every testdata/load/*.txtar: the files of a topology, and under "want" the graph or all problems.
func TestLoad(t *testing.T) {
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkArchive(t, name)
		})
	}
}

func checkArchive(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, want := map[string][]byte{}, -1
	for i, file := range archive.Files {
		if file.Name == "want" {
			want = i
		} else {
			files[file.Name] = file.Data
		}
	}
	got := loadText(t, files)
	if want < 0 {
		archive.Files, want = append(archive.Files, txtar.File{Name: "want"}), len(archive.Files)
	}
	if *update {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

// loadText is the graph of a topology, or its problems, as text.
func loadText(t *testing.T, files map[string][]byte) string {
	t.Helper()
	g, err := Load(t.Context(), newTree(files), "c0ffee", testKinds, WithSchema(testSchema(t)))
	var problems Problems
	switch {
	case errors.As(err, &problems):
		return problems.Error() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	return describe(g)
}
