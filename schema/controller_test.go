package schema_test

import (
	"strings"
	"testing"

	"plumbline/schema"
)

func TestTheControllersFileHasDefaults(t *testing.T) {
	var got struct {
		Repository, Branch, State string
		Parallel                  int
	}
	if err := schema.LoadController(t.Context(), "plumb.cue", []byte(`repository: "/srv/boston.git"`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Repository != "/srv/boston.git" || got.Branch != "main" || got.State != "/var/lib/plumb" || got.Parallel != 1024 {
		t.Errorf("got %+v", got)
	}
}

func TestMistakesInTheControllersFileNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"typo", "repository: \"x\"\nbranhc: \"main\"\n", "plumb.cue:2:1: "},
		{"bound", "repository: \"x\"\nparallel: 100000\n", "plumb.cue:2:11: "},
		{"syntax", "repository: \"x\nbranch", "plumb.cue:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var into map[string]any
			err := schema.LoadController(t.Context(), "plumb.cue", []byte(c.text), &into)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
		})
	}
}
