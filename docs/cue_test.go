package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline/actuators/all"
	"plumbline/schema"
)

// fragment is what a fragment stands in; it is merged with the frame.
const fragment = "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n%s}\n"

func TestCUEOfThePagesIsRight(t *testing.T) {
	frame := &fstest.MapFile{Data: []byte(read(t, "testdata/frame.cue"))}
	for _, file := range pages(t) {
		for _, b := range blocks(t, file) {
			switch {
			case !b.is("cue"):
			case b.is("cue", "schema"):
				if name := strings.TrimSuffix(filepath.Base(file), ".md"); b.text != read(t, "../schema/"+name+".cue") {
					t.Errorf("%s is not schema/%s.cue; run make gen", b, name)
				}
			case b.is("cue", "policy"):
				if err := schema.CheckPolicies(t.Context(), schema.InProcess(), map[string][]byte{file: []byte(b.text)}); err != nil {
					t.Errorf("%s: %v", b, err)
				}
			case b.is("cue", "controller"):
				var into map[string]any
				if err := schema.LoadController(context.Background(), "plumb.cue", []byte(b.text), &into); err != nil {
					t.Errorf("%s:\n%v", b, err)
				}
			case b.is("cue", "fragment"):
				load(t, b, fstest.MapFS{"frame.cue": frame, "page.cue": {Data: []byte(strings.Replace(fragment, "%s", b.text, 1))}})
			default:
				load(t, b, fstest.MapFS{"page.cue": {Data: []byte(b.text)}})
			}
		}
	}
}

func load(t *testing.T, b block, files fstest.MapFS) {
	t.Helper()
	if _, err := schema.Load(context.Background(), files, "", all.Registry()); err != nil {
		t.Errorf("%s:\n%v", b, err)
	}
}

// sections are what the README of a kind holds, in this order.
var sections = []string{"Spec", "Observe", "Steps and undo", "Ownership", "Needs", "Example"}

func TestKindsAreDescribedInFull(t *testing.T) {
	for _, kind := range all.Registry().Names() {
		file := filepath.Join("../actuators", kind, "README.md")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		var found []string
		for line := range strings.Lines(string(data)) {
			if title, ok := strings.CutPrefix(line, "## "); ok {
				found = append(found, strings.TrimSpace(title))
			}
		}
		if strings.Join(found, ", ") != strings.Join(sections, ", ") {
			t.Errorf("%s has the sections %v, want %v", file, found, sections)
		}
		if !strings.HasPrefix(string(data), "# "+kind+"\n\n") {
			t.Errorf("%s: the first line is not \"# %s\"", file, kind)
		}
		testSpecNamesFields(t, file, kind, string(data))
	}
}

// testSpecNamesFields: each field that the kind's fixture holds is named in the section Spec.
func testSpecNamesFields(t *testing.T, file, kind, text string) {
	t.Helper()
	_, spec, _ := strings.Cut(text, "## Spec\n")
	spec, _, _ = strings.Cut(spec, "\n## ")
	var full map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimSpace([]byte(read(t, filepath.Join("../actuators", kind, "testdata/full.json")))), &full); err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	for field := range full {
		if !strings.Contains(spec, "`"+field) && field != "resolved" && field != "manage" && field != "was" && field != "drift" && field != "protect" && field != "host" && field != "hosts" {
			t.Errorf("%s: the section Spec does not name `%s`", file, field)
		}
	}
}

func TestEveryKindHasItsPage(t *testing.T) {
	for _, kind := range all.Registry().Names() {
		if _, err := os.Stat("kinds/" + kind + ".md"); err != nil {
			t.Errorf("%v; run make gen", err)
		}
	}
}
