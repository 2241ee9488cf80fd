package schema

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad holds that loading never panics, whatever the files say: it gives a graph or problems, each with a place and
// words of ours. The seeds are the topologies of TestLoad. Coverage varies with the scheduler, so run it with
// -fuzzminimizetime 1x; Go spends its time on minimizing otherwise.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "want" {
				f.Add(string(file.Data), string(archive.Files[0].Data))
			}
		}
	}
	schema := testSchema(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 4<<10 {
			return // big inputs only slow the search
		}
		files := map[string][]byte{"a/a.cue": []byte(a), "b/b.cue": []byte(b)}
		g, err := Load(t.Context(), newTree(files), "", testKinds, WithSchema(schema))
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("neither a graph nor problems: %v", err)
		}
		for _, p := range problems {
			if p.Text == "" || p.Pos.IsZero() || strings.Contains(p.Text, mount) || strings.Contains(p.Text, "#Topology.") || strings.Contains(p.Text, "'IDENT'") {
				t.Errorf("a problem without place or words, or in the words of CUE: %q", p)
			}
		}
		if err == nil && g == nil {
			t.Fatal("no error and no graph")
		}
	})
}
