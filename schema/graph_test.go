package schema

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTreeIsAFileSystem(t *testing.T) {
	tree := newTree(map[string][]byte{"a.cue": []byte("package a"), "b/c/d.cue": nil, "b/e.cue": []byte("x")})
	if err := fstest.TestFS(tree, "a.cue", "b/c/d.cue", "b/e.cue"); err != nil {
		t.Error(err)
	}
}

func TestLinksAreRefused(t *testing.T) {
	tree := fstest.MapFS{
		"a/a.cue":    {Data: []byte("package a\nsite: boston: {}\n")},
		"a/link.cue": {Data: []byte("../../etc/passwd"), Mode: fs.ModeSymlink | 0o777},
	}
	_, err := Load(t.Context(), tree, "", testKinds, WithSchema(testSchema(t)))
	const want = "a/link.cue:1:1: symbolic links are not followed; put the file itself here, or import its package"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, wanted %s", err, want)
	}
}

func TestLostProviderIsNamed(t *testing.T) {
	files := newTree(map[string][]byte{"a/a.cue": []byte(`package a
site: boston: {}
host: jino0: site: "boston"
net: app: {host: "jino0", cidr: "10.1.1.0/24"}
gate: payroll: {host: "jino0", public: "203.0.113.3", to: "10.1.1.12", net: "app"}
`)})
	former := func(f Fact) ID {
		if f == (Fact{"addr", "app", "10.1.1.12"}) {
			return "box/payroll"
		}
		return ""
	}
	_, err := Load(t.Context(), files, "", testKinds, WithSchema(testSchema(t)), WithFormer(former))
	const want = "a/a.cue:5:59: gate/payroll: needs 10.1.1.12 in app; nothing provides it any more (was box/payroll); declare what has it"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v, wanted\n%s", err, want)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"payroll", "payroll-disk", "ledger", "box"}
	for word, want := range map[string]string{
		"payrol": "payroll", "payrlol": "payroll", "ladger": "ledger", "boxes": "box", "bx": "box", "xbo": "box", "gerled": "ledger",
		"something": "", "": "", "b": "", "payroll": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("nearest to %q is %q, wanted %q", word, got, want)
		}
	}
}

func TestLongCircleIsCut(t *testing.T) {
	got := pathText(strings.Split("a b c d e f g h i j", " "))
	if want := "a → b → c → d → e → f → … (4 more) → a"; got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
}

// TestCyclesAreFound holds over random graphs: what is found is a cycle, no two share a node, and something is found if
// and only if there is one.
func TestCyclesAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		edges := make([][]int, n)
		all := make([]int, n)
		for i := range edges {
			all[i] = i
			edges[i] = rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 3).Draw(t, "edges")
		}
		found := cycles(all, func(i int) []int { return edges[i] })
		seen := map[int]bool{}
		for _, cycle := range found {
			for i, at := range cycle {
				if !slices.Contains(edges[at], cycle[(i+1)%len(cycle)]) {
					t.Fatalf("%v is no cycle of %v", cycle, edges)
				}
				if seen[at] {
					t.Fatalf("%d is in two of %v", at, found)
				}
				seen[at] = true
			}
		}
		if (len(found) > 0) != circular(edges) {
			t.Fatalf("found %v in %v", found, edges)
		}
	})
}

// circular takes away nodes without successors until none is left, or a circle is.
func circular(edges [][]int) bool {
	gone := map[int]bool{}
	for range edges {
		for i, targets := range edges {
			if !slices.ContainsFunc(targets, func(to int) bool { return !gone[to] }) {
				gone[i] = true
			}
		}
	}
	return len(gone) < len(edges)
}

func TestLoadIsDeterministic(t *testing.T) {
	files, schema := newTree(datacenter(500)), testSchema(t)
	var first string
	for i := range 3 {
		g, err := Load(t.Context(), files, "", testKinds, WithSchema(schema))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = describe(g)
		} else if diff := cmp.Diff(first, describe(g)); diff != "" {
			t.Fatalf("first (-), then (+):\n%s", diff)
		}
	}
}

func TestSplitPath(t *testing.T) {
	for _, elements := range [][]string{nil, {"a"}, {"disks", "0", "volume"}, {"labels", "a.b"}, {"labels", "a.b", "c-d"}} {
		if diff := cmp.Diff(elements, splitPath(joinPath(elements))); diff != "" {
			t.Errorf("%v (-) is read back as (+):\n%s", elements, diff)
		}
	}
}
