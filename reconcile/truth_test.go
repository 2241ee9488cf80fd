package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline/reconcile"
	"plumbline/schema"
)

// TestTheResidentPlanNeverLies: over random pushes, hand-made changes and applies, the plan of a controller that stays, with
// all that it remembers (evaluations in memory and on disk, graph, looks, comparisons), equals that of one that is new and
// has no cache, byte for byte but for times.
func TestTheResidentPlanNeverLies(t *testing.T) {
	const sequences, pushes = 3, 100
	for seed := range uint64(sequences) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed)
			sound := 0
			for n := range pushes {
				what := h.push(n)
				fresh := h.controller("")
				want, ok := h.plan(fresh)
				fresh.Close()
				if got, _ := h.plan(h.resident); got != want {
					t.Fatalf("push %d (%s): fresh (-), resident (+):\n%s", n, what, cmp.Diff(want, got))
				}
				if ok {
					sound++
					h.sound = maps.Clone(h.files)
				}
				h.between()
			}
			if sound < pushes/4 || sound > pushes*19/20 {
				t.Errorf("%d of %d pushes were sound; both sound and wrong ones must be tried", sound, pushes)
			}
		})
	}
}

// history is a repository of several packages on its way through random pushes.
type history struct {
	*scene
	*rand.Rand
	files    map[string]string
	past     []map[string]string
	sound    map[string]string // the newest tree without mistakes
	head     string
	resident *reconcile.Controller
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{scene: newScene(t), Rand: rand.New(rand.NewPCG(seed, 2)), files: map[string]string{
		"site.cue":    "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n" + ground + "\n}\n",
		"lib/lib.cue": "package lib\n\n#root: \"/one\"\n",
	}}
	for n := range 6 {
		h.declare(n%3, n, "h1", fmt.Sprintf("/d%d", n))
	}
	h.sound = maps.Clone(h.files)
	h.resident = h.controller(filepath.Join(h.dir, "cache", "eval"))
	t.Cleanup(func() { h.resident.Close() })
	return h
}

// controller is one of its own; without a directory it has no cache.
func (h *history) controller(cache string) *reconcile.Controller {
	kinds := h.world.kinds()
	o := reconcile.Options{Config: reconcile.Config{State: h.dir}, Kinds: kinds, Source: h.repo, Store: h.store, Dial: h.world.dialer(kinds, h.dir)}
	if cache != "" {
		o.Cache = schema.NewCache(cache)
	}
	return reconcile.New(o)
}

// declare puts a pool into a package, with a directory of its own or one below the root that all share.
func (h *history) declare(pack, pool int, host, dir string) {
	name := fmt.Sprintf("p%d/p%d.cue", pack, pool)
	if dir == "" {
		h.files[name] = fmt.Sprintf("package p%d\n\nimport (\n\t\"plumbline.internal/schema\"\n\t\"topology.local/lib\"\n)\n\nschema.#Topology & {pool: \"p%d\": {host: %q, dir: lib.#root + \"/p%d\"}}\n", pack, pool, host, pool)
		return
	}
	h.files[name] = fmt.Sprintf("package p%d\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {pool: \"p%d\": {host: %q, dir: %q}}\n", pack, pool, host, dir)
}

// push changes the tree at random and makes it the head.
func (h *history) push(n int) (what string) {
	h.past = append(h.past, maps.Clone(h.files))
	if h.IntN(2) == 0 {
		h.files = maps.Clone(h.sound) // mistakes are mended some day
	}
	pool, pack, host := h.IntN(8), h.IntN(3), fmt.Sprintf("h%d", 1+h.IntN(2))
	name := fmt.Sprintf("p%d/p%d.cue", pack, pool)
	switch h.IntN(16) {
	default:
		what = "edit " + name
		h.declare(pack, pool, host, fmt.Sprintf("/e%d", h.IntN(4)))
	case 0, 1:
		what = "with the shared root " + name
		h.declare(pack, pool, host, "")
	case 2:
		what = "shared root"
		h.files["lib/lib.cue"] = fmt.Sprintf("package lib\n\n#root: \"/r%d\"\n", h.IntN(5))
	case 3, 4:
		what = "delete " + name
		delete(h.files, name)
	case 5, 6:
		what = "move " + name
		if text, ok := h.files[name]; ok {
			delete(h.files, name)
			to := h.IntN(3)
			h.files[fmt.Sprintf("p%d/p%d.cue", to, pool)] = strings.Replace(text, fmt.Sprintf("package p%d", pack), fmt.Sprintf("package p%d", to), 1)
		}
	case 7:
		what = "break " + name
		h.files[name] = []string{"package p\n", fmt.Sprintf("package p%d\n\nschema.#Topology & {", pack), "package q\n"}[h.IntN(3)]
	case 8, 9:
		what = "force-push an earlier tree"
		h.files = maps.Clone(h.past[h.IntN(len(h.past))])
	}
	tree := fstest.MapFS{}
	for name, text := range h.files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	h.head = fmt.Sprintf("%040x", n+1)
	h.repo.mu.Lock()
	defer h.repo.mu.Unlock()
	h.repo.commits = append(h.repo.commits, h.head)
	h.repo.trees[h.head] = tree
	return what
}

// plan is a plan of the head as JSON without times, or why there is none.
func (h *history) plan(c *reconcile.Controller) (text string, ok bool) {
	h.Helper()
	p, err := c.Plan(context.Background(), h.head)
	if err != nil {
		return err.Error(), false
	}
	p.ID, p.CreatedAt, p.ObservedAt = "", time.Time{}, time.Time{}
	var out strings.Builder
	if err := p.WriteJSON(&out); err != nil {
		h.Fatal(err)
	}
	return out.String(), true
}

// between is what happens between two pushes: somebody changes a machine, the plan is applied, the cache is damaged, the
// controller is started anew.
func (h *history) between() {
	h.Helper()
	switch h.IntN(10) {
	case 0, 1:
		h.world.mu.Lock()
		all := slices.SortedFunc(maps.Keys(h.world.pools), schema.Instance.Compare)
		h.world.mu.Unlock()
		if len(all) > 0 {
			h.world.sabotage(all[h.IntN(len(all))], []string{"", "/by-hand"}[h.IntN(2)])
		}
	case 2, 3, 4:
		if p, err := h.resident.Plan(context.Background(), h.head); err == nil {
			if _, err := h.resident.Apply(context.Background(), p, nil); err != nil {
				h.Fatal(err)
			}
		}
	case 5:
		h.damage()
	case 6:
		h.resident.Close()
		h.resident = h.controller(filepath.Join(h.dir, "cache", "eval"))
	}
}

// damage truncates a file of the cache or puts a foreign one in its place.
func (h *history) damage() {
	h.Helper()
	var files []string
	filepath.WalkDir(filepath.Join(h.dir, "cache"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		return
	}
	file := files[h.IntN(len(files))]
	data, err := os.ReadFile(file)
	if err != nil {
		h.Fatal(err)
	}
	foreign, err := os.ReadFile(files[h.IntN(len(files))])
	if err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(file, [][]byte{data[:len(data)/2], foreign, nil}[h.IntN(3)], 0o600); err != nil {
		h.Fatal(err)
	}
}
