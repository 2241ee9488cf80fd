package schema

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hashed is a tree that knows files and directories by hash, as a commit does, and counts what is read and listed.
type hashed struct {
	*tree
	reads, lists *int
}

func newHashed(files map[string][]byte) hashed { return hashed{newTree(files), new(int), new(int)} }

func (h hashed) Hash(name string) (string, error) {
	data, ok := h.files[name]
	if entries, isDir := h.dirs[name]; isDir {
		d := digest{sha256.New()}
		for _, entry := range entries {
			below, err := h.Hash(path.Join(name, entry.Name()))
			if err != nil {
				return "", err
			}
			d.add(entry.Name(), below)
		}
		return "tree" + d.text(), nil
	}
	if !ok {
		return "", &fs.PathError{Op: "hash", Path: name, Err: fs.ErrNotExist}
	}
	return "blob" + hashOf(data), nil
}

func (h hashed) ReadDir(name string) ([]fs.DirEntry, error) {
	*h.lists++
	return fs.ReadDir(h.tree, name)
}

func (h hashed) ReadFile(name string) ([]byte, error) {
	*h.reads++
	data, ok := h.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return data, nil
}

// asked is an evaluator that remembers what was asked of it.
type asked struct{ sources []Source }

func (a *asked) Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	a.sources = append(a.sources, src)
	return Evaluate(ctx, src)
}

// packages is what was asked for since the last call.
func (a *asked) packages() (dirs []string) {
	for _, src := range a.sources {
		dirs = append(dirs, src.Only...)
	}
	a.sources = nil
	return dirs
}

// loadJSON is everything that a load says: the graph, or the problems.
func loadJSON(t *testing.T, fsys fs.FS, schema fs.FS, opts ...Option) (string, bool) {
	t.Helper()
	g, err := Load(t.Context(), fsys, "c0ffee", testKinds, append(opts, WithSchema(schema))...)
	var problems Problems
	switch {
	case errors.As(err, &problems):
		return problems.Error() + "\n" + indent(t, problems), false
	case err != nil:
		t.Fatal(err)
	}
	return indent(t, g), true
}

func indent(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// small is a sound topology with every way in which a package can depend on files that are not its own.
func small() map[string][]byte {
	texts := map[string]string{
		"ground/ground.cue": "package ground\nsite: boston: {}\nhost: h0: site: \"boston\"\nhost: h1: site: \"boston\"\n",
		"size/size.cue":     "package size\n#memory: 128\n",
		"shared/shared.cue": "package shared\nimport \"topology.local/size\"\n#cores: 2\n#memory: size.#memory\n",
	}
	for i := range 4 {
		texts[fmt.Sprintf("rack%d/rack.cue", i)] = fmt.Sprintf("package rack%d\nimport \"topology.local/shared\"\nbox: b%d: {host: \"h0\", cores: shared.#cores}\n", i, i)
		texts[fmt.Sprintf("rack%d/deep/deep.cue", i)] = fmt.Sprintf("package rack%d\nstore: s%d: host: \"h1\"\n", i, i)
	}
	files := map[string][]byte{}
	for name, text := range texts {
		files[name] = []byte(text)
	}
	return files
}

// TestOnlyChangedPackagesAreEvaluated pushes one change after the other and looks at what is evaluated and read.
func TestOnlyChangedPackagesAreEvaluated(t *testing.T) {
	files, schema, evaluator := small(), testSchema(t), &asked{}
	cache := NewCache(t.TempDir())
	both := func(i int) []string { return []string{fmt.Sprintf("rack%d", i), fmt.Sprintf("rack%d/deep", i)} }
	racks := slices.Concat(both(0), both(1), both(2), both(3))
	for _, push := range []struct {
		name, file, text string
		packages         []string
		reads            int
	}{
		{name: "the first", packages: slices.Concat([]string{"ground"}, racks, []string{"shared", "size"}), reads: 11},
		{name: "nothing"},
		{"a file of one package", "rack1/deep/deep.cue", "package rack1\nstore: s1: host: \"h0\"\n", both(1)[1:], 4},
		{"a file that the directory below has a part of", "rack1/rack.cue", "package rack1\nbox: b1: {host: \"h0\", cores: 5}\n", both(1), 2},
		{"what all import through another", "size/size.cue", "package size\n#memory: 256\n", slices.Concat(both(0), both(2), both(3), []string{"shared", "size"}), 8},
		{"a file above", "top.cue", "package rack2\nbox: above: host: \"h0\"\n", append([]string{"."}, both(2)...), 5},
		{name: "the removal of a file above", file: "top.cue"},
	} {
		if push.text != "" {
			files[push.file] = []byte(push.text)
		} else {
			delete(files, push.file)
		}
		tree := newHashed(files)
		got, sound := loadJSON(t, tree, schema, WithCache(cache), WithEvaluator(evaluator))
		if want, _ := loadJSON(t, newTree(files), schema); got != want || !sound {
			t.Fatalf("%s: without the cache (-), with it (+):\n%s", push.name, cmp.Diff(want, got))
		}
		evaluated := evaluator.packages()
		slices.Sort(push.packages)
		if diff := cmp.Diff(push.packages, evaluated); diff != "" {
			t.Errorf("%s: packages wanted (-), evaluated (+):\n%s", push.name, diff)
		}
		if *tree.reads != push.reads {
			t.Errorf("%s: read %d files, wanted %d", push.name, *tree.reads, push.reads)
		}
	}
}

// TestOneFileOfMany holds that the cost of a push to one file, counted in what is listed, read and evaluated, does not
// grow with the tree; neither does that of a load which finds a mistake in it.
func TestOneFileOfMany(t *testing.T) {
	schema, evaluator := testSchema(t), &asked{}
	files, cache := datacenter(3000), NewCache("")
	loadJSON(t, newHashed(files), schema, WithCache(cache), WithEvaluator(evaluator))
	sound := string(files["rack7/rack.cue"])
	for _, push := range []struct {
		text                    string
		sound                   bool
		lists, reads, evaluated int
	}{
		{sound + "// touched\n", true, 2, 1, 1},
		{sound + "disk: more: {store: \"s7\", size: \"1Gi\"}\n", true, 2, 1, 1},
		{sound + "disk: more: {store: \"nowhere\", size: \"1Gi\"}\n", false, 2, 2, 1}, // once more to locate it
		{sound, true, 2, 0, 0},
	} {
		files["rack7/rack.cue"] = []byte(push.text)
		tree := newHashed(files)
		evaluator.sources = nil
		_, ok := loadJSON(t, tree, schema, WithCache(cache), WithEvaluator(evaluator))
		for _, src := range evaluator.sources {
			if len(src.Files) > 1 {
				t.Errorf("%d files were sent for evaluation", len(src.Files))
			}
		}
		packages := len(evaluator.packages())
		if ok != push.sound || *tree.lists > push.lists || *tree.reads > push.reads || packages > push.evaluated {
			t.Errorf("%.40q…: sound %t; listed %d directories of 32, read %d files, evaluated %d packages",
				push.text[len(sound):], ok, *tree.lists, *tree.reads, packages)
		}
	}
}

// TestRestartEvaluatesNothing holds that a new process reads no file of a tree whose results are on the shelf.
func TestRestartEvaluatesNothing(t *testing.T) {
	dir, schema, evaluator := t.TempDir(), testSchema(t), &asked{}
	first, _ := loadJSON(t, newHashed(small()), schema, WithCache(NewCache(dir)))
	tree := newHashed(small())
	second, sound := loadJSON(t, tree, schema, WithCache(NewCache(dir)), WithEvaluator(evaluator))
	if first != second || !sound {
		t.Errorf("before (-), after (+):\n%s", cmp.Diff(first, second))
	}
	if len(evaluator.sources) > 0 || *tree.reads > 0 {
		t.Errorf("evaluated %q and read %d files, wanted neither", evaluator.packages(), *tree.reads)
	}
}

// TestOtherSchemaIsAnotherResult changes nothing but the schema.
func TestOtherSchemaIsAnotherResult(t *testing.T) {
	cache, evaluator := NewCache(""), &asked{}
	loadJSON(t, newTree(small()), testSchema(t), WithCache(cache))
	other, err := readAll(testSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	other["things.cue"] = []byte(strings.ReplaceAll(string(other["things.cue"]), "<=256 | *1", "<=256 | *3"))
	loadJSON(t, newTree(small()), newTree(other), WithCache(cache), WithEvaluator(evaluator))
	if n := len(evaluator.packages()); n != 11 {
		t.Errorf("evaluated %d packages under another schema, wanted all 11", n)
	}
}

// TestShelfForgetsWhatIsOld ages what is on the shelf: what no process uses goes, what this one uses stays.
func TestShelfForgetsWhatIsOld(t *testing.T) {
	dir, schema := t.TempDir(), testSchema(t)
	cache := NewCache(dir)
	loadJSON(t, newTree(small()), schema, WithCache(cache))
	stale := filepath.Join(dir, strings.Repeat("ab", 32))
	if err := os.WriteFile(stale, []byte("from before"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	long := time.Now().Add(-2 * maxAge)
	for _, name := range before {
		if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	cache.shelf.puts.Add(tidyEvery)
	loadJSON(t, newTree(small()), schema, WithCache(cache))
	if diff := cmp.Diff(slices.DeleteFunc(before, func(n string) bool { return n == filepath.Base(stale) }), listing(t, dir)); diff != "" {
		t.Errorf("files wanted (-), got (+):\n%s", diff)
	}
}

func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestTheCacheNeverLies pushes at random, over restarts and with a cache that is damaged on the way: each load says,
// byte for byte, what a load without a cache says.
func TestTheCacheNeverLies(t *testing.T) {
	const sequences, pushes = 6, 50
	sound := make(chan int, sequences)
	t.Run("sequences", func(t *testing.T) {
		for seed := range uint64(sequences) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				s := &sequence{t: t, Rand: rand.New(rand.NewPCG(seed, 1)), files: small(), dir: t.TempDir()}
				s.restart()
				schema, good := testSchema(t), 0
				for n := range pushes {
					what := s.push()
					want, ok := loadJSON(t, newTree(s.files), schema)
					got, _ := loadJSON(t, s.tree(), schema, WithCache(s.cache))
					if got != want {
						t.Fatalf("push %d (%s): without the cache (-), with it (+):\n%s", n, what, cmp.Diff(want, got))
					}
					if ok {
						good++
					}
				}
				sound <- good
			})
		}
	})
	close(sound)
	total := 0
	for good := range sound {
		total += good
	}
	if all := sequences * pushes; total < all/4 || total > all*9/10 {
		t.Errorf("%d of %d pushes were sound; both sound and wrong ones must be tried", total, all)
	}
}

// sequence is a tree and its cache on their way through random pushes.
type sequence struct {
	t *testing.T
	*rand.Rand
	files   map[string][]byte
	history []map[string][]byte
	dir     string
	cache   *Cache
}

// tree is known by hashes or not.
func (s *sequence) tree() fs.FS {
	if s.IntN(4) == 0 {
		return newTree(s.files)
	}
	return newHashed(s.files)
}

// push makes one to three changes.
func (s *sequence) push() string {
	var done []string
	for range 1 + s.IntN(3) {
		done = append(done, s.change())
	}
	s.history = append(s.history, maps.Clone(s.files))
	return strings.Join(done, ", ")
}

func (s *sequence) change() string {
	rack, other := s.IntN(4), s.IntN(4)
	put := func(name, form string, args ...any) { s.files[name] = fmt.Appendf(nil, form, args...) }
	switch s.IntN(20) {
	case 0:
		put("shared/shared.cue", "package shared\nimport \"topology.local/size\"\n#cores: %d\n#memory: size.#memory\n", 1+s.IntN(4))
		return "edit what all import"
	case 1:
		put("size/size.cue", "package size\n#memory: %d\n", 64+s.IntN(4))
		return "edit what the import imports"
	case 2, 3:
		put(fmt.Sprintf("rack%d/rack.cue", rack), "package rack%d\nimport \"topology.local/shared\"\nbox: b%d: {host: \"h0\", cores: shared.#cores, memory: %d}\n", rack, rack, 1+s.IntN(3))
		return "edit a package"
	case 4:
		delete(s.files, fmt.Sprintf("rack%d/extra.cue", rack))
		put(fmt.Sprintf("rack%d/extra.cue", other), "package rack%d\nbox: extra%d: host: \"h%d\"\n", other, rack, s.IntN(2))
		return "move an object to another package"
	case 5:
		names := slices.Sorted(maps.Keys(s.files))
		delete(s.files, names[s.IntN(len(names))])
		return "delete a file"
	case 6:
		put("top.cue", "package rack%d\nbox: above: {host: \"h0\", memory: %d}\n", rack, 1+s.IntN(3))
		return "a file of the same package above"
	case 7:
		put(fmt.Sprintf("rack%d/deep/deep.cue", rack), "package rack%d\nstore: s%d: {host: \"h1\", dir: \"/srv/%d\"}\n", rack, other, s.IntN(3))
		return "edit a package below another"
	case 8:
		put(fmt.Sprintf("rack%d/wrong.cue", rack), "package rack%d\nbox: b%d: %s", rack, rack, []string{"{", "coress: 3\n", "cores: \"4\"\n", "host: \"nope\"\n"}[s.IntN(4)])
		return "a mistake"
	case 9, 10, 16, 17, 18, 19:
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			if s.IntN(6) > 0 && !strings.HasSuffix(name, "rack.cue") {
				delete(s.files, name)
			}
		}
		for name, data := range small() {
			if _, ok := s.files[name]; !ok {
				s.files[name] = data
			}
		}
		return "mend mistakes"
	case 11:
		if len(s.history) > 0 {
			s.files = maps.Clone(s.history[s.IntN(len(s.history))])
		}
		return "force-push an earlier tree"
	case 12:
		s.files[moduleFile] = []byte([]string{
			"module: \"topology.local@v0\"\nlanguage: version: \"v0.17.0\"\n", "module: \"other.test@v0\"\nlanguage: version: \"v0.17.0\"\n", "module: {",
		}[s.IntN(3)])
		return "another module"
	case 13:
		put([]string{"stray.cue", "rack0/stray.cue", "shared/wrong.cue"}[s.IntN(3)], "%s", []string{"a: 1\n", "package rack0\n// @if is told\n", "@if(x)\npackage shared\n"}[s.IntN(3)])
		return "an odd file"
	case 14:
		s.restart()
		return "restart"
	}
	s.damage()
	s.restart()
	return "damage the cache, restart"
}

// restart begins with what is on the shelf, and with jobs of one package or of many.
func (s *sequence) restart() {
	s.cache = NewCache(s.dir)
	s.cache.mostJob = []int{1, mostJob}[s.IntN(2)]
}

// damage truncates, exchanges, empties, invents and removes files of the cache.
func (s *sequence) damage() {
	names := listing(s.t, s.dir)
	for range len(names) / 2 {
		name := filepath.Join(s.dir, names[s.IntN(len(names))])
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		switch s.IntN(5) {
		case 0:
			data = data[:s.IntN(len(data)+1)]
		case 1:
			if len(data) > 0 {
				data[s.IntN(len(data))] ^= 1 << s.IntN(8)
			}
		case 2:
			data, _ = os.ReadFile(filepath.Join(s.dir, names[s.IntN(len(names))]))
		case 3:
			data = []byte("another program keeps this here\n")
		default:
			_ = os.Remove(name)
			continue
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}
