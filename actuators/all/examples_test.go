package all_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"plumbline/actuators/all"
	"plumbline/schema"
)

// Every kind shows an example, and every example is a whole topology without a mistake.
func TestExamplesOfKindsAreValid(t *testing.T) {
	for _, kind := range all.Registry().Names() {
		data, err := os.ReadFile(filepath.Join("..", kind, "example.cue"))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		graph, err := schema.Load(context.Background(), fstest.MapFS{"example.cue": {Data: data}}, "", all.Registry())
		if err != nil {
			t.Errorf("actuators/%s/example.cue:\n%v", kind, err)
			continue
		}
		shown := false
		for _, object := range graph.Objects {
			shown = shown || object.ID.Kind() == kind
		}
		if !shown {
			t.Errorf("actuators/%s/example.cue has no %s", kind, kind)
		}
	}
}
