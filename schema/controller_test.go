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
		{"words", "repository: \"x\"\nparallel: 0\n", "plumb.cue:2:11: parallel: 0 is too small: at least 1\n"},
		{"choice", "repository: \"x\"\ntrust: mode: \"rang\"\n", "plumb.cue:2:14: trust.mode: must be one of \"range\", \"head\", \"firstParent\", not \"rang\"; did you mean \"range\"?\n"},
		{"meaning", "repository: \"x\"\nstate: \"y\"\n", "plumb.cue:2:8: state: \"y\" is not an absolute path on a host"},
		{"twice", "repository: \"x\"\nrepository: \"y\"\n", "plumb.cue:2:13: repository: has two values, \"y\" and \"x\" (also plumb.cue:1:13); keep one of them\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var into map[string]any
			err := schema.LoadController(t.Context(), "plumb.cue", []byte(c.text), &into)
			if err == nil || !strings.HasPrefix(err.Error()+"\n", c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
		})
	}
}
