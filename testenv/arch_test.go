// Package testenv holds the laboratory and the rules of the house that no compiler checks.
package testenv

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list` tells of a package.
type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "plumbline/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// below tells whether a package is another one or stands below it.
func below(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}

// isKind tells whether a package is the folder of a kind or stands in one.
func isKind(path string) bool {
	return below(path, "plumbline/actuators") && path != "plumbline/actuators" && !below(path, "plumbline/actuators/all", "plumbline/actuators/internal")
}

func TestImportsFollowTheDesign(t *testing.T) {
	rules := []struct {
		say  string
		who  func(string) bool
		what func(string) bool
	}{
		{"only schema imports CUE", func(p string) bool { return !below(p, "plumbline/schema") }, func(i string) bool { return below(i, "cuelang.org/go") }},
		{"schema imports nothing of ours", func(p string) bool { return below(p, "plumbline/schema") }, func(i string) bool { return below(i, "plumbline") && !below(i, "plumbline/schema") }},
		{"kinds know nothing of reconcile, sources, cmd and testenv", func(p string) bool { return below(p, "plumbline/actuators") }, func(i string) bool {
			return below(i, "plumbline/reconcile", "plumbline/sources", "plumbline/cmd", "plumbline/testenv")
		}},
		{"the contract imports schema and sealed alone", func(p string) bool { return p == "plumbline/actuators" }, func(i string) bool {
			return below(i, "plumbline") && i != "plumbline/schema" && i != "plumbline/sealed"
		}},
		{"only sealed knows age", func(p string) bool { return p != "plumbline/sealed" }, func(i string) bool { return below(i, "filippo.io/age") }},
		{"sealed imports nothing of ours", func(p string) bool { return p == "plumbline/sealed" }, func(i string) bool { return below(i, "plumbline") }},
		{"sources know nothing of the rest", func(p string) bool { return below(p, "plumbline/sources") }, func(i string) bool { return below(i, "plumbline") && !below(i, "plumbline/sources") }},
		{"diff and plan are pure", func(p string) bool { return below(p, "plumbline/reconcile/diff", "plumbline/reconcile/plan") }, func(i string) bool {
			ours := below(i, "plumbline") && !below(i, "plumbline/schema", "plumbline/actuators", "plumbline/reconcile/diff", "plumbline/reconcile/plan", "plumbline/reconcile/inventory")
			return ours || slices.Contains([]string{"os", "net", "net/http", "os/exec", "math/rand", "github.com/rs/zerolog"}, i)
		}},
		{"the engine knows no kind", func(p string) bool { return below(p, "plumbline/reconcile") }, func(i string) bool { return isKind(i) || below(i, "plumbline/actuators/all") }},
		{"the product does not know the laboratory", func(p string) bool {
			return below(p, "plumbline/reconcile", "plumbline/actuators", "plumbline/schema", "plumbline/sources")
		},
			func(i string) bool { return below(i, "plumbline/testenv") }},
	}
	for _, p := range packages(t) {
		if strings.HasSuffix(p.ImportPath, "test") {
			continue // helps tests only, as an external test file would
		}
		for _, i := range p.Imports {
			for _, rule := range rules {
				if rule.who(p.ImportPath) && rule.what(i) {
					t.Errorf("%s: %s imports %s", rule.say, p.ImportPath, i)
				}
			}
		}
	}
}

func TestKindsDoNotImportEachOther(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if isKind(p.ImportPath) && isKind(i) && !below(i, p.ImportPath) && !below(p.ImportPath, i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestNothingOfTheProductImportsTestHelpers(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if below(i, "plumbline") && strings.HasSuffix(i, "test") && !below(p.ImportPath, "plumbline/testenv") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}
