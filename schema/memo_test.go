package schema

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// copying is the kind "disk", but what a disk resolves to holds the directory and the hosts of its store. It counts how
// often it is asked.
type copying struct {
	thing
	outlined, resolved map[ID]int
}

func (k copying) Outline(id ID, spec json.RawMessage) (Outline, error) {
	k.outlined[id]++
	return k.thing.Outline(id, spec)
}

func (k copying) Resolve(id ID, _ Place, spec json.RawMessage, look Lookup) (json.RawMessage, Facts, []Problem) {
	k.resolved[id]++
	store, hosts, _ := look(MakeID("store", read(spec).Store))
	return fmt.Appendf(nil, `{"own":%s,"store":%s,"hosts":%q}`, spec, store, hosts), Facts{}, nil
}

// withDisk is the test kinds with another kind of disk.
type withDisk struct {
	things
	disk copying
}

func (w *withDisk) Info(kind string) (KindInfo, bool) {
	if kind == "disk" {
		return w.disk, true
	}
	return w.things.Info(kind)
}

// TestKindsAreAskedAgainWhenTheirAnswersChange edits objects that others ask about, in other packages.
func TestKindsAreAskedAgainWhenTheirAnswersChange(t *testing.T) {
	schema := testSchema(t)
	files := map[string][]byte{
		"ground/ground.cue": []byte("package ground\nsite: boston: {}\nhost: h0: site: \"boston\"\nhost: h1: site: \"boston\"\n"),
		"a/a.cue":           []byte("package a\nstore: s: {host: \"h0\", dir: \"/srv\"}\nstore: other: host: \"h0\"\n"),
		"b/b.cue":           []byte("package b\ndisk: d: {store: \"s\", size: \"1Gi\"}\ndisk: e: {store: \"other\", size: \"1Gi\"}\n"),
	}
	fresh := func() *withDisk {
		return &withDisk{testKinds, copying{testKinds["disk"], map[ID]int{}, map[ID]int{}}}
	}
	load := func(kinds Kinds, opts ...Option) string {
		g, err := Load(t.Context(), newTree(files), "", kinds, append(opts, WithSchema(schema))...)
		if err != nil {
			t.Fatal(err)
		}
		return indent(t, g)
	}
	kinds, cache := fresh(), NewCache("")
	for _, push := range []struct {
		file, text                         string
		outlined, resolved, otherwiseAsked int
	}{
		{"", "", 1, 1, 1},
		{"a/a.cue", "package a\nstore: s: {host: \"h0\", dir: \"/other\"}\nstore: other: host: \"h0\"\n", 1, 2, 1},
		{"a/a.cue", "package a\nstore: s: {host: \"h1\", dir: \"/other\"}\nstore: other: host: \"h0\"\n", 1, 3, 1},
		{"b/b.cue", "package b\ndisk: d: {store: \"s\", size: \"2Gi\"}\ndisk: e: {store: \"other\", size: \"1Gi\"}\n", 2, 4, 1},
	} {
		if push.file != "" {
			files[push.file] = []byte(push.text)
		}
		if diff := cmp.Diff(load(fresh()), load(kinds, WithCache(cache))); diff != "" {
			t.Errorf("%q: without the cache (-), with it (+):\n%s", push.text, diff)
		}
		got := []int{kinds.disk.outlined["disk/d"], kinds.disk.resolved["disk/d"], kinds.disk.resolved["disk/e"]}
		if diff := cmp.Diff([]int{push.outlined, push.resolved, push.otherwiseAsked}, got); diff != "" {
			t.Errorf("%q: asked in all (outline of d, resolve d, resolve e) wanted (-), got (+):\n%s", push.text, diff)
		}
	}
	other := fresh()
	if diff := cmp.Diff(load(fresh()), load(other, WithCache(cache))); diff != "" || other.disk.resolved["disk/e"] != 1 {
		t.Errorf("other kinds were asked %d times; without the cache (-), with it (+):\n%s", other.disk.resolved["disk/e"], diff)
	}
}
