package pool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators/internal/files"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	b, s := bench(t)
	root := filepath.Dir(filepath.Dir(filepath.Dir(s.Dir)))
	marker := files.PoolMarkerPath(s.Dir)
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	conform.Run(t, conform.Case{
		Kind: Kind, ID: b.At.ID, Host: b.Host, Specs: []any{s},
		Foreign: func() {
			try(os.MkdirAll(s.Dir, 0o755))
			write(t, filepath.Join(s.Dir, "data.raw"))
		},
		NotForeign: func() { try(os.RemoveAll(filepath.Join(root, "deep"))) },
		Broken: []conform.Breakage{{Name: "a torn marker", Break: func() func() {
			whole, err := os.ReadFile(marker)
			try(err)
			write(t, marker)
			return func() { try(os.WriteFile(marker, whole, 0o600)) }
		}, Alone: true}},
		Native: func() string { return tree(t, root) },
	})
}

// tree lists everything below a directory.
func tree(t *testing.T, root string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && path != filepath.Join(root, "state") {
			lines = append(lines, entry.Type().String()+" "+path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
