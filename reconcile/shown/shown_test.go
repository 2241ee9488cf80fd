package shown_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/reconcile/shown"
)

func TestACommitIsFoundByWhatItsRequestWas(t *testing.T) {
	b := &shown.Book{Requests: []*shown.Request{{Number: 1, Head: "h1", Root: "t1", Merged: "m1"}, {Number: 2, Head: "h2", Root: "t2"}, {Number: 3}}}
	for want, commits := range map[int64][]shown.Commit{
		1: {{ID: "m1"}, {ID: "x", Parents: []string{"base", "h1"}}},
		2: {{ID: "h2"}, {ID: "x", Parents: []string{"base", "h2"}}, {ID: "m1x", Tree: "t2"}},
		0: {{ID: "x", Parents: []string{"base"}, Tree: "t"}, {}, {ID: "pushed on top of it", Parents: []string{"h2"}}, {ID: "as it was once", Tree: "t1"}},
	} {
		for _, c := range commits {
			if r := b.Of(c); (r == nil) != (want == 0) || r != nil && r.Number != want {
				t.Errorf("%+v is of %+v, want %d", c, r, want)
			}
		}
	}
}

func TestWhatWasShownCounts(t *testing.T) {
	for _, c := range []struct {
		r    shown.Request
		want bool
	}{
		{shown.Request{Effect: "e"}, true}, {shown.Request{Effect: "other"}, false}, {shown.Request{}, false}, {shown.Request{Effect: "e", Retired: "ada"}, false},
		{shown.Request{Effect: "other", Agreed: &shown.Agreed{Effect: "e"}}, true},
	} {
		if got := c.r.Saw("e"); got != c.want {
			t.Errorf("%+v: %t", c.r, got)
		}
	}
}

func TestTheBookOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	b, err := shown.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Request(7).Effect = "e"
	b.Told["plan"] = "applied"
	if err := b.Save(dir); err != nil {
		t.Fatal(err)
	}
	b, err = shown.Load(dir)
	if err != nil || b.Request(7).Effect != "e" || b.Told["plan"] != "applied" {
		t.Errorf("%+v, %v", b, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "requests.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := shown.Load(dir); err == nil || !strings.Contains(err.Error(), "requests.json") {
		t.Errorf("a torn book: %v", err)
	}
}
