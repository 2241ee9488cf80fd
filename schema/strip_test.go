package schema

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var plainPackage = regexp.MustCompile(`\Apackage [a-z0-9]+\n`)

// embedding writes a file as users do, below `schema.#Topology &`, with every line where it was; ok is false if the file
// has another form.
func embedding(text string) (_ string, ok bool) {
	clause := plainPackage.FindString(text)
	if clause == "" || strings.Contains(text, "import") {
		return text, false
	}
	return strings.TrimSpace(clause) + `, import "plumbline.internal/schema", schema.#Topology & {` + "\n" + text[len(clause):] + "}\n", true
}

// TestEmbeddedTopologyMeansTheSame loads all test data once more with `schema.#Topology & {…}` around every file: graph and
// mistakes, places included, are those without.
func TestEmbeddedTopologyMeansTheSame(t *testing.T) {
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, name := range names {
		if filepath.Base(name) == "merge.txtar" {
			continue // its files share a name that would not reach out of the braces
		}
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files, wrapped, all := map[string][]byte{}, 0, 0
		for _, file := range archive.Files {
			if file.Name == "want" {
				continue
			}
			if file.Name == moduleFile {
				files[file.Name] = file.Data
				continue
			}
			text, ok := embedding(string(file.Data))
			if all++; ok {
				wrapped++
			}
			files[file.Name] = []byte(text)
		}
		if wrapped < all {
			continue
		}
		tried++
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			want := archive.Files[len(archive.Files)-1].Data
			if diff := cmp.Diff(string(want), loadText(t, files)); diff != "" {
				t.Errorf("plain (-), embedded (+):\n%s", diff)
			}
		})
	}
	if tried < 10 {
		t.Errorf("only %d archives have this form", tried)
	}
}
