package schema

import (
	"io/fs"
	"strings"
	"testing"
)

// TestEmbeddedSchemaIsSound evaluates the schema of all kinds with the smallest topology.
func TestEmbeddedSchemaIsSound(t *testing.T) {
	files, err := readAll(FS())
	if err != nil {
		t.Fatal(err)
	}
	src := Source{Schema: files, Files: map[string][]byte{"a/a.cue": []byte("package a\nsite: boston: {}\nhost: jino0: site: \"boston\"\n")}}
	got, err := InProcess().Evaluate(t.Context(), src)
	if err != nil || len(got.Problems) > 0 || len(got.Objects) != 2 {
		t.Fatalf("got %d objects, %v, %v", len(got.Objects), Problems(got.Problems), err)
	}
}

// TestScalarsOfTheSchema holds that each shared scalar says in its comment what it is: messages are made of that.
func TestScalarsOfTheSchema(t *testing.T) {
	data, err := fs.ReadFile(FS(), "topology.cue")
	if err != nil {
		t.Fatal(err)
	}
	meanings := map[string]string{}
	for _, d := range readDefinitions(map[string][]byte{"topology.cue": data}) {
		meanings[d.name] = d.meaning
	}
	for line := range strings.Lines(string(data)) {
		name, _, scalar := strings.Cut(line, ":")
		if strings.HasPrefix(line, "#") && scalar && !strings.HasSuffix(strings.TrimSpace(line), "{") && name != "#Topology" && meanings[name] == "" {
			t.Errorf("%s has no comment of the form %q", name, "// "+name+" is …")
		}
	}
	if len(meanings) < 10 {
		t.Errorf("found only %d scalars", len(meanings))
	}
}
